/**
 * How many slots tasks are given, wherever they run. Of these rules the first that applies decides:
 *
 * 1. Too many were refused, or hold too much memory: there are fewer ({@linkcode Refusals} says how many).
 * 2. Nothing ends any more: a quarter is left.
 * 3. Slow start (`slow_start.ts`): there are many times as many, as long as tasks end as quickly as with fewer.
 * 4. {@linkcode Rounds} from then on: a law gives a few more, or takes some. If it takes some, and less gets done
 *    so, it was no queue that tasks took longer in, and slow start begins anew.
 *
 * All go by tasks alone that began while there were as many slots as now, and stay within what refusals and
 * memory allow.
 */

import type { Ends } from "./ends.ts";
import { Refusals } from "./refusals.ts";
import { LEFT, Rounds, type SlotLaw } from "./rounds.ts";
import { RAMP, reachOf, slowStartOf } from "./slow_start.ts";
import { meanOf, Stage } from "./stage.ts";
import type { Seen } from "./watch.ts";

export interface SlotsOptions {
  /** Tasks in flight at most, on all lanes together. */
  readonly maxSlots: number;
  /** Resident memory above which there are fewer. */
  readonly memoryBytes: number;
  /** So many slots may be right: they are only doubled beyond. */
  readonly guess?: number | undefined;
  readonly law?: SlotLaw;
}

/** How many there are to be. */
export interface Wanted {
  readonly slots: number;
  readonly why: "waits" | "queues" | "stalls" | "unused" | "refused" | "memory";
}

/** Until a task has ended there are so many at most, or as many as it began with. */
const BLIND_SLOTS = 4;
/** They are multiplied no sooner than after so long, in milliseconds, so that quick refusals come in time. */
const STEP_MS = 2;
/** In slow start it is looked often for so long, in milliseconds, and for a moment at each step. */
const EARLY_MS = 100;
const MOMENT_MS = 10;
/** So many tasks make a round at least, or as many as there are slots. */
const ROUND_TASKS = 8;
/**
 * Nothing has ended for so many times as long as the slowest of the last tasks took, and for so many milliseconds,
 * though all slots are taken: it is as at TCP's timeout, and this part of them is left.
 */
const STALLED = 3;
const STALLED_MS = 200;
const STALLED_LEFT = 0.25;
/** In slow start, which may have gone too far, it shows in so long, in milliseconds, that slots aren't needed. */
const UNUSED_MS = 500;
/** Of so few tasks all may be in flight, if none has ended for so long. */
const FEW_TASKS = 16;
const LONG_MS = 20;
/** They grow no further than to this share of the memory that there may be. */
const ROOM = 0.8;

export class Slots {
  ended = 0;
  /** The least latency of a task during which all moved. */
  quickestMs: number = Infinity;
  /** Whether they are multiplied until the first sign of a queue or a limit. */
  isSlowStart = true;
  readonly #options: SlotsOptions;
  #rounds: Rounds;
  readonly #refusals: Refusals;
  readonly #first: number;
  /** All together, and between whole numbers. */
  #count: number;
  #startMs: number;
  /** How many tasks ended by which is known how long they take. */
  #answers = 0;
  /** What the tasks showed, with the latest number of slots last; one but in slow start. */
  #stages: Stage[] = [];
  /** For how long nothing moved, and until when that was so last. */
  #still = { ms: 0, untilMs: -Infinity };
  /** Since when nothing has ended, though all slots are taken. */
  #quietMs: number;
  /** Whether a task ended well. */
  #hasAnswers = false;
  /** Whether they double until there are as many as got through, each time when all have answered if nothing did. */
  #isReopening = false;
  #wasShut = false;
  /** The most that were in flight since they were changed. */
  #taken = 0;
  /** Resident memory before the first task, and whether they were changed last because there was too much. */
  #baseBytes: number | undefined;
  #isShedding = false;

  constructor(
    options: SlotsOptions,
    count: number,
    nowMs: number,
    refusals: Refusals = new Refusals(nowMs),
  ) {
    this.#options = options;
    this.#rounds = new Rounds(options.law);
    this.#refusals = refusals;
    this.#first = this.#count = count;
    this.#startMs = this.#quietMs = nowMs;
    this.#stages = [this.#stageFrom(nowMs)];
  }

  #stageFrom(fromMs: number): Stage {
    return new Stage(this.#count, fromMs, this.#answers);
  }

  get count(): number {
    return this.#count;
  }

  /** As many of them as there may be. */
  set count(count: number) {
    this.#count = Math.max(1, Math.min(this.#options.maxSlots, count));
  }

  /** As many as are to come back, where some were refused just now: as many as got through. */
  get judged(): number {
    return this.#isReopening ? Math.max(this.#count, this.most) : this.#count;
  }

  /** What was refused allows so many. */
  get most(): number {
    return Math.max(1, this.#refusals.most);
  }

  /** Tasks are started no closer together than this. */
  get gapMs(): number {
    return this.#refusals.gapMs;
  }

  /** How long tasks took that began since they were changed. */
  get latencies(): readonly number[] {
    return this.#stages.at(-1)?.latencies ?? [];
  }

  /** How many were refused since. */
  get refused(): number {
    return this.#refusals.refused;
  }

  get #stage(): Stage {
    return this.#stages.at(-1)!;
  }

  /** Whether no task is to be started now. */
  isPaused(nowMs: number): boolean {
    return this.#refusals.waitMs(nowMs) > 0;
  }

  /** Whether they may soon change. */
  isEarly(nowMs: number): boolean {
    return this.isSlowStart &&
      (nowMs - this.#startMs < EARLY_MS || nowMs - this.#stage.fromMs < MOMENT_MS);
  }

  /** There is something to do again. */
  begin({ nowMs, memoryBytes }: Seen): void {
    this.#startMs = this.#quietMs = nowMs;
    this.#baseBytes ??= memoryBytes;
    this.#refusals.begin(nowMs);
    // A rest is no time in which less gets done.
    this.move();
    this.open(nowMs);
  }

  /** So many tasks have ended, one after another. */
  onEnded(count: number, startedAtMs: number, endedAtMs: number, how: Ends = {}): void {
    this.ended += count;
    this.#quietMs = endedAtMs;
    const wasBound = this.most < Infinity;
    const told = this.#refusals.ended(count, startedAtMs, endedAtMs, how, this.#count);
    const { refused = 0, failed = 0, again = 0, elsewhere = 0 } = told;
    // What was lost among others is lost anyway.
    if (wasBound && this.most === Infinity) {
      this.isSlowStart = true;
      this.#isReopening = false;
    }
    if (refused > 0) return;
    if (failed + again + elsewhere > 0) {
      // What fails, unless it does anyway, tells nothing of how long others take, nor that so many are met.
      if (this.#hasAnswers && this.#refusals.byChance === 0) return;
    } else if (!this.#hasAnswers) {
      this.#hasAnswers = true;
      for (const { latencies } of this.#stages) latencies.length = 0;
      this.#rounds.leastMs = this.quickestMs = Infinity;
    }
    const tookMs = Math.max(0, endedAtMs - startedAtMs) / count;
    const stillMs = startedAtMs < this.#still.untilMs ? this.#still.ms / count : 0;
    if (stillMs === 0) this.quickestMs = Math.min(this.quickestMs, tookMs);
    // Who was asked may have gone on meanwhile: then it took no less than where all moved.
    const latencyMs = Math.max(tookMs - stillMs, Math.min(tookMs, this.quickestMs));
    this.#rounds.slowestMs = Math.max(this.#rounds.slowestMs, latencyMs);
    this.#answers += count;
    this.#stages.findLast(({ fromMs }) => startedAtMs >= fromMs)?.add(latencyMs);
  }

  /** Nothing moved for so long until now: in that time no task took longer, and no less got done. */
  leaveOut(nowMs: number, ms: number): void {
    this.#still = { untilMs: nowMs, ms };
    this.#quietMs += ms;
    const stage = this.#stages.at(-1);
    if (stage !== undefined) stage.stillMs += ms;
  }

  /** Tasks that begin from now on tell of the slots that there are now. */
  open(nowMs: number, why?: string): void {
    const stage = this.#stageFrom(nowMs);
    this.#taken = 0;
    const isSame = stage.slots === this.#stages.at(-1)?.slots;
    if (!isSame) this.#refusals.change();
    this.#isShedding = why === "memory";
    const before = this.isSlowStart ? this.#stages.slice(0, isSame ? -1 : undefined) : [];
    this.#stages = [...before, stage];
  }

  /** They are on other lanes from now on. */
  move(): void {
    this.#stages = [];
  }

  /** What is known of latencies is forgotten. */
  restart(): void {
    this.move();
    this.#rounds = new Rounds(this.#options.law);
    this.quickestMs = Infinity;
    this.isSlowStart = true;
  }

  /** Whether there are too many now, whatever else is the case. */
  areTooMany({ memoryBytes, inFlight }: Seen): boolean {
    const isShed = this.#isShedding && this.latencies.length < this.#count;
    return this.#refusals.isBraking || this.#refusals.areTooMany(inFlight) ||
      memoryBytes > this.#options.memoryBytes && !isShed;
  }

  /** Fewer, or nothing more is started until it is known how many got through; soon there are as many. */
  fewer(seen: Seen): Wanted | undefined {
    this.isSlowStart = false;
    this.#quietMs = seen.nowMs;
    const refusals = this.#refusals;
    if (!refusals.isBraking && !refusals.areTooMany(seen.inFlight)) {
      return { slots: Math.floor(Math.min(this.#count, this.#fitting(seen))), why: "memory" };
    }
    const gotThrough = refusals.brake(seen.nowMs, this.#count, seen.inFlight);
    if (gotThrough === undefined) return undefined;
    this.#wasShut = !gotThrough;
    // What is refused by chance, or failed however many there were, is no limit.
    this.isSlowStart = this.most === Infinity;
    if (this.#wasShut || this.isSlowStart) this.move();
    this.#isReopening = !this.isSlowStart && this.gapMs === 0;
    return { slots: this.gapMs > 0 ? this.most : 1, why: "refused" };
  }

  /** So many would have room, as far as what is in use is the tasks'. */
  #fitting({ memoryBytes }: Seen): number {
    const { memoryBytes: most } = this.#options;
    const base = this.#baseBytes ?? 0;
    if (most === Infinity || memoryBytes <= base) return Infinity;
    return Math.max(1, this.#count * (ROOM * most - base) / (memoryBytes - base));
  }

  /** More or fewer, as the tasks of the present ones tell; none more unless they may grow. */
  next(seen: Seen, mayGrow = true): Wanted | undefined {
    const isFull = seen.inFlight >= (this.ended === 0 ? this.#count : this.#count / 2);
    this.#taken = Math.max(this.#taken, seen.inFlight);
    if (this.#areUnused(seen)) return { slots: this.#taken, why: "unused" };
    const grows = mayGrow && isFull && this.gapMs === 0;
    if (this.#isStalled(seen, grows)) return this.#stall(seen);
    return this.isSlowStart ? this.#slowStart(seen, grows) : this.#round(seen, isFull, grows);
  }

  /**
   * Whether half of them are never taken, though items are there: the event loop comes to no more. They aren't kept,
   * as TCP's window isn't (RFC 7661): who is asked would have them all at once when it gets slow.
   */
  #areUnused({ nowMs, remaining, awaitsItems = false }: Seen): boolean {
    const { fromMs, answersBefore } = this.#stage;
    const isKnown = nowMs - fromMs >= UNUSED_MS && this.#answers - answersBefore >= this.#count;
    const isFree = remaining !== 0 && !awaitsItems && this.gapMs === 0;
    return this.isSlowStart && isKnown && isFree && this.#taken <= this.#count / 2;
  }

  /**
   * Whether nothing ends any more of what many slots' tasks do. What was started while there were more of them
   * tells no more than it did by then.
   */
  #isStalled({ nowMs, inFlight, remaining }: Seen, grows: boolean): boolean {
    const isFull = grows && remaining !== 0 && LEFT * inFlight <= this.#count;
    const isKnown = this.#answers >= ROUND_TASKS && this.#count > BLIND_SLOTS;
    if (!isFull || !isKnown) this.#quietMs = nowMs;
    return nowMs - this.#quietMs >= Math.max(STALLED_MS, STALLED * this.#rounds.slowestMs);
  }

  #stall({ nowMs }: Seen): Wanted {
    this.isSlowStart = false;
    this.#quietMs = nowMs;
    // What got done by then is known once these have ended.
    this.#rounds.begin(this.#count, 0, this.#stages.flatMap(({ latencies }) => latencies));
    return { slots: STALLED_LEFT * this.#count, why: "stalls" };
  }

  /** Many more than the most with which tasks ended as quickly as with few. */
  #slowStart(seen: Seen, grows: boolean): Wanted | undefined {
    const { nowMs, remaining = Infinity, inFlight } = seen;
    const found = slowStartOf(this.#stages, nowMs, this.#answers);
    const { proven, latencies, tooMany } = found;
    if (tooMany !== undefined) {
      this.isSlowStart = false;
      this.#rounds.leastMs = Infinity;
      this.#rounds.begin(tooMany.slots, tooMany.perMs, latencies);
      return { slots: tooMany.enough, why: "queues" };
    }
    if (proven > 0) this.#refusals.passed(proven);
    if (!grows || nowMs - this.#stage.fromMs < STEP_MS) return undefined;
    const left = remaining + inFlight;
    const wanted = Math.min(
      left,
      this.#options.maxSlots,
      proven > 0 ? reachOf(found, this.#count, left, this.#options.guess) : this.#blindly(seen),
      this.most,
      this.#fitting(seen),
    );
    const slots = Math.floor(Math.min(wanted, RAMP * this.#count));
    return slots > this.#count ? { slots, why: "waits" } : undefined;
  }

  /** How many may be tried of which nothing has ended yet. */
  #blindly({ nowMs, remaining = Infinity, inFlight }: Seen): number {
    const left = remaining + inFlight;
    const isFew = left <= FEW_TASKS && nowMs - this.#startMs >= LONG_MS;
    // What was cut off among others may be so alone, too.
    return this.#wasShut ? 1 : Math.max(BLIND_SLOTS, this.#first, isFew ? left : 0);
  }

  /** What the law gives once a round of tasks has ended. */
  #round(seen: Seen, isFull: boolean, grows: boolean): Wanted | undefined {
    const { latencies } = this;
    const slots = this.#count;
    const most = () => Math.min(this.most, this.#fitting(seen));
    if (this.#isReopening && grows) {
      this.#isReopening = most() > slots;
      const { fromMs } = this.#stage;
      const isDue = this.#wasShut ? latencies.length >= slots : seen.nowMs - fromMs >= STEP_MS;
      const more = Math.min(most(), 2 * slots);
      if (this.#isReopening) return isDue ? { slots: more, why: "waits" } : undefined;
    }
    if (latencies.length < Math.max(ROUND_TASKS, slots)) return undefined;
    const isPaced = this.gapMs > 0;
    if (isPaced) this.#refusals.faster(meanOf(latencies));
    else if (isFull) this.#refusals.passed(slots);
    const next = isPaced ? Math.max(slots, this.most) : this.#rounds.next(slots, latencies, isFull);
    if (this.#rounds.areWrong) this.restart();
    if (next < slots) return { slots: next, why: "queues" };
    const more = Math.min(next, most());
    if (more > slots && (grows || isPaced)) return { slots: more, why: "waits" };
    this.open(seen.nowMs);
    return undefined;
  }
}
