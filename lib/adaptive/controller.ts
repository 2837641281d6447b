/**
 * Decides, while a job runs, where its tasks run and how many are in flight: in the event loop with more
 * or fewer slots, or on lanes. Pure logic: it is told what happened and what time it is.
 *
 * It goes by experiment wherever one is cheap. Slots double while tasks wait and end as quickly as before
 * (slow start, left as HyStart does it: Ha and Rhee, 2008), then follow a {@linkcode SlotLaw}, within what
 * {@linkcode Refusals} and memory allow. Lanes are tried where tasks keep the event loop busy, and kept only
 * if more gets done; and so is the event loop, when they are left.
 */

import { Refusals } from "./refusals.ts";
import { gradient2, type SlotLaw } from "./slot_laws.ts";
import { PROVEN } from "./tally.ts";
import { BUSY, type Figures, type Look, type Seen, type Shape, Watch } from "./watch.ts";

/** Why a shape was changed. */
export type Why =
  /** It was told what to begin with. */
  | "start"
  /** The tasks wait, and more of them at once get more done. */
  | "waits"
  /** Latency grew, and no more gets done. */
  | "queues"
  /** A server refused some, or files and sockets ran short. */
  | "refused"
  /** There is more resident memory than may be. */
  | "memory"
  /** The tasks keep the event loop busy: lanes are started, while it goes on. */
  | "computes"
  /** The tasks hold up the event loop, though they only wait: so do more lanes than there are cores. */
  | "blocks"
  /** Lanes have started. */
  | "lanes ready"
  /** No more gets done on lanes. */
  | "lanes don't gain"
  /** The lanes hardly compute: one event loop can do it. */
  | "waits again"
  /** Lanes can't be started, or what is left can't be sent. */
  | "stays";

/** One decision. */
export interface Decision {
  /** When, on the clock of the ticks. */
  readonly atMs: number;
  /** What there was. */
  readonly from: Shape;
  /** What there is from then on. */
  readonly to: Shape;
  /** Why. */
  readonly why: Why;
  /** What tells so. */
  readonly figures: Figures;
  /** Of tasks that stay in the event loop: what can't be sent, or why no lane starts. */
  readonly detail?: string;
}

/** What the controller may do. */
export interface ControllerOptions {
  /** Tasks in flight at most, on all lanes together. */
  readonly maxSlots: number;
  /** Lanes at most beside the event loop; 0 to stay there. */
  readonly maxLanes: number;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly start: Shape;
  /** So many slots may be right: they aren't doubled beyond until it is seen that more get more done. */
  readonly guess?: number | undefined;
  readonly law?: SlotLaw;
}

/** It looks so often at first, in milliseconds, later less often; */
const FIRST_TICK_MS = 1;
const TICK_MS = 10;
const EARLY_MS = 100;
/** and when a task ends though the time for it is over by so much. */
const OVERDUE_MS = 10;
/** Until a task has ended there are so many slots at most, or as many as it began with. */
const BLIND_SLOTS = 4;
/** Slots double no faster than this, in milliseconds, so that quick refusals come in time. */
const DOUBLES_MS = 2;
/** They become this many times as many as were seen to do, */
const RAMP = 4;
/** or as many as tasks one slot would do in so long: if a server refuses them, it is 3 % of a minute's. */
const RISKED_MS = 1_800;
const RISKED_SLOTS = 128;
/** It isn't worth while to try few more. */
const STEP = 1.5;
/** Slots grow no further than to this share of the memory that there may be. */
const ROOM = 0.8;
/** So many tasks make a round at least, or as many as there are slots. */
const ROUND_TASKS = 8;
/** While slots double, this share of them makes a round. */
const MOST_OF = 0.7;
/** More of them tell nothing more. */
const MOST_LATENCIES = 256;
/** Which of a round's latencies is taken for it. */
const QUICKER = 0.25;
/** Latency that has grown by this, while throughput has grown by less than that, tells of a queue. */
const SLOWER = 1.5;
const NO_MORE = 1.2;
/** Whether it is busy is judged over so long at least; over longer where tasks are so short that they get quicker still. */
const WINDOW_MS = 10;
const SETTLED_MS = 100;
const SHORT_MS = 1;
/** Lanes are worth starting if so much work is left, */
const WORTH_MS = 150;
/** and if, with sending, all cores together would do so many times as much of it. */
const WORTH_GAIN = 1.25;
/** What a message computes here and there; tasks that never wait share one. */
const MESSAGE_MS = 0.1;
/** While lanes start, nothing is started here for so long at most: they need this event loop too. */
const PAUSE_MS = 100;
/** Of lanes that tasks block there are so many more than cores as they compute less, for each core at most: */
export const BLOCKED_LANES = 4;
/** So many slots on each lane are enough, if one event loop had no more. */
const AMPLE = 16;
/** A change of place is judged after so long, and so many tasks on each lane. */
const TRIAL_MS = 80;
const TRIAL_TASKS = 3;
/**
 * Lanes are kept if they get this many times as much done, or at least this part of it, where so many times
 * as much is computed: items may have grown longer meanwhile.
 */
const GAIN = 1.1;
const LONGER = 0.6;
const CPU_GAIN = 1.25;
/** Lanes that didn't gain aren't tried again for so long, and each time for twice as long. */
const AGAIN_MS = 400;
/** The lanes are looked at so often; if they use less than this of one core, an event loop will do. */
const LOOK_MS = 250;
const LITTLE = 0.6;
/** Tasks have all cores if over so long they had this part of them. */
const FULL_MS = 5;
const FULL = 0.9;
/** What got done in a place. */
interface Rate {
  readonly perSecond: number;
  readonly cpuShare: number;
}

/** Decides. */
export class Controller {
  /** What is to be now. */
  shape: Shape;
  /** Whether lanes are to be started. */
  wantsLanes = false;
  /** When it wants to look next, from the last time on. */
  nextTickMs = FIRST_TICK_MS;
  readonly #options: ControllerOptions;
  readonly #law: SlotLaw;
  readonly #watch = new Watch();
  /** What has happened, as of this tick. */
  #look!: Look;
  #lastTickMs: number;
  #startMs: number;
  #ended = 0;

  /** Slots grow many times over until the first sign of a queue. */
  #slowStart = true;
  /** How slots grow between whole numbers. */
  #slots: number;
  /** What the tasks showed that were started with so many slots, the latest last; one but in slow start. */
  #levels: Level[] = [];
  /** The least latency of a round, and of a task. */
  #leastMs = Infinity;
  #quickestMs = Infinity;

  readonly #refusals: Refusals;
  /** After a refusal slots double until there are so many, at each answer to all of them if none got through. */
  #threshold = 0;
  #wasShut = false;
  #resumedMs = -Infinity;
  /** Resident memory before the first task, and whether slots were changed last because there was too much. */
  #baseBytes: number | undefined;
  #isShedding = false;

  /** Until when nothing is started, so that lanes start. */
  #pauseUntilMs = -Infinity;
  /** Whether it is to be seen whether more gets done here than where tasks were before. */
  #onTrial: boolean;
  #before: Rate = { perSecond: 0, cpuShare: 0 };
  /** How many slots the event loop had, and whether one task after another held it. */
  #loop = { slots: 1, holds: false };
  /** The share of their time that tasks compute which hold up whatever they run on: 1 unless they block it. */
  #computing = 1;
  #lanesNotBeforeMs = 0;
  #againMs = AGAIN_MS;

  constructor(options: ControllerOptions, nowMs: number) {
    this.#options = options;
    this.#law = options.law ?? gradient2();
    this.#startMs = this.#lastTickMs = nowMs;
    this.#refusals = new Refusals(nowMs);
    this.shape = options.start;
    this.#onTrial = this.shape.place === "lanes";
    this.#slots = options.start.lanes * options.start.slots;
    this.#openLevel(nowMs);
  }

  /** Tasks are started no closer together than this. */
  get gapMs(): number {
    return this.#refusals.gapMs;
  }

  /** Whether none is to be started for now. */
  get isBraking(): boolean {
    return this.#pauseUntilMs > this.#lastTickMs || this.#refusals.isPaused(this.#lastTickMs);
  }

  /** Whether lanes are to stay open, though no task runs there. */
  get keepsLanes(): boolean {
    return this.wantsLanes || this.#onTrial;
  }

  /** How many lanes there are, when there are any. */
  get lanes(): number {
    const { maxLanes, cores } = this.#options;
    const most = Math.min(maxLanes, Math.max(1, this.#refusals.most));
    return Math.min(most, Math.ceil(cores / Math.max(1 / BLOCKED_LANES, this.#computing)));
  }

  get #blocks(): boolean {
    return this.#computing < 1;
  }

  get #level(): Level {
    return this.#levels.at(-1)!;
  }

  /** There is something to do again. */
  begin(seen: Seen): void {
    this.#startMs = this.#lastTickMs = seen.nowMs;
    this.nextTickMs = this.#ended === 0 ? FIRST_TICK_MS : TICK_MS;
    this.#baseBytes ??= seen.memoryBytes;
    this.#refusals.begin(seen.nowMs);
    this.#watch.open(seen);
  }

  /**
   * So many tasks have ended, one after another, of which some were refused, by a server that may have
   * asked to be left alone for so long; returns whether it wants to look at once.
   */
  onEnded(
    count: number,
    startedAtMs: number,
    endedAtMs: number,
    refused = 0,
    askedMs = 0,
  ): boolean {
    const isFirst = this.#ended === 0;
    this.#ended += count;
    this.#watch.ended += count;
    this.#watch.ranMs += endedAtMs - startedAtMs;
    this.#refusals.ended(count - refused, refused, startedAtMs, endedAtMs, askedMs);
    // Until the next tick it may be asked hundreds of times more.
    if (refused > 0) return true;
    const level = this.#levels.findLast(({ fromMs }) => startedAtMs >= fromMs);
    this.#quickestMs = Math.min(this.#quickestMs, (endedAtMs - startedAtMs) / count);
    if (level !== undefined && level.latencies.length < Math.max(MOST_LATENCIES, level.slots)) {
      level.latencies.push((endedAtMs - startedAtMs) / count);
    }
    return endedAtMs - this.#lastTickMs - this.nextTickMs >= (isFirst ? 0 : OVERDUE_MS);
  }

  /** Looks at what happened since the last tick; returns what it has decided, if anything. */
  tick(seen: Seen): Decision | undefined {
    const { nowMs } = seen;
    this.#lastTickMs = nowMs;
    this.#look = this.#watch.look(seen, this.shape);
    const sinceMs = this.#slowStart ? this.#startMs : this.#resumedMs;
    const isEarly = nowMs - sinceMs < EARLY_MS ||
      this.#slowStart && nowMs - this.#level.fromMs < TICK_MS;
    this.nextTickMs = isEarly ? FIRST_TICK_MS : TICK_MS;
    return this.#refusals.isBraking || this.#refusals.areTooMany
      ? this.#onRefused(seen)
      : this.#hasTooMuch(seen)
      ? this.#shed(seen)
      : this.wantsLanes
      ? undefined
      : this.shape.place === "lanes"
      ? this.#tickOnLanes(seen)
      : this.#tickInLoop(seen);
  }

  #tickInLoop(seen: Seen): Decision | undefined {
    const { elapsedMs, busyShare, ended, perSecond, holds } = this.#look;
    if (this.#onTrial) {
      if (elapsedMs < TRIAL_MS || ended < TRIAL_TASKS) return undefined;
      this.#onTrial = false;
      // Items have grown longer: then less gets done, wherever that is.
      if (this.#before.perSecond > GAIN * perSecond) return this.#askForLanes(seen);
    }
    // Tasks that wait are started all at once, and then it is free for as long as they wait.
    const windowMs = holds ? WINDOW_MS : Math.min(LOOK_MS, Math.max(WINDOW_MS, this.#quickestMs));
    const isBusy = elapsedMs >= windowMs && busyShare >= BUSY && ended > 0;
    const decision = isBusy
      ? (this.#mayGain(seen) ? this.#askForLanes(seen) : undefined)
      : this.#slotsOf(seen);
    // What a task computes once it has waited is to be seen apart from its wait.
    const isOver = elapsedMs >= Math.max(SETTLED_MS, 2 * windowMs);
    if (isOver || this.#ended === 0) this.#watch.open(seen);
    return decision;
  }

  /** Whether what is left is worth lanes, as far as that is known. */
  #mayGain({ nowMs, remaining, travels, sendMs = 0 }: Seen): boolean {
    const { elapsedMs, perSecond, busyShare, holds, waits, cpuShare = 1 } = this.#look;
    this.#computing = holds && waits ? cpuShare : 1;
    if (!travels || this.lanes < 2 || nowMs < this.#lanesNotBeforeMs) return false;
    const taskMs = 1000 * busyShare / perSecond;
    // Both sides compute what an item costs to send; making items is done here anyway.
    const movedMs = Math.min(taskMs, quickerOf(this.#level.latencies) || taskMs);
    if (!holds && movedMs < SHORT_MS && elapsedMs < SETTLED_MS) return false;
    const sentMs = movedMs + 2 * (sendMs + (holds ? 0 : MESSAGE_MS));
    if (!this.#blocks && this.lanes * movedMs < WORTH_GAIN * sentMs) return false;
    // Of a list whose end isn't known, twice as much is expected to come as there was.
    const leftMs = remaining === undefined ? 2 * (nowMs - this.#startMs) : taskMs * remaining;
    return leftMs >= WORTH_MS;
  }

  #askForLanes(seen: Seen): Decision {
    const { perSecond, cpuShare = 1, holds } = this.#look;
    this.wantsLanes = true;
    this.#pauseUntilMs = seen.nowMs + PAUSE_MS;
    this.#before = { perSecond, cpuShare };
    this.#loop = { slots: this.shape.slots, holds };
    return this.#change(seen, this.shape, this.#blocks ? "blocks" : "computes");
  }

  /** So many of the lanes that are wanted can take tasks. */
  lanesReady(seen: Seen, ready: number, wanted: number): Decision {
    const { slots: before } = this.#loop;
    this.wantsLanes = ready < wanted;
    this.#pauseUntilMs = -Infinity;
    this.#onTrial = true;
    // As many as kept one event loop busy, or a share of them, if they were many.
    const ample = Math.max(Math.min(before, AMPLE), Math.ceil(before / wanted));
    const most = Math.floor(Math.min(this.#options.maxSlots, this.#refusals.most) / wanted);
    const slots = Math.max(1, Math.min(ample, most));
    this.#slots = ready * slots;
    return this.#change(seen, { place: "lanes", lanes: ready, slots }, "lanes ready");
  }

  /** What some tasks need can't be sent to lanes, or no lane could be started. */
  stay(seen: Seen, detail: string): Decision {
    // Other tasks may be on lanes, and stay there.
    if (seen.travels) return { ...this.#change(seen, this.shape, "stays"), detail };
    this.wantsLanes = this.#onTrial = false;
    this.#pauseUntilMs = -Infinity;
    if (this.shape.place === "event loop" || this.#before.perSecond === 0) {
      return { ...this.#toLoop(seen, "stays", this.#slots), detail };
    }
    // It is as busy there as it was.
    this.#slowStart = false;
    return { ...this.#toLoop(seen, "stays", this.#loop.slots), detail };
  }

  #tickOnLanes(seen: Seen): Decision | undefined {
    const { elapsedMs, ended, perSecond, cpuShare, busyShare, waits } = this.#look;
    const { lanes } = this.shape;
    const gain = perSecond / this.#before.perSecond;
    if (this.#onTrial) {
      // It begins when the first tasks have ended there, for until then only a few are sent.
      if (this.#level.latencies.length < PROVEN) return void this.#watch.open(seen);
      if (elapsedMs < TRIAL_MS || ended < TRIAL_TASKS * lanes) return undefined;
      this.#onTrial = false;
      const computesMore = cpuShare !== undefined && cpuShare >= CPU_GAIN * this.#before.cpuShare;
      if (gain < (computesMore ? LONGER : GAIN)) {
        this.#before = { perSecond, cpuShare: cpuShare ?? lanes };
        this.#slowStart = false;
        this.#onTrial = true;
        return this.#toLoop(seen, "lanes don't gain", this.#loop.slots);
      }
      this.#againMs = AGAIN_MS;
      if (this.#loop.holds && waits && !this.#blocks) {
        // It couldn't be told from tasks that are kept from a core before.
        this.#computing = busyShare;
        this.wantsLanes = this.lanes > lanes;
      }
      return void this.#watch.open(seen);
    }
    if (elapsedMs < LOOK_MS || ended < lanes) return this.#slotsOf(seen);
    const isIdle = busyShare * lanes < LITTLE && seen.inFlight >= this.#slots / 2 &&
      !(this.#blocks && gain >= GAIN);
    // Whether tasks block the lanes that it began with is seen where one alone runs.
    const slots = this.#before.perSecond > 0 ? this.#slots : 1;
    const decision = isIdle ? this.#toLoop(seen, "waits again", slots) : this.#slotsOf(seen);
    if (decision === undefined) this.#watch.open(seen);
    return decision;
  }

  #toLoop(seen: Seen, why: Why, slots: number): Decision {
    this.#lanesNotBeforeMs = seen.nowMs + this.#againMs;
    this.#againMs *= 2;
    this.#slots = Math.max(1, Math.min(slots, this.#refusals.most));
    const to = { place: "event loop", lanes: 1, slots: Math.floor(this.#slots) } as const;
    return this.#change(seen, to, why);
  }

  /** Whether the tasks, with threads of their own, have all cores: more of them at once do no more. */
  get #coresAreFull(): boolean {
    const { elapsedMs, cpuShare = 0 } = this.#look;
    return elapsedMs >= FULL_MS && cpuShare >= FULL * this.#options.cores;
  }

  /** More or fewer slots, as the tasks of the present ones tell. */
  #slotsOf(seen: Seen): Decision | undefined {
    const { nowMs, inFlight } = seen;
    const slots = this.#slots;
    // What waits for this program itself tells nothing of others, and what blocks a lane keeps its slots.
    const { busyShare, elapsedMs, holds, isPreempted } = this.#look;
    const onLanes = this.shape.place === "lanes";
    // What this program computed before the first tick is no matter of the tasks.
    const isFirst = this.#ended === 0 && slots === this.#options.start.slots;
    const isBusy = isFirst && !onLanes ? holds : busyShare >= BUSY;
    if (
      isBusy || this.#slowStart && !onLanes && isPreempted ||
      onLanes && (this.#blocks || elapsedMs < WINDOW_MS)
    ) return undefined;
    const isFull = inFlight >= (this.#ended === 0 ? slots : slots / 2);
    const mayGrow = isFull && this.gapMs === 0 && !this.#coresAreFull;
    if (this.#slowStart) return this.#slowStartOf(seen, mayGrow);
    const { latencies } = this.#level;
    const most = Math.min(this.#refusals.most, this.#fitting(seen));
    if (mayGrow && slots < Math.min(most, this.#threshold)) {
      const isDue = this.#wasShut
        ? latencies.length >= slots
        : nowMs - this.#level.fromMs >= DOUBLES_MS;
      return isDue
        ? this.#setSlots(seen, Math.min(most, this.#threshold, 2 * slots), "waits")
        : undefined;
    }
    if (latencies.length < Math.max(ROUND_TASKS, slots)) return undefined;
    const latencyMs = quickerOf(latencies);
    this.#leastMs = Math.min(this.#leastMs, latencyMs);
    this.#refusals.passed(slots);
    if (this.gapMs > 0) this.#refusals.faster(latencyMs);
    const next = isFull ? this.#law({ slots, latencyMs, leastMs: this.#leastMs }) : slots;
    if (next < slots) {
      this.#threshold = 0;
      return this.#setSlots(seen, next, "queues");
    }
    if (mayGrow && most > slots) return this.#setSlots(seen, Math.min(most, next), "waits");
    this.#openLevel(nowMs);
    return undefined;
  }

  /** Many more slots than the most with which tasks ended as quickly as with few. */
  #slowStartOf(seen: Seen, mayGrow: boolean): Decision | undefined {
    const { nowMs, remaining = Infinity, inFlight } = seen;
    const { maxSlots } = this.#options;
    const all = this.#levels.flatMap(({ latencies }) => latencies);
    const first = all.slice(0, ROUND_TASKS);
    if (first.length === ROUND_TASKS) {
      this.#leastMs = Math.min(this.#leastMs, quickerOf(first));
    }
    let [proven, before] = [0, 0];
    let [mostPerMs, spread] = [0, 1];
    for (const [at, level] of this.#levels.entries()) {
      const { slots, fromMs, endedBefore, latencies } = level;
      // The first of them are the quickest.
      const isRound =
        latencies.length >= MOST_OF * (slots >= STEP * before ? slots - before : slots);
      before = slots;
      if (!isRound) continue;
      const latencyMs = quickerOf(latencies);
      const next = this.#levels[at + 1] ?? { fromMs: nowMs, endedBefore: this.#ended };
      const lastedMs = next.fromMs - fromMs;
      // What lasted for less than a task says so by its tasks: so many at once, for so long each.
      const perMs = lastedMs < latencyMs
        ? slots / mean(latencies)
        : (next.endedBefore - endedBefore) / lastedMs;
      const isSlower = latencies.length >= ROUND_TASKS && latencyMs > SLOWER * this.#leastMs;
      if (isSlower && perMs < NO_MORE * mostPerMs) {
        this.#slowStart = false;
        // As many as are in flight if none waits, and a few in the queue.
        const busy = Math.ceil(mostPerMs * spread * this.#leastMs);
        return this.#setSlots(seen, Math.min(slots / 2, busy + Math.sqrt(busy)), "queues");
      }
      if (perMs > mostPerMs) [mostPerMs, spread] = [perMs, mean(latencies) / latencyMs];
      proven = slots;
    }
    if (proven > 0) this.#refusals.passed(proven);
    if (!mayGrow || nowMs - this.#level.fromMs < DOUBLES_MS) return undefined;
    const most = Math.min(
      remaining + inFlight,
      maxSlots,
      this.#stage(proven, all),
      this.#refusals.most,
      this.#fitting(seen),
    );
    const wanted = Math.floor(Math.min(most, RAMP * this.#slots));
    return wanted > this.#slots ? this.#setSlots(seen, wanted, "waits") : undefined;
  }

  /** How many slots may be tried, now that so many were seen to do, and tasks took so long. */
  #stage(proven: number, latencies: readonly number[]): number {
    const { start, guess } = this.#options;
    if (proven === 0) return Math.max(BLIND_SLOTS, start.lanes * start.slots);
    const isSeen = proven >= this.#slots;
    if (guess !== undefined && proven >= guess) return isSeen ? 2 * proven : 0;
    const risked = Math.min(RISKED_SLOTS, RISKED_MS / mean(latencies));
    const isStep = risked >= STEP * this.#slots;
    return Math.min(guess ?? Infinity, Math.max(isStep ? risked : 0, isSeen ? RAMP * proven : 0));
  }

  /** Nothing more is started until it is known how many got through; then there are as many slots. */
  #onRefused(seen: Seen): Decision | undefined {
    const { nowMs, inFlight } = seen;
    const slots = this.#slots;
    this.#slowStart = false;
    if (slots <= this.shape.lanes) {
      this.#slowStart = this.#refusals.slower(nowMs);
      this.#threshold = Math.min(this.#threshold, this.#refusals.most);
      this.#openLevel(nowMs);
      return undefined;
    }
    const through = this.#refusals.brake(nowMs, slots, inFlight);
    if (through === undefined) return undefined;
    this.#threshold = this.#refusals.most;
    this.#wasShut = through === 0;
    this.#resumedMs = nowMs;
    const decision = this.#fewer(seen, "refused", 1);
    this.#slowStart = this.#refusals.most === Infinity;
    return decision;
  }

  /** Whether there is too much memory in use, though tasks were started since there were fewer slots. */
  #hasTooMuch({ memoryBytes }: Seen): boolean {
    return memoryBytes > this.#options.memoryBytes &&
      !(this.#isShedding && this.#level.latencies.length < this.#slots);
  }

  /** So many slots would have room, as far as what is in use is the tasks'. */
  #fitting({ memoryBytes }: Seen): number {
    const { memoryBytes: most } = this.#options;
    const base = this.#baseBytes ?? 0;
    if (most === Infinity || memoryBytes <= base) return Infinity;
    return Math.max(1, this.#slots * (ROOM * most - base) / (memoryBytes - base));
  }

  #shed(seen: Seen): Decision | undefined {
    const decision = this.#fewer(seen, "memory", Math.min(this.#slots, this.#fitting(seen)));
    this.#isShedding = true;
    return decision;
  }

  #fewer(seen: Seen, why: Why, slots: number): Decision | undefined {
    this.#slowStart = false;
    return this.#setSlots(seen, Math.max(1, Math.floor(slots)), why);
  }

  #setSlots(seen: Seen, slots: number, why: Why): Decision | undefined {
    const { lanes, place } = this.shape;
    this.#slots = Math.min(this.#options.maxSlots, Math.max(lanes, slots));
    const each = Math.max(1, Math.round(this.#slots / lanes));
    if (each === this.shape.slots) {
      this.#openLevel(seen.nowMs);
      return undefined;
    }
    return this.#change(seen, { place, lanes, slots: each }, why);
  }

  #change(seen: Seen, to: Shape, why: Why): Decision {
    const decision = { atMs: seen.nowMs, from: this.shape, to, why, figures: this.#figures(seen) };
    this.shape = to;
    if (decision.from.place !== to.place || decision.from.lanes !== to.lanes) {
      this.#levels = [];
      this.#watch.open(seen);
    }
    if (why === "waits again") {
      this.#leastMs = this.#quickestMs = Infinity;
      this.#slowStart = true;
    }
    this.#openLevel(seen.nowMs);
    return decision;
  }

  #figures(seen: Seen): Figures {
    const { busyShare, perSecond } = this.#watch.look(seen, this.shape);
    const { latencies } = this.#level;
    const latencyMs = latencies.length === 0 ? NaN : quickerOf(latencies);
    return { busyShare, latencyMs, perSecond, refused: this.#refusals.refused };
  }

  #openLevel(nowMs: number): void {
    const level = { slots: this.#slots, fromMs: nowMs, endedBefore: this.#ended, latencies: [] };
    const isSame = level.slots === this.#levels.at(-1)?.slots;
    if (!isSame) this.#refusals.forget();
    this.#isShedding = false;
    const before = this.#slowStart ? this.#levels.slice(0, isSame ? -1 : undefined) : [];
    this.#levels = [...before, level];
  }
}

/** How long tasks took that were started while there were so many slots, since the slots were changed. */
interface Level {
  readonly slots: number;
  readonly fromMs: number;
  /** How many tasks had ended by then. */
  readonly endedBefore: number;
  readonly latencies: number[];
}

function quickerOf(latencies: readonly number[]): number {
  return latencies.toSorted((a, b) => a - b)[Math.floor(QUICKER * latencies.length)]!;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
