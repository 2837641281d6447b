/** Shared memory by which a thread and its parent see each other's state while the thread never yields. */

/** There are more cells than batches on a lane, waiting ones included. */
const CELLS_PER_SLOT = 16;
const LEAST_CELLS = 64;
const FIELDS = 4;
const ID = 0;
const STARTED = 1;
/** The id again until the batch is cancelled or released, so that one read shows whether it was. */
const LIVE = 2;
/** Twice the running item's offset, plus 1 while its task waits, plus CANCELLED. */
const RUNS = 3;
/** Larger than all offsets; in negative values, which stand for no single item, its bit is always set. */
const CANCELLED = 1 << 30;
/** Ids stay below this because they are stored in 32 bits. */
const MOST_IDS = 2 ** 31;

/** The offset that stands for several items, any of which may have ended the thread. */
export const SEVERAL = -1;

interface RunState {
  /** The item's offset in the batch, from 0, or {@linkcode SEVERAL}. */
  readonly offset: number;
  /** On the thread's own clock, in milliseconds. */
  readonly sinceMs: number;
  /** Whether the item's task waits, so it isn't what keeps the thread busy. */
  readonly waits: boolean;
}

/**
 * The memory that a thread shares with its parent; both sides use the same class. Messages can't be read by a
 * thread in a loop that never yields, but shared memory can.
 *
 * Every batch on the lane has a cell of its own: the parent gives it an id whose cell is free.
 */
export class Cells {
  readonly buffer: SharedArrayBuffer;
  readonly #count: number;
  readonly #fields: Int32Array;
  readonly #since: Float64Array;
  #lastId = 0;

  /** Allocates the shared memory, or uses the parent's. */
  constructor(slots: number, buffer?: SharedArrayBuffer) {
    this.#count = Math.max(LEAST_CELLS, 2 ** Math.ceil(Math.log2(CELLS_PER_SLOT * slots)));
    const fieldBytes = 4 * FIELDS * this.#count;
    this.buffer = buffer ?? new SharedArrayBuffer(fieldBytes + 8 * this.#count);
    this.#fields = new Int32Array(this.buffer, 0, FIELDS * this.#count);
    this.#since = new Float64Array(this.buffer, fieldBytes, this.#count);
  }

  /** Parent: reserves a cell for a batch, whose id is in use until {@linkcode Cells.release}. */
  offer(): number {
    for (let tried = 0; tried < this.#count; tried++) {
      this.#lastId = this.#lastId % (MOST_IDS - 1) + 1;
      const at = this.#at(this.#lastId);
      if (this.#fields[at + ID] !== 0) continue;
      this.#fields.fill(0, at, at + FIELDS);
      this.#fields[at + LIVE] = this.#lastId;
      Atomics.store(this.#fields, at + ID, this.#lastId);
      return this.#lastId;
    }
    throw new RangeError(`Cannot keep more than ${this.#count} batches on one lane`);
  }

  /** Parent: the batch has ended or must not start any more. */
  release(id: number): void {
    this.cancel(id);
    Atomics.compareExchange(this.#fields, this.#at(id) + ID, id, 0);
  }

  /** Starts a batch (thread) or takes it back (parent); only one of the two succeeds. */
  take(id: number): boolean {
    const at = this.#at(id);
    if (Atomics.load(this.#fields, at + ID) !== id) return false;
    return Atomics.compareExchange(this.#fields, at + STARTED, 0, 1) === 0;
  }

  cancel(id: number): void {
    const at = this.#at(id);
    if (Atomics.compareExchange(this.#fields, at + LIVE, id, 0) !== id) return;
    Atomics.or(this.#fields, at + RUNS, CANCELLED);
  }

  /** Thread: whether a batch was cancelled or no longer belongs to this lane. */
  isCancelled(id: number): boolean {
    return Atomics.load(this.#fields, this.#at(id) + LIVE) !== id;
  }

  /**
   * Thread: records that an item starts; true if it must not, because its batch was cancelled. A parent that
   * cancels and then reads the state has either prevented the start or sees that it happened.
   */
  starting(id: number, offset: number, sinceMs: number): boolean {
    const at = this.#at(id);
    // Read without Atomics, which take longer than a tiny task; the exchange below is what decides.
    if (this.#fields[at + ID] !== id) return true;
    this.#since[at / FIELDS] = sinceMs;
    const was = Atomics.exchange(this.#fields, at + RUNS, 2 * offset);
    return (was & CANCELLED) !== 0 && this.isCancelled(id);
  }

  /** Thread: records that the item's task waits. */
  waiting(id: number): void {
    Atomics.or(this.#fields, this.#at(id) + RUNS, 1);
  }

  /** Parent: which item of the batch runs; undefined if the batch hasn't started. */
  state(id: number): RunState | undefined {
    const at = this.#at(id);
    if (Atomics.load(this.#fields, at + STARTED) === 0) return undefined;
    const runs = Atomics.load(this.#fields, at + RUNS);
    const offset = (runs < 0 ? runs : runs & ~CANCELLED) >> 1;
    return { waits: (runs & 1) === 1, offset, sinceMs: this.#since[at / FIELDS]! };
  }

  /** Parent: whether a batch has started and not ended. */
  get areActive(): boolean {
    for (let at = 0; at < this.#fields.length; at += FIELDS) {
      if (this.#fields[at + ID] !== 0 && this.#fields[at + STARTED] !== 0) return true;
    }
    return false;
  }

  #at(id: number): number {
    return FIELDS * (id & (this.#count - 1));
  }
}
