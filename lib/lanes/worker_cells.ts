/**
 * The memory that a worker shares with its parent: how each can know of the other while the worker's
 * thread is in a loop that never yields. `postMessage` can't do that.
 *
 * @module
 */

/** Cancelled chunks are noted at their id modulo this; far fewer are ever in flight on a lane. */
const CANCEL_CELLS = 1024;
const CELLS_PER_SLOT = 2;
const CHUNK = 0;
const OFFSET = 1;

/** Which item runs in a slot, and since when. */
export interface SlotState {
  /** The chunk's id on the lane. */
  readonly chunkId: number;
  /** The item's place in the chunk, from 0. */
  readonly offset: number;
  /** On the worker's own clock; 0 if its task has no deadline, for reading the clock costs time. */
  readonly sinceMs: number;
}

/** A view of the shared memory, the same on both sides. */
export class WorkerCells {
  /** The memory itself, to be posted to the worker. */
  readonly buffer: SharedArrayBuffer;
  readonly #cancelled: Int32Array;
  readonly #slots: Int32Array;
  readonly #since: Float64Array;

  /**
   * Takes shared memory, or looks at the parent's.
   *
   * @param slots Slots on the lane.
   * @param buffer The parent's memory; a new one unless given.
   */
  constructor(slots: number, buffer?: SharedArrayBuffer) {
    const sinceAt = 4 * (CANCEL_CELLS + CELLS_PER_SLOT * slots);
    const aligned = Math.ceil(sinceAt / 8) * 8;
    this.buffer = buffer ?? new SharedArrayBuffer(aligned + 8 * slots);
    this.#cancelled = new Int32Array(this.buffer, 0, CANCEL_CELLS);
    this.#slots = new Int32Array(this.buffer, 4 * CANCEL_CELLS, CELLS_PER_SLOT * slots);
    this.#since = new Float64Array(this.buffer, aligned, slots);
  }

  /** Parent: cancels a chunk. */
  cancel(chunkId: number): void {
    Atomics.store(this.#cancelled, chunkId % CANCEL_CELLS, chunkId);
  }

  /** Worker: whether a chunk was cancelled. */
  isCancelled(chunkId: number): boolean {
    return Atomics.load(this.#cancelled, chunkId % CANCEL_CELLS) === chunkId;
  }

  /** Worker: notes that an item starts. */
  starting(slot: number, chunkId: number, offset: number, sinceMs: number): void {
    this.#since[slot] = sinceMs;
    Atomics.store(this.#slots, CELLS_PER_SLOT * slot + OFFSET, offset);
    Atomics.store(this.#slots, CELLS_PER_SLOT * slot + CHUNK, chunkId);
  }

  /** Worker: notes that a slot is free. */
  idle(slot: number): void {
    Atomics.store(this.#slots, CELLS_PER_SLOT * slot + CHUNK, 0);
  }

  /** Parent: the slot in which a chunk runs, if one does. */
  find(chunkId: number): SlotState | undefined {
    for (let slot = 0; slot < this.#since.length; slot++) {
      const at = CELLS_PER_SLOT * slot;
      if (Atomics.load(this.#slots, at + CHUNK) !== chunkId) continue;
      return {
        chunkId,
        offset: Atomics.load(this.#slots, at + OFFSET),
        sinceMs: this.#since[slot]!,
      };
    }
    return undefined;
  }
}
