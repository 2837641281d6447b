/**
 * What a run sends next: items that came back, retries that are due, or new ones from the input, as
 * many as there is room for.
 *
 * @module
 */

import { Batch, type BatchSettings } from "./batch.ts";
import type { BatchSize } from "./batch_size.ts";
import type { Pace } from "./pace.ts";
import type { Source } from "./source.ts";
import { MOST_TIMER_MS } from "./deadlines.ts";

/** What the queue needs to know. */
export interface QueueOptions {
  readonly settings: BatchSettings;
  readonly source: Source;
  readonly size: BatchSize;
  /** Slots on all lanes together, at this moment. */
  readonly slots: () => number;
  /** Items beyond the slots that may be pulled and not yet taken by the consumer. */
  readonly buffer: "auto" | number;
  /** When starts are allowed; undefined if always. */
  readonly pace: Pace | undefined;
  /** Whether several items travel together. */
  readonly together: boolean;
  /** There may be something to send that wasn't there before. */
  readonly onMore: () => void;
}

/** Two batches a slot: one that ended and waits for the consumer, one to go on with. */
const AUTO_BUFFER_BATCHES = 2;

/** Deals out a run's items. */
export class Queue {
  /** When something was last taken from here. */
  takenAtMs = 0;
  /** Items that the consumer has taken. */
  consumed = 0;
  /** Whether all results are collected anyway, so that holding some back saves nothing. */
  unbounded = false;
  readonly #options: QueueOptions;
  #returned: Batch[] = [];
  #untilPaced: ReturnType<typeof setTimeout> | undefined;
  readonly #delayed = new Map<ReturnType<typeof setTimeout>, Batch>();

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Whether nothing is left and nothing will come. */
  get isEmpty(): boolean {
    return this.#options.source.isEmpty && this.#returned.length === 0 && this.#delayed.size === 0;
  }

  /**
   * Looks what would be taken next, without taking it.
   *
   * @returns Whether it needs a lane for itself; undefined if there is nothing, or no room for it.
   */
  peek(ahead: number): { readonly alone: boolean } | undefined {
    const next = this.#next(ahead);
    const { pace } = this.#options;
    return next === undefined || pace === undefined || this.#mayStart(pace) ? next : undefined;
  }

  /** Whether something may be sent now; if not, that is told when it may. */
  #mayStart(pace: Pace): boolean {
    const waitMs = pace.waitMs(performance.now());
    if (waitMs <= 0) return true;
    if (waitMs !== Infinity) {
      this.#untilPaced ??= setTimeout(() => {
        this.#untilPaced = undefined;
        this.#options.onMore();
      }, Math.min(Math.ceil(waitMs), MOST_TIMER_MS));
    }
    return false;
  }

  /** Nothing more will be sent. */
  close(): void {
    clearTimeout(this.#untilPaced);
  }

  #next(ahead: number): { readonly alone: boolean } | undefined {
    if (this.#returned.length > 0) return this.#returned.at(-1)!;
    return this.#options.source.mayGive && this.#room(ahead) >= 1 ? { alone: false } : undefined;
  }

  /** How many items may still be pulled before the consumer takes some. */
  #room(ahead: number): number {
    const { buffer, size, source, together } = this.#options;
    const slots = this.#options.slots();
    if (this.unbounded || slots === Infinity) return Infinity;
    const beyond = buffer === "auto"
      ? slots * (together ? size.current : 1) * (AUTO_BUFFER_BATCHES + ahead)
      : buffer;
    return slots + beyond - (source.pulled - this.consumed);
  }

  /** The next items to send; undefined if the input has nothing at this moment. */
  take(ahead: number): Batch | undefined {
    const batch = this.#take(ahead);
    if (batch !== undefined) this.#options.pace?.take(batch);
    return batch;
  }

  #take(ahead: number): Batch | undefined {
    const returned = this.#returned.pop();
    this.takenAtMs = performance.now();
    if (returned !== undefined) return returned.alone ? this.#first(returned) : returned;
    const { settings, source, size, together, slots } = this.#options;
    const { total, pulled } = source;
    const remaining = total === undefined ? undefined : total - pulled;
    const wanted = together ? size.next(remaining, slots()) : 1;
    const items = source.pull(Math.min(wanted, this.#room(ahead)));
    if (items.length === 0) return undefined;
    return new Batch(settings, source.pulled - items.length, items, this.#fresh());
  }

  #fresh() {
    return { queuedAtMs: this.takenAtMs, attempt: 1, reruns: 0, kills: 0, losses: 0, alone: false };
  }

  /** A batch of the first item; the others go back. */
  #first(batch: Batch): Batch {
    if (batch.items.length === 1) return batch;
    this.putBack(batch.part(1, batch.items.length));
    return batch.part(0, 1);
  }

  /** Takes items back that are to go before all others; none is fine. */
  putBack(batch: Batch): void {
    if (batch.items.length > 0) this.#returned.push(batch);
  }

  /** Takes an item back that is to go again after a wait in milliseconds. */
  later(batch: Batch, waitMs: number): void {
    const timer = setTimeout(() => {
      this.#delayed.delete(timer);
      if (waitMs > MOST_TIMER_MS) return this.later(batch, waitMs - MOST_TIMER_MS);
      this.putBack(batch);
      this.#options.onMore();
    }, Math.min(waitMs, MOST_TIMER_MS));
    this.#delayed.set(timer, batch);
  }

  /** Gives up every wait; returns what was not sent, of an array also what was not pulled. */
  drop(): Batch[] {
    const { settings, source } = this.#options;
    const dropped = [...this.#returned, ...this.#delayed.values()];
    for (const timer of this.#delayed.keys()) clearTimeout(timer);
    this.#returned = [];
    this.#delayed.clear();
    const arrived = source.takeArrived();
    const { pulled, unpulled } = source;
    const first = pulled - arrived.length;
    if (arrived.length > 0) dropped.push(new Batch(settings, first, arrived, this.#fresh()));
    if (unpulled > 0) {
      const items = { length: unpulled } as unknown[]; // what they are nobody asks any more
      dropped.push(new Batch(settings, pulled, items, this.#fresh()));
    }
    return dropped;
  }
}
