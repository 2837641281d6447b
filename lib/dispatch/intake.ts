/**
 * What is to be sent next: items that came back, retries that are due, or new ones from the input,
 * as many as there is room for.
 *
 * @module
 */

import type { ChunkSizer } from "./chunk_sizer.ts";
import { part, type Piece } from "./piece.ts";
import type { Source } from "./source.ts";
import { MAX_WAIT_MS } from "./watch.ts";

/** What the intake needs to know. */
export interface IntakeParts {
  /** The input. */
  readonly source: Source;
  /** Says how many items travel together. */
  readonly sizer: ChunkSizer;
  /** Slots on all lanes together. */
  readonly slots: number;
  /** Items beyond the slots that may be pulled and not yet taken by the consumer. */
  readonly buffer: "auto" | number;
  /** Whether the caller wants every item to travel as the sizer says, on cheap lanes too. */
  readonly chunksAlways: boolean;
  /** There may be something to send that wasn't there before. */
  readonly onMore: () => void;
  /** The input failed. */
  readonly onError: (error: unknown) => void;
}

/** Two chunks a slot: one that ended and waits for the consumer, one to go on with. */
const AUTO_BUFFER_CHUNKS = 2;

/** Deals out a run's items. */
export class Intake {
  /** When something was last taken from here. */
  takenAtMs = 0;
  /** Items that the consumer has taken. */
  consumed = 0;
  /** Whether all results are collected anyway, so that holding some back saves nothing. */
  unbounded = false;
  readonly #parts: IntakeParts;
  #queue: Piece[] = [];
  /** Whether several items travel together. */
  #together = false;
  readonly #delayed = new Map<ReturnType<typeof setTimeout>, Piece>();
  #dropped = false;

  /**
   * Takes nothing from the input yet.
   *
   * @param parts What it is made of.
   */
  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.unbounded = parts.slots === Infinity;
  }

  /** Whether nothing is left and nothing will come. */
  get isEmpty(): boolean {
    return this.#parts.source.done && this.#queue.length === 0 && this.#delayed.size === 0;
  }

  /**
   * Looks what would be taken next, without taking it.
   *
   * @param ahead How many chunks a slot are sent ahead.
   * @returns Whether it needs a lane for itself; undefined if there is nothing, or no room for it.
   */
  peek(ahead: number): { readonly alone: boolean } | undefined {
    if (this.#queue.length > 0) return this.#queue[0]!;
    return !this.#parts.source.done && this.#room(ahead) >= 1 ? { alone: false } : undefined;
  }

  /** How many items may still be pulled before the consumer takes some. */
  #room(ahead: number): number {
    if (this.unbounded) return Infinity;
    const { slots, buffer, sizer, source } = this.#parts;
    const beyond = buffer === "auto"
      ? slots * (this.#together ? sizer.current : 1) * (AUTO_BUFFER_CHUNKS + ahead)
      : buffer;
    return slots + beyond - (source.pulled - this.consumed);
  }

  /**
   * The next items to send.
   *
   * @param remote Whether they travel, so that several had better travel together.
   * @param ahead How many chunks a slot are sent ahead.
   * @returns Undefined if the input has nothing at this moment.
   * @throws What the input throws.
   */
  take(remote: boolean, ahead: number): Piece | undefined {
    const queued = this.#queue.shift();
    this.takenAtMs = performance.now();
    if (queued !== undefined) return queued.alone ? this.#split(queued, 1) : queued;
    const { source, sizer, slots, chunksAlways } = this.#parts;
    const { total, pulled } = source;
    const remaining = total === undefined ? undefined : total - pulled;
    this.#together = remote || chunksAlways;
    const wanted = this.#together ? sizer.next(remaining, slots) : 1;
    const items = source.pull(Math.min(wanted, this.#room(ahead)), this.#onArrival);
    if (items.length === 0) return undefined;
    const piece = freshPiece(pulled, items, this.takenAtMs);
    // Once all was dropped, perhaps by the input itself just now, nothing may stay behind here.
    return remote && !this.#dropped ? this.#split(piece, sizer.fit(items)) : piece;
  }

  readonly #onArrival = (error?: unknown, failed?: boolean): void => {
    if (failed) this.#parts.onError(error);
    else this.#parts.onMore();
  };

  /** The first items of a piece; the rest goes to the front of the queue. */
  #split(piece: Piece, count: number): Piece {
    if (count >= piece.items.length) return piece;
    this.putBack(part(piece, count, piece.items.length));
    return part(piece, 0, count);
  }

  /**
   * Takes items back that are to go before all others.
   *
   * @param piece The items; none is fine.
   */
  putBack(piece: Piece): void {
    if (piece.items.length > 0) this.#queue.unshift(piece);
  }

  /**
   * Takes an item back that is to go again after a wait.
   *
   * @param piece The item.
   * @param waitMs The wait in milliseconds.
   */
  later(piece: Piece, waitMs: number): void {
    const timer = setTimeout(() => {
      this.#delayed.delete(timer);
      if (waitMs > MAX_WAIT_MS) return this.later(piece, waitMs - MAX_WAIT_MS);
      this.putBack(piece);
      this.#parts.onMore();
    }, Math.min(waitMs, MAX_WAIT_MS));
    this.#delayed.set(timer, piece);
  }

  /**
   * Ends it all: closes the input and every wait.
   *
   * @returns What was not sent; of an array, also the rest.
   */
  drop(): Piece[] {
    this.#dropped = true;
    const { source } = this.#parts;
    const { unpulled, pulled } = source;
    source.close();
    const dropped = [...this.#queue, ...this.#delayed.values()];
    for (const timer of this.#delayed.keys()) clearTimeout(timer);
    this.#queue = [];
    this.#delayed.clear();
    if (unpulled > 0) {
      const items = { length: unpulled } as unknown[];
      dropped.push(freshPiece(pulled, items, performance.now()));
    }
    return dropped;
  }
}

function freshPiece(firstIndex: number, items: readonly unknown[], queuedAtMs: number): Piece {
  return { firstIndex, items, attempt: 1, queuedAtMs, kills: 0, losses: 0, alone: false };
}
