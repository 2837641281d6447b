/**
 * How many items of a run travel to a lane together.
 *
 * A message costs 4–90 µs, so tiny tasks travel in batches that take about {@linkcode TARGET_MS} by
 * measurement; long tasks travel alone. If the input's length is known, no batch has more than half of a slot's
 * even share of the remaining items, so that no lane idles at the end: guided self-scheduling (Polychronopoulos
 * and Kuck, 1987) with the factor of two from factoring (Hummel, Schonberg and Flynn, 1992).
 */

/** How long a batch of tiny tasks should take, in milliseconds: long beside a message, short for a person. */
export const TARGET_MS = 4;
/** A lane that took this many times the aimed-at time gives the rest of a batch back. */
const GIVE_BACK_FACTOR = 4;
/** The most items in a batch, however short their tasks are. */
const MOST_ITEMS = 8192;
/** About the most bytes in a batch of more than one item, and in the batches that wait behind it. */
const MOST_BYTES = 1 << 20;
/** How many times as large as the previous batch one may be at most: one quick task proves little. */
const GROWTH = 8;
/**
 * If several runs share the lanes, batches are sent ahead only below this task time, in milliseconds: batches
 * that wait on a lane delay another run's turn.
 */
const SHARED_AHEAD_BELOW_MS = 1;
/** How much work a slot should have waiting, in milliseconds, and in how many batches at most. */
const AHEAD_MS = 0.5;
const MOST_AHEAD = 8;
/** The weight of the newest measurement in the running mean. */
const WEIGHT = 0.5;

export interface BatchLimits {
  /** How long a batch of tiny tasks should take, in milliseconds. */
  readonly targetMs: number;
  /** How many items the first batch has: one, unless they run side by side. */
  readonly firstItems: number;
  /** The most items in a batch, however short their tasks are. */
  readonly mostItems: number;
  /** Below this task time, in milliseconds, batches are sent ahead, to save lanes the wait for a message. */
  readonly aheadBelowMs: number;
  /** Above this task time, in milliseconds, a lane reports each item's start, even if that costs a message. */
  readonly longMs: number;
}

/** The usual limits. While all cores compute, a message takes up to 1 ms, which is 1 % of `aheadBelowMs`. */
const USUAL: BatchLimits = {
  targetMs: TARGET_MS,
  firstItems: 1,
  mostItems: MOST_ITEMS,
  aheadBelowMs: 100,
  longMs: 1,
};

export class BatchSize {
  readonly #fixed: number | undefined;
  readonly #limits: BatchLimits;
  /** How long an item takes, in milliseconds; NaN until one has ended. */
  #itemMs = NaN;
  #size: number;
  /** The mean sizes of an item and of its task's value, in bytes. */
  #itemBytes = 0;
  #valueBytes = 0;

  constructor(chunk: "auto" | number, limits: Partial<BatchLimits> = {}) {
    this.#limits = { ...USUAL, ...limits };
    const { firstItems, mostItems } = this.#limits;
    this.#fixed = chunk === "auto" ? undefined : Math.min(chunk, mostItems);
    this.#size = Math.min(firstItems, mostItems);
  }

  /** Whether an item takes so long that reporting its start costs little in comparison. */
  get isLong(): boolean {
    return this.#itemMs > this.#limits.longMs;
  }

  /** The current size, before the rest of the input is considered. */
  get current(): number {
    return this.#fixed ?? Math.min(this.#size, this.#mostOf(1));
  }

  /** How many times this many items fit into MOST_BYTES, but at least once. */
  #mostOf(items: number): number {
    return Math.max(1, Math.floor(MOST_BYTES / (items * (this.#itemBytes + this.#valueBytes))));
  }

  /** How many batches a slot should have waiting; `isShared` if other runs use the lanes. */
  ahead(isShared: boolean): number {
    const belowMs = isShared ? SHARED_AHEAD_BELOW_MS : this.#limits.aheadBelowMs;
    if (!(this.#itemMs < belowMs)) return 0;
    const batchMs = Math.max(this.#itemMs * this.current, 1e-3);
    return Math.min(Math.ceil(AHEAD_MS / batchMs), MOST_AHEAD, this.#mostOf(this.current));
  }

  /** How long a batch may run before its rest is given back, in milliseconds. */
  get giveBackMs(): number {
    return this.#fixed === undefined ? GIVE_BACK_FACTOR * this.#limits.targetMs : Infinity;
  }

  /** About the most bytes in a batch of more than one item. */
  get mostBytes(): number {
    return this.#fixed === undefined ? MOST_BYTES : Infinity;
  }

  /** Learns how long items take: `count` of them took `elapsedMs` on their lane together. */
  learn(count: number, elapsedMs: number): void {
    if (count === 0 || Number.isNaN(elapsedMs)) return;
    const itemMs = Math.max(0, elapsedMs) / count;
    const before = Number.isNaN(this.#itemMs) ? itemMs : this.#itemMs;
    this.#itemMs = WEIGHT * itemMs + (1 - WEIGHT) * before;
    const { targetMs, mostItems } = this.#limits;
    const wanted = Math.floor(targetMs / Math.max(this.#itemMs, Number.MIN_VALUE));
    this.#size = Math.max(1, Math.min(wanted, GROWTH * this.current, mostItems));
  }

  /** Learns how large items are. */
  weighItems(count: number, bytes: number): void {
    this.#itemBytes = weighed(this.#itemBytes, count, bytes);
  }

  /** Learns how large tasks' values are. */
  weighValues(count: number, bytes: number): void {
    this.#valueBytes = weighed(this.#valueBytes, count, bytes);
  }

  /** The size of the next batch, from 1; `remaining` is how many items the input has left, if known. */
  next(remaining: number | undefined, slots: number): number {
    if (this.#fixed !== undefined) return this.#fixed;
    // Items that run side by side shouldn't be divided among slots.
    if (remaining === undefined || this.#limits.firstItems > 1) return this.current;
    return Math.max(1, Math.min(this.current, Math.ceil(remaining / (2 * slots))));
  }
}

/** The mean size of one, which follows a larger size at once, because many of that size may come. */
function weighed(mean: number, count: number, bytes: number): number {
  if (count === 0) return mean;
  return Math.max(bytes / count, WEIGHT * bytes / count + (1 - WEIGHT) * mean);
}
