/**
 * What a run sends next: items that came back, retries that are due, or new ones from the input, as
 * many as there is room for and as its limits allow.
 */

import { Batch, type BatchSettings, type Key, unsent } from "./batch.ts";
import type { BatchSize } from "./batch_size.ts";
import { MOST_TIMER_MS } from "./deadlines.ts";
import { Limit, type Rate } from "./limit.ts";
import { Lines, type PerKey } from "./lines.ts";
import { shown } from "./options.ts";
import type { Source } from "./source.ts";

/** What the queue needs to know. */
export interface QueueOptions {
  readonly settings: BatchSettings;
  readonly source: Source;
  readonly size: BatchSize;
  /** Slots on all lanes together, at this moment. */
  readonly slots: () => number;
  /** Items beyond the slots that may be pulled and not yet taken by the consumer. */
  readonly buffer: "auto" | number;
  readonly rate: Rate | undefined;
  readonly perKey: PerKey<never> | undefined;
  /** Whether several items travel together, if nothing counts them one by one. */
  readonly together: () => boolean;
  /** There may be something to send that wasn't there before. */
  readonly onMore: () => void;
  /** The input turns out to be over, and nothing waits. */
  readonly onEmpty: () => void;
  /** A function of the caller's threw, or gave what it must not. */
  readonly onError: (error: unknown) => void;
}

/** Two batches a slot: one that ended and waits for the consumer, one to go on with. */
const AUTO_BUFFER_BATCHES = 2;
/** So many items whose keys are at their limits are pulled, on the look-out for others, unless told. */
const AUTO_LOOK_AHEAD = 1000;

/** Deals out a run's items. */
export class Queue {
  /** When something was last taken from here, or pulled to wait here. */
  takenAtMs = 0;
  /** Items that the consumer has taken. */
  consumed = 0;
  /** Whether all results are collected anyway, so that holding some back saves nothing. */
  unbounded = false;
  readonly #options: QueueOptions;
  /** The limit of all items together. */
  readonly #limit: Limit;
  readonly #lines: Lines;
  readonly #delayed = new Map<ReturnType<typeof setTimeout>, Batch>();

  constructor(options: QueueOptions) {
    const { rate, perKey, onMore } = options;
    this.#options = options;
    this.#limit = new Limit({ rate }, onMore);
    this.#lines = new Lines({ rate: perKey?.rate, slots: perKey?.slots }, onMore);
  }

  /** Whether items are counted, and so travel one by one. */
  get isCounted(): boolean {
    return this.#limit.counts || this.#lines.hasKeys;
  }

  get #together(): boolean {
    return !this.isCounted && this.#options.together();
  }

  /** Whether nothing is left and nothing will come. */
  get isEmpty(): boolean {
    return this.#options.source.isEmpty && this.#lines.waiting === 0 && this.#delayed.size === 0;
  }

  /**
   * Looks what would be taken next, without taking it.
   *
   * @returns Whether it needs a lane for itself; undefined if there is nothing, or no room for it.
   */
  peek(ahead: number): { readonly alone: boolean } | undefined {
    const next = this.#lines.next ?? this.#unpulled(ahead);
    if (next === undefined || this.#limit.allows()) return next;
    if (this.#lines.waiting === 0) this.#lookAhead(ahead);
    return undefined;
  }

  /** Pulls what will have to wait, for if there is nothing, the run need not wait to be over. */
  #lookAhead(ahead: number): void {
    this.takenAtMs = performance.now();
    for (const fresh of this.#pull(ahead)) this.#lines.add(fresh);
  }

  /** Nothing more will be sent. */
  close(): void {
    this.#limit.stop();
  }

  #unpulled(ahead: number): { readonly alone: boolean } | undefined {
    return this.#options.source.mayGive && this.#room(ahead) >= 1 ? { alone: false } : undefined;
  }

  /** How many items may still be pulled before the consumer takes some. */
  #room(ahead: number): number {
    const { buffer, size, source } = this.#options;
    const slots = this.#options.slots();
    const { fresh } = this.#lines;
    const held = source.pulled - this.consumed;
    if (fresh >= AUTO_LOOK_AHEAD && (buffer === "auto" || slots === Infinity)) return 0;
    if (this.unbounded || slots === Infinity) return Infinity;
    if (buffer !== "auto") return slots + buffer - held;
    const beyond = slots * (this.#together ? size.current : 1) * (AUTO_BUFFER_BATCHES + ahead);
    return slots + beyond - (held - fresh);
  }

  /** The next items to send; undefined if there are none at this moment. */
  take(ahead: number): Batch | undefined {
    this.takenAtMs = performance.now();
    const batch = this.#next(ahead);
    if (batch !== undefined && this.isCounted) {
      this.#limit.take(batch);
      this.#lines.limitOf(batch)?.take(batch);
    }
    return batch;
  }

  #next(ahead: number): Batch | undefined {
    for (;;) {
      const waiting = this.#lines.take();
      if (waiting !== undefined) {
        return waiting.alone || this.isCounted ? this.#first(waiting) : waiting;
      }
      const pulled = this.#pull(ahead);
      const [first] = pulled;
      if (first === undefined || (pulled.length === 1 && first.key === undefined)) return first;
      for (const fresh of pulled) this.#lines.add(fresh);
    }
  }

  /** New items: together, or each by itself if one of them has a key. */
  #pull(ahead: number): Batch[] {
    const { settings, source, size, slots, perKey } = this.#options;
    const { total, pulled } = source;
    const remaining = total === undefined ? undefined : total - pulled;
    const wanted = this.#together ? size.next(remaining, slots()) : 1;
    const items = source.pull(Math.min(wanted, this.#room(ahead)));
    if (items.length === 0) {
      if (this.isEmpty) this.#options.onEmpty();
      return [];
    }
    // The input may have left some out before these.
    const first = source.pulled - items.length;
    const keys = perKey && items.map((item, at) => this.#keyOf(perKey, item, first + at));
    if (!keys?.some((key) => key !== undefined)) {
      return [new Batch(settings, first, items, unsent(this.takenAtMs))];
    }
    return items.map((item, at) =>
      new Batch(settings, first + at, [item], unsent(this.takenAtMs, keys[at]))
    );
  }

  #keyOf(perKey: PerKey<never>, item: unknown, index: number): Key | undefined {
    try {
      const key: unknown = perKey.key(item as never);
      if (typeof key === "string" || typeof key === "number" || key === undefined) return key;
      if (key instanceof Promise) key.catch(() => {});
      throw new TypeError(
        `Cannot map: perKey.key must give a string, a number or undefined, but gives ${
          shown(key)
        } ` +
          `for item ${index}`,
      );
    } catch (error) {
      this.#options.onError(error);
      return undefined;
    }
  }

  /** A batch was given to its lane; returns whether its start, which is counted, is still to come. */
  sent(batch: Batch): boolean {
    const isHeld = this.#limit.sent(batch);
    return this.#lines.limitOf(batch)?.sent(batch) || isHeld;
  }

  /** A batch is with its lane no more, or comes back without having been there. */
  leave(batch: Batch, startedAtMs: number): void {
    if (!this.isCounted) return;
    this.#limit.leave(batch, startedAtMs);
    this.#lines.leave(batch, startedAtMs);
  }

  /** Whoever answers a batch's task wants to be left alone for so long: by its key, or by all. */
  pause(batch: Batch, ms: number): void {
    (this.#lines.limitOf(batch) ?? this.#limit).pause(performance.now() + ms);
  }

  /** A batch of the first item; the others go back. */
  #first(batch: Batch): Batch {
    if (batch.items.length === 1) return batch;
    this.putBack(batch.part(1, batch.items.length));
    return batch.part(0, 1);
  }

  /** Takes items back that are to go before all others; none is fine. */
  putBack(batch: Batch): void {
    if (batch.items.length > 0) this.#lines.putBack(batch);
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
    const dropped = [...this.#lines.drop(), ...this.#delayed.values()];
    for (const timer of this.#delayed.keys()) clearTimeout(timer);
    this.#delayed.clear();
    const arrived = source.takeArrived();
    const { pulled, unpulled } = source;
    const first = pulled - arrived.length;
    if (arrived.length > 0) {
      dropped.push(new Batch(settings, first, arrived, unsent(this.takenAtMs)));
    }
    if (unpulled.length > 0) {
      dropped.push(new Batch(settings, pulled, unpulled, unsent(this.takenAtMs)));
    }
    return dropped;
  }
}
