/**
 * How many items travel to a lane together.
 *
 * A message costs 4–90 µs, so tiny tasks travel in chunks that take about {@linkcode TARGET_MS}, as
 * measured; long ones travel alone. Where the input's length is known, no chunk takes more than half
 * of a slot's even share of what is left, so that no lane starves at the end: guided
 * self-scheduling (Polychronopoulos and Kuck, 1987) with the factor of two from factoring (Hummel,
 * Schonberg and Flynn, 1992).
 *
 * @module
 */

/** How long a chunk of tiny tasks is to take. Long against a message, short against a person. */
export const TARGET_MS = 4;
/** A lane that took this many times as long as was aimed at gives the rest of a chunk back. */
export const GIVE_BACK_FACTOR = 4;
/** Never more items than this in a chunk, however short they are. */
const MAX_ITEMS = 8192;
/** Never more bytes than about this in a chunk of more than one item. */
const MAX_BYTES = 1 << 20;
/** A chunk is at most this many times as large as the one before: one quick task proves little. */
const GROWTH = 8;
/** Below this task time a lane is sent chunks ahead, so that it needn't wait for the next message. */
const AHEAD_BELOW_MS = 1;
/** How much work a slot is to have ahead, in milliseconds, and in how many chunks at most. */
const AHEAD_MS = 0.5;
const MAX_AHEAD = 8;
/** Above this task time a lane that can't be watched says which item it starts. */
const LONG_MS = 1;
/** Weight of the newest measurement. */
const WEIGHT = 0.5;

/** Sizes the chunks of one run. */
export class ChunkSizer {
  readonly #fixed: number | undefined;
  #itemMs: number | undefined;
  #size = 1;

  /**
   * Knows nothing yet, so that the first chunk is a single item.
   *
   * @param chunk `"auto"`, or the number of items that the caller wants.
   */
  constructor(chunk: "auto" | number) {
    this.#fixed = chunk === "auto" ? undefined : chunk;
  }

  /** How long an item takes, in milliseconds; undefined until one has ended. */
  get itemMs(): number | undefined {
    return this.#itemMs;
  }

  /** Whether an item takes so long that saying which one starts costs little beside it. */
  get isLong(): boolean {
    return this.#itemMs !== undefined && this.#itemMs > LONG_MS;
  }

  /** The chunk size at present, before what is left of the input is looked at. */
  get current(): number {
    return this.#fixed ?? this.#size;
  }

  /** How many chunks a slot had better have waiting on its lane. */
  get ahead(): number {
    if (this.#itemMs === undefined || this.#itemMs >= AHEAD_BELOW_MS) return 0;
    const chunkMs = Math.max(this.#itemMs * this.current, 1e-3);
    return Math.min(Math.ceil(AHEAD_MS / chunkMs), MAX_AHEAD);
  }

  /** How long a chunk may take before its rest is given back, in milliseconds. */
  get giveBackMs(): number {
    return this.#fixed === undefined ? GIVE_BACK_FACTOR * TARGET_MS : Infinity;
  }

  /**
   * Takes note of a chunk that ended.
   *
   * @param count Its items.
   * @param elapsedMs How long they took on the lane, together.
   */
  learn(count: number, elapsedMs: number): void {
    if (count === 0) return;
    const itemMs = Math.max(0, elapsedMs) / count;
    this.#itemMs = this.#itemMs === undefined
      ? itemMs
      : WEIGHT * itemMs + (1 - WEIGHT) * this.#itemMs;
    const wanted = Math.floor(TARGET_MS / Math.max(this.#itemMs, Number.MIN_VALUE));
    this.#size = Math.max(1, Math.min(wanted, GROWTH * this.#size, MAX_ITEMS));
  }

  /**
   * The next chunk's size.
   *
   * @param remaining Items left in the input, if it tells.
   * @param slots Slots on all lanes together.
   * @returns Items, at least 1.
   */
  next(remaining: number | undefined, slots: number): number {
    if (this.#fixed !== undefined) return this.#fixed;
    if (remaining === undefined) return this.#size;
    return Math.max(1, Math.min(this.#size, Math.ceil(remaining / (2 * slots))));
  }

  /**
   * How many of these items may travel together without being too large. Looks one level deep, for
   * an exact size would cost as much as sending them.
   *
   * @param items Candidates for one chunk.
   * @returns At least 1, if there are any.
   */
  fit(items: readonly unknown[]): number {
    if (this.#fixed !== undefined) return items.length;
    if (typeof items[0] === "number" || items[0] === undefined) return items.length;
    let bytes = 0;
    for (let at = 0; at < items.length; at++) {
      bytes += roughBytes(items[at]);
      if (bytes > MAX_BYTES) return Math.max(1, at);
    }
    return items.length;
  }
}

function roughBytes(value: unknown): number {
  if (typeof value === "string") return 2 * value.length;
  if (typeof value !== "object" || value === null) return 8;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength;
  let bytes = 0;
  for (const child of Object.values(value)) {
    if (typeof child === "string") bytes += 2 * child.length;
    else if (ArrayBuffer.isView(child) || child instanceof ArrayBuffer) bytes += child.byteLength;
    else bytes += 16;
  }
  return bytes;
}
