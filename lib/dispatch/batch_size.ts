/**
 * How many items of a run travel to a lane together.
 *
 * A message costs 4–90 µs, so tiny tasks travel in batches that take about {@linkcode TARGET_MS}, as
 * measured; long ones travel alone. Where the input's length is known, no batch takes more than half
 * of a slot's even share of what is left, so that no lane starves at the end: guided
 * self-scheduling (Polychronopoulos and Kuck, 1987) with the factor of two from factoring (Hummel,
 * Schonberg and Flynn, 1992).
 */

/** How long a batch of tiny tasks is to take. Long against a message, short against a person. */
export const TARGET_MS = 4;
/** A lane that took this many times as long as was aimed at gives the rest of a batch back. */
const GIVE_BACK_FACTOR = 4;
/** Never more items than this in a batch, however short they are. */
const MOST_ITEMS = 8192;
/** Never more bytes than about this in a batch of more than one item, or in what waits behind it. */
const MOST_BYTES = 1 << 20;
/** A batch is at most this many times as large as the one before: one quick task proves little. */
const GROWTH = 8;
/**
 * Below this task time a lane is sent batches ahead where several runs share the lanes: what waits there
 * makes another run's turn late.
 */
const SHARED_AHEAD_BELOW_MS = 1;
/** How much work a slot is to have ahead, in milliseconds, and in how many batches at most. */
const AHEAD_MS = 0.5;
const MOST_AHEAD = 8;
/** Weight of the newest measurement. */
const WEIGHT = 0.5;

export interface BatchLimits {
  /** How long one of tiny tasks is to take, in milliseconds. */
  readonly targetMs: number;
  /** How many items the first one has: one, unless they run side by side. */
  readonly firstItems: number;
  /** Never more items than this, however short they are. */
  readonly mostItems: number;
  /** Below this task time a lane is sent batches ahead, so that it needn't wait for the next message. */
  readonly aheadBelowMs: number;
  /** Above this one it says which item it starts, where that costs a message. */
  readonly longMs: number;
}

/** Unless told. Where all cores compute, a message takes up to a millisecond: 1 % of what is sent ahead of. */
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
  /** How long an item takes; NaN until one has ended. */
  #itemMs = NaN;
  #size: number;
  /** How large an item is, and what its task gives. */
  #itemBytes = 0;
  #valueBytes = 0;

  constructor(chunk: "auto" | number, limits: Partial<BatchLimits> = {}) {
    this.#limits = { ...USUAL, ...limits };
    const { firstItems, mostItems } = this.#limits;
    this.#fixed = chunk === "auto" ? undefined : Math.min(chunk, mostItems);
    this.#size = Math.min(firstItems, mostItems);
  }

  /** Whether an item takes so long that saying which one starts costs little beside it. */
  get isLong(): boolean {
    return this.#itemMs > this.#limits.longMs;
  }

  /** The size at present, before what is left of the input is looked at. */
  get current(): number {
    return this.#fixed ?? Math.min(this.#size, this.#mostOf(1));
  }

  /** How many times so many items are within what may be held, and once at least. */
  #mostOf(items: number): number {
    return Math.max(1, Math.floor(MOST_BYTES / (items * (this.#itemBytes + this.#valueBytes))));
  }

  /** How many batches a slot had better have waiting; `isShared` if other runs use the lanes. */
  ahead(isShared: boolean): number {
    const belowMs = isShared ? SHARED_AHEAD_BELOW_MS : this.#limits.aheadBelowMs;
    if (!(this.#itemMs < belowMs)) return 0;
    const batchMs = Math.max(this.#itemMs * this.current, 1e-3);
    return Math.min(Math.ceil(AHEAD_MS / batchMs), MOST_AHEAD, this.#mostOf(this.current));
  }

  /** How long a batch may take before its rest is given back, in milliseconds. */
  get giveBackMs(): number {
    return this.#fixed === undefined ? GIVE_BACK_FACTOR * this.#limits.targetMs : Infinity;
  }

  /** How large a batch of more than one item may be. */
  get mostBytes(): number {
    return this.#fixed === undefined ? MOST_BYTES : Infinity;
  }

  /** Takes note of items that ended, and of how long they took on their lane together. */
  learn(count: number, elapsedMs: number): void {
    if (count === 0 || Number.isNaN(elapsedMs)) return;
    const itemMs = Math.max(0, elapsedMs) / count;
    const before = Number.isNaN(this.#itemMs) ? itemMs : this.#itemMs;
    this.#itemMs = WEIGHT * itemMs + (1 - WEIGHT) * before;
    const { targetMs, mostItems } = this.#limits;
    const wanted = Math.floor(targetMs / Math.max(this.#itemMs, Number.MIN_VALUE));
    this.#size = Math.max(1, Math.min(wanted, GROWTH * this.current, mostItems));
  }

  /** Takes note of how large items are. */
  weighItems(count: number, bytes: number): void {
    this.#itemBytes = weighed(this.#itemBytes, count, bytes);
  }

  /** Takes note of how large what their tasks gave is. */
  weighValues(count: number, bytes: number): void {
    this.#valueBytes = weighed(this.#valueBytes, count, bytes);
  }

  /** At least 1; `remaining` is what is left in the input, if it tells. */
  next(remaining: number | undefined, slots: number): number {
    if (this.#fixed !== undefined) return this.#fixed;
    // Items that run side by side had better not be dealt out in turns.
    if (remaining === undefined || this.#limits.firstItems > 1) return this.current;
    return Math.max(1, Math.min(this.current, Math.ceil(remaining / (2 * slots))));
  }
}

/** The mean size of one, which grows at once where they do, for many may come. */
function weighed(mean: number, count: number, bytes: number): number {
  if (count === 0) return mean;
  return Math.max(bytes / count, WEIGHT * bytes / count + (1 - WEIGHT) * mean);
}
