/** How a thread and its parent know of each other while the thread is in a loop that never yields. */

/** More cells than batches can be on a lane, those that wait there too. */
const CELLS_PER_SLOT = 16;
const LEAST_CELLS = 64;
const FIELDS = 4;
const ID = 0;
const STARTED = 1;
/** The id once more, until the batch is cancelled or released: all that a thread looks at between items. */
const LIVE = 2;
/** Twice the offset of the item that runs, one more while its task waits, and CANCELLED. */
const RUNS = 3;
/** Above all offsets, and set in those below 0, which stand for no item. */
const CANCELLED = 1 << 30;
/** Ids stay below this, for they are kept in 32 bits. */
const MOST_IDS = 2 ** 31;

/** The offset that stands for several items: any of them may have been what ended the thread. */
export const SEVERAL = -1;
/** The same, but none of them was. */
export const HARMLESS = -2;

/** Which item of a batch runs, and since when. */
interface RunState {
  /** The item's place in the batch, from 0, {@linkcode SEVERAL} or {@linkcode HARMLESS}. */
  readonly offset: number;
  /** On the thread's own clock. */
  readonly sinceMs: number;
  /** Whether its task waits, so that it isn't what keeps the thread busy. */
  readonly waits: boolean;
}

/**
 * The memory that a thread shares with its parent, the same on both sides: how each can know of the other
 * while the thread is in a loop that never yields. Messages can't do that.
 *
 * Every batch on the lane has a cell of its own: the parent gives it an id whose cell is free.
 */
export class Cells {
  readonly buffer: SharedArrayBuffer;
  readonly #count: number;
  readonly #fields: Int32Array;
  readonly #since: Float64Array;
  #lastId = 0;

  /** Takes shared memory, or looks at the parent's. */
  constructor(slots: number, buffer?: SharedArrayBuffer) {
    this.#count = Math.max(LEAST_CELLS, 2 ** Math.ceil(Math.log2(CELLS_PER_SLOT * slots)));
    const fieldBytes = 4 * FIELDS * this.#count;
    this.buffer = buffer ?? new SharedArrayBuffer(fieldBytes + 8 * this.#count);
    this.#fields = new Int32Array(this.buffer, 0, FIELDS * this.#count);
    this.#since = new Float64Array(this.buffer, fieldBytes, this.#count);
  }

  /** Parent: a batch is sent; the id is its own until {@linkcode Cells.release}. */
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

  /** Parent: the batch is done with, or is not to be started any more. */
  release(id: number): void {
    this.cancel(id);
    Atomics.compareExchange(this.#fields, this.#at(id) + ID, id, 0);
  }

  /** Starts a batch (thread) or takes it back (parent): only one of the two gets it. */
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

  /** Thread: whether a batch was cancelled, or is not this lane's any more. */
  isCancelled(id: number): boolean {
    return Atomics.load(this.#fields, this.#at(id) + LIVE) !== id;
  }

  /**
   * Thread: notes that an item starts; true if it is not to, for its batch was cancelled. Who cancels and
   * then looks has either kept it from starting, or sees that it did.
   */
  starting(id: number, offset: number, sinceMs: number): boolean {
    const at = this.#at(id);
    // A plain look, for what counts comes with the note: calls of Atomics take longer than a tiny task.
    if (this.#fields[at + ID] !== id) return true;
    this.#since[at / FIELDS] = sinceMs;
    const was = Atomics.exchange(this.#fields, at + RUNS, 2 * offset);
    return (was & CANCELLED) !== 0 && this.isCancelled(id);
  }

  /** Thread: notes that the item's task waits. */
  waiting(id: number): void {
    Atomics.or(this.#fields, this.#at(id) + RUNS, 1);
  }

  /** Parent: which item of the batch runs; undefined if it was not started. */
  state(id: number): RunState | undefined {
    const at = this.#at(id);
    if (Atomics.load(this.#fields, at + STARTED) === 0) return undefined;
    const runs = Atomics.load(this.#fields, at + RUNS);
    const offset = (runs < 0 ? runs : runs & ~CANCELLED) >> 1;
    return { waits: (runs & 1) === 1, offset, sinceMs: this.#since[at / FIELDS]! };
  }

  /** Parent: whether some batch was started and isn't done with. */
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
