/**
 * How many slots tasks are given, wherever they run.
 *
 * They begin with few, which become many as long as tasks end as quickly as with fewer: slow start, left by
 * what tasks take, as HyStart is (Ha and Rhee, 2008), with as many slots as were busy then. From there on they
 * follow a {@linkcode SlotLaw}, round by round; if that takes some of them away, and less gets done so, it was
 * no queue that tasks took longer in, and slow start begins anew.
 *
 * Both stay within what {@linkcode Refusals} and memory allow, and go by tasks alone that began while there
 * were as many slots as now.
 */

import { type Ends, Failures } from "./ends.ts";
import { Refusals } from "./refusals.ts";
import { gradient, type SlotLaw } from "./slot_laws.ts";
import type { Seen } from "./watch.ts";

/** What slots are given by. */
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
  readonly why: "waits" | "queues" | "refused" | "memory";
}

/** Until a task has ended there are so many at most, or as many as it began with. */
const BLIND_SLOTS = 4;
/** They are multiplied no sooner than after so long, in milliseconds, so that quick refusals come in time. */
const STEP_MS = 2;
/** They become this many times as many as were seen to do, */
const RAMP = 4;
/**
 * or as many as tasks these would do in so long: if a server refuses all of them, it is 3 % of a minute's.
 * If it only gets slower with so many, it is for long; so there are more only if these are all that is left.
 */
const RISKED_MS = 1_800;
const RISKED_SLOTS = 48;
const RISKED_LAST = 128;
/** It isn't worth while to try fewer than so many times as many. */
const STEP = 1.5;
/** In slow start it is looked often for so long, in milliseconds, and for a moment at each step. */
const EARLY_MS = 100;
const MOMENT_MS = 10;
/** So many tasks make a round at least, or as many as there are slots; */
const ROUND_TASKS = 8;
/** in slow start this share of the slots that came last. */
const MOST_OF = 0.7;
/** More of them tell nothing more. */
const MOST_LATENCIES = 256;
/** Which of a round's latencies is taken for it, */
const QUICKER = 0.25;
/** and for what tasks took with fewer slots, of which so few tell if all but a quarter have ended. */
const SLOWER = 0.75;
const FEW_LATENCIES = 3;
/**
 * Slots are too many if even the quicker tasks take so many times as long as the slower ones did with fewer, and
 * less gets done than by the root of their number more; or if, as many tasks tell, hardly more gets done.
 */
const LONGER = 1.25;
const MANY_LATENCIES = 32;
const HARDLY_MORE = 1.2;
/** If this part of them is left, it is looked whether as much gets done. */
const LEFT = 0.8;
/**
 * Nothing has ended for so many times as long as the slowest of the last tasks took, and for so many milliseconds,
 * though all slots are taken: it is as at TCP's timeout, and this part of them is left.
 */
const STALLED = 3;
const STALLED_MS = 200;
const STALLED_LEFT = 0.25;
/** Of so few tasks all may be in flight, if none has ended for so long. */
const FEW_TASKS = 16;
const LONG_MS = 200;
/** They grow no further than to this share of the memory that there may be. */
const ROOM = 0.8;

/** How long tasks took that began while there were so many slots. */
interface Stage {
  readonly slots: number;
  readonly fromMs: number;
  /** How many answers there had been by then. */
  readonly answersBefore: number;
  readonly latencies: number[];
}

/** Gives slots. */
export class Slots {
  /** How many tasks have ended. */
  ended = 0;
  /** The least latency of a task. */
  quickestMs = Infinity;
  /** Whether they are multiplied until the first sign of a queue or a limit. */
  isSlowStart = true;
  readonly #options: SlotsOptions;
  readonly #law: SlotLaw;
  readonly #refusals: Refusals;
  readonly #failures = new Failures();
  readonly #first: number;
  /** All together, and between whole numbers. */
  #count: number;
  #startMs: number;
  /** How many tasks ended by which is known how long they take. */
  #answers = 0;
  /** What the tasks showed, with the latest number of slots last; one but in slow start. */
  #stages: Stage[] = [];
  /** How many there were when they began to become fewer, for tasks took longer, and what got done. */
  #peak: { readonly slots: number; readonly perMs: number } | undefined;
  /** The least latency of a round, and the longest of a task since the last one began. */
  #leastMs = Infinity;
  #slowestMs = 0;
  /** Since when nothing has ended, though all slots are taken. */
  #quietMs: number;
  /** Whether a task ended well. */
  #hasAnswers = false;
  /** Whether they double until there are as many as got through, each time when all have answered if nothing did. */
  #isReopening = false;
  #wasShut = false;
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
    this.#law = options.law ?? gradient;
    this.#refusals = refusals;
    this.#first = this.#count = count;
    this.#startMs = this.#quietMs = nowMs;
    this.#stages = [this.#stageFrom(nowMs)];
  }

  #stageFrom(fromMs: number): Stage {
    return { slots: this.#count, fromMs, answersBefore: this.#answers, latencies: [] };
  }

  get count(): number {
    return this.#count;
  }

  /** As many of them as there may be. */
  set count(count: number) {
    this.#count = Math.max(1, Math.min(this.#options.maxSlots, count));
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
    const wereAnyway = this.#failures.areAnyway;
    const told = this.#failures.judge(count, how, this.#count);
    const isNews = !wereAnyway && this.#failures.areAnyway;
    if (isNews && this.#refusals.pardonLost()) this.isSlowStart = true;
    this.#refusals.ended(count, startedAtMs, endedAtMs, told);
    const { refused = 0, failed = 0, aside = 0 } = told;
    if (refused > 0) return;
    if (failed + aside > 0) {
      // What fails, unless it does anyway, tells nothing of how long others take, nor that so many are met.
      if (this.#hasAnswers && this.#refusals.byChance === 0) return;
    } else if (!this.#hasAnswers) {
      this.#hasAnswers = true;
      for (const { latencies } of this.#stages) latencies.length = 0;
      this.#leastMs = this.quickestMs = Infinity;
    }
    const latencyMs = (endedAtMs - startedAtMs) / count;
    this.quickestMs = Math.min(this.quickestMs, latencyMs);
    this.#slowestMs = Math.max(this.#slowestMs, latencyMs);
    this.#answers += count;
    const stage = this.#stages.findLast(({ fromMs }) => startedAtMs >= fromMs);
    if (stage !== undefined && stage.latencies.length < Math.max(MOST_LATENCIES, stage.slots)) {
      stage.latencies.push(latencyMs);
    }
  }

  /** Tasks that begin from now on tell of the slots that there are now. */
  open(nowMs: number, why?: string): void {
    const stage = this.#stageFrom(nowMs);
    const isSame = stage.slots === this.#stages.at(-1)?.slots;
    if (!isSame) {
      this.#refusals.forget();
      this.#failures.forget();
    }
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
    this.#peak = undefined;
    this.#leastMs = this.quickestMs = Infinity;
    this.#slowestMs = 0;
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
    if (this.isSlowStart) this.#failures.areChance(refusals.byChance);
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
    const grows = mayGrow && isFull && this.gapMs === 0;
    if (this.#isStalled(seen, grows)) return this.#stall(seen);
    return this.isSlowStart ? this.#slowStart(seen, grows) : this.#round(seen, isFull, grows);
  }

  /**
   * Whether nothing ends any more of what many slots' tasks do. What was started while there were more of them
   * tells no more than it did by then.
   */
  #isStalled({ nowMs, inFlight, remaining }: Seen, grows: boolean): boolean {
    const isFull = grows && remaining !== 0 && LEFT * inFlight <= this.#count;
    const isKnown = this.#answers >= ROUND_TASKS && this.#count > BLIND_SLOTS;
    if (!isFull || !isKnown) this.#quietMs = nowMs;
    return nowMs - this.#quietMs >= Math.max(STALLED_MS, STALLED * this.#slowestMs);
  }

  #stall({ nowMs }: Seen): Wanted {
    const latencies = this.#stages.flatMap(({ latencies }) => latencies);
    if (latencies.length > 0) this.#leastMs = Math.min(this.#leastMs, quickerOf(latencies));
    this.isSlowStart = false;
    this.#quietMs = nowMs;
    // What got done by then is known once these have ended.
    this.#peak = { slots: this.#count, perMs: 0 };
    return { slots: STALLED_LEFT * this.#count, why: "queues" };
  }

  /** Many more than the most with which tasks ended as quickly as with few. */
  #slowStart(seen: Seen, grows: boolean): Wanted | undefined {
    const { nowMs, remaining = Infinity, inFlight } = seen;
    const earlier: number[] = [];
    let [proven, before] = [0, 0];
    let most = { perMs: 0, slots: 1, spread: 1 };
    for (const [at, { slots, fromMs, answersBefore, latencies }] of this.#stages.entries()) {
      const added = slots >= STEP * before ? slots - before : slots;
      if (latencies.length >= MOST_OF * added) {
        const next = this.#stages[at + 1] ?? { fromMs: nowMs, answersBefore: this.#answers };
        const latencyMs = quickerOf(latencies);
        const lastedMs = next.fromMs - fromMs;
        // What lasted for less than a task says so by its tasks: so many at once, for so long each.
        const perMs = lastedMs < latencyMs
          ? slots / mean(latencies)
          : (next.answersBefore - answersBefore) / lastedMs;
        // What is still in flight of those before takes longest.
        const isKnown =
          earlier.length >= Math.max(FEW_LATENCIES, SLOWER * (answersBefore + before));
        const isLonger = isKnown && latencyMs > LONGER * slowerOf(earlier) &&
          perMs < most.perMs * Math.sqrt(slots / most.slots);
        const isNoMore = earlier.length >= MANY_LATENCIES && perMs < HARDLY_MORE * most.perMs;
        if (isLonger || isNoMore) {
          this.isSlowStart = false;
          this.#leastMs = quickerOf(earlier);
          this.#peak = { slots, perMs };
          const busy = Math.max(most.perMs, perMs) * most.spread * this.#leastMs;
          // And a few in the queue.
          return { slots: Math.min(slots / 2, busy + Math.sqrt(busy)), why: "queues" };
        }
        if (perMs > most.perMs) most = { perMs, slots, spread: mean(latencies) / latencyMs };
        proven = slots;
      }
      before = slots;
      earlier.push(...latencies);
    }
    if (proven > 0) this.#refusals.passed(proven);
    if (!grows || nowMs - this.#stage.fromMs < STEP_MS) return undefined;
    const wanted = Math.min(
      remaining + inFlight,
      this.#options.maxSlots,
      this.#reach(proven, earlier, seen),
      this.most,
      this.#fitting(seen),
    );
    const slots = Math.floor(Math.min(wanted, RAMP * this.#count));
    return slots > this.#count ? { slots, why: "waits" } : undefined;
  }

  /** How many may be tried, now that so many were seen to do, and tasks took so long. */
  #reach(
    proven: number,
    latencies: readonly number[],
    { nowMs, remaining = Infinity, inFlight }: Seen,
  ): number {
    const left = remaining + inFlight;
    if (proven === 0) {
      const isFew = left <= FEW_TASKS && nowMs - this.#startMs >= LONG_MS;
      // What was cut off among others may be so alone, too.
      return this.#wasShut ? 1 : Math.max(BLIND_SLOTS, this.#first, isFew ? left : 0);
    }
    const { guess = Infinity } = this.#options;
    const isSeen = proven >= this.#count;
    if (proven >= guess) return isSeen ? 2 * proven : 0;
    const most = left <= RISKED_LAST ? left : RISKED_SLOTS;
    const risked = Math.min(most, proven * RISKED_MS / mean(latencies));
    const isStep = risked >= STEP * this.#count;
    return Math.min(guess, Math.max(isStep ? risked : 0, isSeen ? RAMP * proven : 0));
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
    const latencyMs = quickerOf(latencies);
    const meanMs = mean(latencies);
    this.#leastMs = Math.min(this.#leastMs, latencyMs);
    const isPaced = this.gapMs > 0;
    if (isPaced) this.#refusals.faster(meanMs);
    else if (isFull) this.#refusals.passed(slots);
    const next = isPaced ? Math.max(slots, this.most) : this.#lawful(isFull, latencyMs, meanMs);
    this.#slowestMs = Math.max(...latencies);
    if (next < slots) return { slots: next, why: "queues" };
    const more = Math.min(next, most());
    if (more > slots && (grows || isPaced)) return { slots: more, why: "waits" };
    this.open(seen.nowMs);
    return undefined;
  }

  /** What the law gives, unless less gets done since it took some away: then these tasks take longer than the first. */
  #lawful(isFull: boolean, latencyMs: number, meanMs: number): number {
    const slots = this.#count;
    const perMs = slots / meanMs;
    const peak = this.#peak;
    if (peak !== undefined) {
      const before = Math.max(peak.perMs, peak.slots / this.#slowestMs);
      const isFewer = slots <= LEFT * peak.slots;
      // It isn't for the lack of a few slots that half as much gets done.
      if (isFewer || perMs < before / 2) this.#peak = undefined;
      if (isFewer && perMs < before * Math.sqrt(slots / peak.slots)) {
        this.restart();
        return peak.slots;
      }
    }
    const next = isFull ? this.#law({ slots, latencyMs, leastMs: this.#leastMs }) : slots;
    if (next < slots) this.#peak ??= { slots, perMs };
    return next;
  }
}

/** The latency of a round, as its quicker tasks tell. */
export function quickerOf(latencies: readonly number[]): number {
  return latencies.toSorted((a, b) => a - b)[Math.floor(QUICKER * latencies.length)]!;
}

/** What only the slowest ones take longer than. */
function slowerOf(latencies: readonly number[]): number {
  return latencies.toSorted((a, b) => a - b)[Math.floor(SLOWER * latencies.length)]!;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
