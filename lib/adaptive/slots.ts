/**
 * How many slots tasks are given, wherever they run.
 *
 * They begin with few, which become many as long as tasks end as quickly as before (slow start, left as
 * HyStart does it: Ha and Rhee, 2008), and then follow a {@linkcode SlotLaw}, within what
 * {@linkcode Refusals} and memory allow. Only tasks tell that began while there were as many slots as now.
 * Whether it was a queue that tasks took longer in is tried out: with half the slots as much gets done.
 */

import { type Ends, Refusals } from "./refusals.ts";
import { gradient2, type SlotLaw } from "./slot_laws.ts";
import type { Seen } from "./watch.ts";

/** What slots are given by. */
export interface SlotsOptions {
  /** Tasks in flight at most, on all lanes together. */
  readonly maxSlots: number;
  /** Resident memory above which there are fewer. */
  readonly memoryBytes: number;
  /** So many slots may be right: they are only doubled beyond. */
  readonly guess?: number | undefined;
  readonly law?: () => SlotLaw;
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
/** It is looked often for so long, in milliseconds, after they began to grow, and for a moment at each step. */
const EARLY_MS = 100;
const MOMENT_MS = 10;
/** So many tasks make a round at least, or as many as there are slots. */
const ROUND_TASKS = 8;
/** In slow start this share of the slots that came last makes a round. */
const MOST_OF = 0.7;
/** More of them tell nothing more. */
const MOST_LATENCIES = 256;
/** Which of a round's latencies is taken for it. */
const QUICKER = 0.25;
/**
 * In slow start so few tell how long tasks take with fewer slots, if it is taken to be longer than all but a quarter
 * of them took.
 */
const FEW_LATENCIES = 3;
const SLOWEST = 0.75;
/**
 * More slots are too many if even the quicker ones take so many times as long, or hardly any has ended after so many
 * times as long, while throughput has grown by less than the root of their number; or by less than this for sure.
 */
const SLOWER = 1.25;
const LATE = 2;
const NO_MORE = 1.2;
const MANY_LATENCIES = 32;
/** So many standard deviations above what is expected, and so many more, are no chance. */
const CHANCE = 2;
/** A share that was found is taken to be known by so many. */
const KNOWN = 100;
/** Of so few tasks all may be in flight, if none has ended for so long. */
const FEW_TASKS = 16;
const LONG_MS = 200;
/** They grow no further than to this share of the memory that there may be. */
const ROOM = 0.8;

/** How long tasks took that began while there were so many slots. */
interface Level {
  readonly slots: number;
  readonly fromMs: number;
  /** How many tasks had ended by then. */
  readonly endedBefore: number;
  /** How late ticks had come by then. */
  readonly lateMs: number;
  readonly latencies: number[];
}

/** How many tasks ended, and of these failed otherwise than by being refused. */
interface Failing {
  readonly ended: number;
  readonly failed: number;
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
  readonly #newLaw: () => SlotLaw;
  #law: SlotLaw;
  readonly #refusals: Refusals;
  readonly #first: number;
  /** All together, and between whole numbers. */
  #count: number;
  #startMs: number;
  /** What the tasks showed, with the latest number of slots last; one but in slow start. */
  #levels: Level[] = [];
  /** How late ticks have come so far. */
  #lateMs = 0;
  /** How many there were when they began to become fewer, for tasks took longer, and what got done. */
  #peak: { readonly slots: number; readonly perMs: number } | undefined;
  /** The least latency of a round. */
  #leastMs = Infinity;
  /** Whether a task ended well. */
  #hasAnswers = false;
  /** How tasks ended that ended while there were few slots, and since there are as many as now, */
  #few = { ended: 0, failed: 0 };
  #many = { ended: 0, failed: 0 };
  /** and whether so many more failed that it is taken for what too many slots do, whatever it is. */
  #failuresTell = false;
  /** After a refusal they double until there are so many, each time when all have answered if none did before. */
  #threshold = 0;
  #wasShut = false;
  #resumedMs = -Infinity;
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
    this.#newLaw = options.law ?? gradient2;
    this.#law = this.#newLaw();
    this.#refusals = refusals;
    this.#first = this.#count = count;
    this.#startMs = nowMs;
    this.#levels = [this.#levelFrom(nowMs)];
  }

  #levelFrom(fromMs: number): Level {
    const { ended: endedBefore } = this;
    return { slots: this.#count, fromMs, endedBefore, lateMs: this.#lateMs, latencies: [] };
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
    return this.#level.latencies;
  }

  /** How many were refused since. */
  get refused(): number {
    return this.#refusals.refused;
  }

  get #level(): Level {
    return this.#levels.at(-1)!;
  }

  /** Whether no task is to be started now. */
  isPaused(nowMs: number): boolean {
    return this.#refusals.waitMs(nowMs) > 0;
  }

  /** Whether they may soon change. */
  isEarly(nowMs: number): boolean {
    const sinceMs = this.isSlowStart ? this.#startMs : this.#resumedMs;
    return nowMs - sinceMs < EARLY_MS ||
      this.isSlowStart && nowMs - this.#level.fromMs < MOMENT_MS;
  }

  /** There is something to do again. */
  begin({ nowMs, memoryBytes }: Seen): void {
    this.#startMs = nowMs;
    this.#baseBytes ??= memoryBytes;
    this.#refusals.begin(nowMs);
  }

  /** So many tasks have ended, one after another. */
  onEnded(count: number, startedAtMs: number, endedAtMs: number, how: Ends = {}): void {
    const { refused = 0, lost = 0, failed = 0, aside = 0 } = how;
    this.ended += count;
    const ends = this.#count <= BLIND_SLOTS ? this.#few : this.#many;
    ends.ended += count;
    ends.failed += failed;
    if (failed > 0 && ends === this.#many) this.#failuresTell ||= isMore(this.#many, this.#few);
    if (failed > 0 && this.#failuresTell) {
      const unsaid = { refused: refused + failed, lost: lost + failed, unsaid: failed, failed: 0 };
      return this.#refusals.ended(count, startedAtMs, endedAtMs, { ...how, ...unsaid });
    }
    this.#refusals.ended(count, startedAtMs, endedAtMs, how);
    if (refused > 0) return;
    const latencyMs = (endedAtMs - startedAtMs) / count;
    if (failed + aside > 0) {
      // What fails, unless it does anyway, tells nothing of how long others take, nor that so many are met.
      if (this.#hasAnswers && this.#refusals.byChance === 0) return;
    } else if (!this.#hasAnswers) {
      this.#hasAnswers = true;
      this.#forgetLatencies();
    }
    this.quickestMs = Math.min(this.quickestMs, latencyMs);
    const latest = this.#levels.at(-1)!;
    const level = startedAtMs >= latest.fromMs
      ? latest
      : this.#levels.findLast(({ fromMs }) => startedAtMs >= fromMs);
    if (level !== undefined && level.latencies.length < Math.max(MOST_LATENCIES, level.slots)) {
      level.latencies.push(latencyMs);
    }
  }

  /** Tasks that begin from now on tell of the slots that there are now. */
  open(nowMs: number, why?: string): void {
    const level = this.#levelFrom(nowMs);
    const isSame = level.slots === this.#levels.at(-1)?.slots;
    if (!isSame) {
      this.#refusals.forget();
      this.#many = { ended: 0, failed: 0 };
    }
    this.#isShedding = why === "memory";
    const before = this.isSlowStart ? this.#levels.slice(0, isSame ? -1 : undefined) : [];
    this.#levels = [...before, level];
  }

  /** They are on other lanes from now on. */
  move(): void {
    this.#levels = [];
  }

  /** What is known of latencies is forgotten. */
  restart(): void {
    this.#law = this.#newLaw();
    this.#peak = undefined;
    this.#leastMs = this.quickestMs = Infinity;
    this.isSlowStart = true;
  }

  #forgetLatencies(): void {
    this.#leastMs = this.quickestMs = Infinity;
    for (const { latencies } of this.#levels) latencies.length = 0;
  }

  /** Whether there are too many now, whatever else is the case. */
  areTooMany({ memoryBytes, inFlight }: Seen): boolean {
    const isShed = this.#isShedding && this.latencies.length < this.#count;
    return this.#refusals.isBraking || this.#refusals.areTooMany(inFlight) ||
      memoryBytes > this.#options.memoryBytes && !isShed;
  }

  /** Fewer, or as few as there can be on so many lanes. */
  fewer(seen: Seen, lanes: number): Wanted | undefined {
    this.isSlowStart = false;
    const { isBraking } = this.#refusals;
    if (isBraking || this.#refusals.areTooMany(seen.inFlight)) return this.#refuse(seen, lanes);
    return { slots: Math.floor(Math.min(this.#count, this.#fitting(seen))), why: "memory" };
  }

  /** Nothing more is started until it is known how many got through; then there are as many. */
  #refuse(seen: Seen, lanes: number): Wanted | undefined {
    const wanted = this.#brake(seen, lanes);
    if (this.#failuresTell && this.most === Infinity) {
      // They fail however many there are.
      this.#failuresTell = false;
      this.#few = { ended: KNOWN, failed: KNOWN * this.#refusals.byChance };
    }
    return wanted;
  }

  #brake({ nowMs, inFlight }: Seen, lanes: number): Wanted | undefined {
    const slots = this.#count;
    if (slots <= lanes || this.gapMs > 0) {
      this.isSlowStart = this.#refusals.slower(nowMs, slots);
      this.#threshold = Math.min(this.#threshold, this.most);
      this.#wasShut ||= this.isPaused(nowMs);
      const fewer = Math.ceil(slots) - 1;
      if (fewer >= lanes && this.gapMs * fewer >= this.#leastMs) {
        // They are as slow without being kept apart.
        this.#refusals.gapMs = 0;
        return { slots: fewer, why: "refused" };
      }
      this.open(nowMs);
      return undefined;
    }
    const through = this.#refusals.brake(nowMs, slots, inFlight);
    if (through === undefined) return undefined;
    this.isSlowStart = this.most === Infinity;
    this.#threshold = this.most;
    this.#wasShut = through === 0;
    this.#resumedMs = nowMs;
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
  next(seen: Seen, mayGrow: boolean): Wanted | undefined {
    const { nowMs, inFlight } = seen;
    const slots = this.#count;
    this.#lateMs = seen.lateMs;
    // The first may end together, and are followed by others only then.
    const left = this.ended <= BLIND_SLOTS ? this.ended : 0;
    const isFull = inFlight + left >= (this.ended === 0 ? slots : slots / 2);
    const grows = mayGrow && isFull && this.gapMs === 0;
    if (this.isSlowStart) return this.#slowStart(seen, grows);
    const { latencies } = this;
    const most = Math.min(this.most, this.#fitting(seen));
    const threshold = Math.min(most, this.#threshold);
    if (grows && slots < threshold) {
      const isDue = this.#wasShut
        ? latencies.length >= slots
        : nowMs - this.#level.fromMs >= STEP_MS;
      return isDue ? { slots: Math.min(threshold, 2 * slots), why: "waits" } : undefined;
    }
    if (latencies.length < Math.max(ROUND_TASKS, slots)) return undefined;
    const latencyMs = quickerOf(latencies);
    this.#leastMs = Math.min(this.#leastMs, latencyMs);
    if (this.gapMs > 0) this.#refusals.faster(latencyMs, slots);
    else this.#refusals.passed(slots);
    const perMs = slots / mean(latencies);
    const peak = this.#peak;
    if (peak !== undefined && slots <= peak.slots / 2) {
      this.#peak = undefined;
      if (perMs < peak.perMs * Math.sqrt(slots / peak.slots)) {
        // That was no queue: these tasks take longer than the first ones did.
        this.restart();
        return { slots: peak.slots, why: "waits" };
      }
    }
    const next = isFull ? this.#law({ slots, latencyMs, leastMs: this.#leastMs }) : slots;
    if (next < slots) {
      this.#peak ??= { slots, perMs };
      this.#threshold = 0;
      return { slots: next, why: "queues" };
    }
    if (grows && most > slots) {
      const more = Math.min(most, next);
      // Of few slots one more is much.
      if (most < Infinity) this.#refusals.closer(latencyMs / slots, latencyMs / more);
      return { slots: more, why: "waits" };
    }
    this.open(nowMs);
    return undefined;
  }

  /** Many more than the most with which tasks ended as quickly as with few. */
  #slowStart(seen: Seen, grows: boolean): Wanted | undefined {
    const { nowMs, remaining = Infinity, inFlight } = seen;
    const all = this.#levels.flatMap(({ latencies }) => latencies);
    const first = all.slice(0, ROUND_TASKS);
    if (first.length === ROUND_TASKS) this.#leastMs = Math.min(this.#leastMs, quickerOf(first));
    const earlier: number[] = [];
    let [proven, before] = [0, 0];
    let [mostPerMs, spread, best] = [0, 1, 1];
    for (const [at, level] of this.#levels.entries()) {
      const { slots, fromMs, endedBefore, latencies } = level;
      const added = slots >= STEP * before ? slots - before : slots;
      before = slots;
      const next = this.#levels[at + 1] ?? { fromMs: nowMs, endedBefore: this.ended };
      const lastedMs = next.fromMs - fromMs;
      // The first of them are the quickest; and if hardly any has ended, they take longer than that.
      const isSeen = latencies.length >= MOST_OF * added;
      const isLate = level === this.#level && latencies.length < QUICKER * added;
      // What has ended is told only after a tick that comes late.
      const latencyMs = isSeen ? quickerOf(latencies) : lastedMs - (seen.lateMs - level.lateMs);
      // What lasted for less than a task says so by its tasks: so many at once, for so long each.
      const perMs = isSeen && lastedMs < latencyMs
        ? slots / mean(latencies)
        : (next.endedBefore - endedBefore) / lastedMs;
      // What is still in flight of those before takes longest.
      const begun = endedBefore + (this.#levels[at - 1]?.slots ?? 0);
      const isKnown = earlier.length >= Math.max(FEW_LATENCIES, SLOWEST * begun);
      const isSlower = isKnown && (isSeen || isLate) &&
        latencyMs > (isSeen ? SLOWER : LATE) * slowerOf(earlier);
      const isLess = isSeen && earlier.length >= MANY_LATENCIES && perMs < NO_MORE * mostPerMs;
      if (isLess || isSlower && perMs < mostPerMs * Math.sqrt(slots / best)) {
        this.isSlowStart = false;
        this.#leastMs = quickerOf(earlier);
        this.#peak = { slots, perMs };
        // As many as are in flight if none waits, and a few in the queue.
        const busy = Math.ceil(Math.max(mostPerMs, perMs) * spread * this.#leastMs);
        return { slots: Math.min(slots / 2, busy + Math.sqrt(busy)), why: "queues" };
      }
      earlier.push(...latencies);
      if (!isSeen) continue;
      if (perMs > mostPerMs) {
        [mostPerMs, spread, best] = [perMs, mean(latencies) / latencyMs, slots];
      }
      proven = slots;
    }
    if (proven > 0) this.#refusals.passed(proven);
    if (!grows || nowMs - this.#level.fromMs < STEP_MS) return undefined;
    const wanted = Math.min(
      remaining + inFlight,
      this.#options.maxSlots,
      this.#stage(proven, all, seen),
      this.most,
      this.#fitting(seen),
    );
    const slots = Math.floor(Math.min(wanted, RAMP * this.#count));
    return slots > this.#count ? { slots, why: "waits" } : undefined;
  }

  /** How many may be tried, now that so many were seen to do, and tasks took so long. */
  #stage(
    proven: number,
    latencies: readonly number[],
    { nowMs, remaining = Infinity, inFlight }: Seen,
  ): number {
    const left = remaining + inFlight;
    if (proven === 0) {
      const isFew = left <= FEW_TASKS && nowMs - this.#startMs >= LONG_MS;
      return Math.max(BLIND_SLOTS, this.#first, isFew ? left : 0);
    }
    const { guess = Infinity } = this.#options;
    const isSeen = proven >= this.#count;
    if (proven >= guess) return isSeen ? 2 * proven : 0;
    const most = left <= RISKED_LAST ? left : RISKED_SLOTS;
    const risked = Math.min(most, proven * RISKED_MS / mean(latencies));
    const isStep = risked >= STEP * this.#count;
    return Math.min(guess, Math.max(isStep ? risked : 0, isSeen ? RAMP * proven : 0));
  }
}

/** Whether more of many fail than chance tells from how few did (Laplace's rule of succession). */
function isMore(many: Failing, few: Failing): boolean {
  // One that failed alone tells nothing of others.
  if (few.ended === 0 || few.failed > 0 && few.ended < BLIND_SLOTS) return false;
  const share = (few.failed + 1) / (few.ended + 2);
  const expected = many.ended * (share + Math.sqrt(share * (1 - share) / (few.ended + 2)));
  return many.failed > expected + CHANCE * Math.sqrt(expected) + CHANCE;
}

/** The latency of a round, as its quicker tasks tell. */
export function quickerOf(latencies: readonly number[]): number {
  return latencies.toSorted((a, b) => a - b)[Math.floor(QUICKER * latencies.length)]!;
}

/** What only the slowest ones take longer than. */
function slowerOf(latencies: readonly number[]): number {
  return latencies.toSorted((a, b) => a - b)[Math.floor(SLOWEST * latencies.length)]!;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
