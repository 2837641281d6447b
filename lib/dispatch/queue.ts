/**
 * What a run sends next: items that came back, retries that are due, or new ones from the input, as
 * many as there is room for and as its limits allow.
 */

import { inAsyncContext } from "../lanes/async_context.ts";
import { shown } from "../lanes/attempt.ts";
import type { Task } from "../lanes/task.ts";
import { after, clock } from "../lanes/timers.ts";
import { Batch, type Key, type PaceMaker, type PoolRun, UNSENT } from "./batch.ts";
import type { BatchSize } from "./batch_size.ts";
import { Fifo } from "./collections.ts";
import { Limit, type LimitOptions, type PerKey } from "./limits.ts";
import type { CheckedOptions } from "./map_options.ts";
import type { Source } from "./source.ts";

export interface QueueRun extends PoolRun {
  readonly options: Pick<CheckedOptions, "buffer" | "rate" | "perKey" | "chunk">;
  /** The time, which need not be the very moment where nobody is told of it. */
  now(): number;
  /** There may be something to send that wasn't there before. */
  onMore(): void;
  /** The input turns out to be over, and nothing waits. */
  mayBeOver(): void;
}

interface QueuePool {
  /** Slots on all lanes together, at this moment. */
  readonly slots: number;
  sendsTogether(task: Task): boolean;
  /** Paces keys, if what refuses is met key by key. */
  readonly options: { readonly guide?: { readonly pace: PaceMaker } };
}

/** Two batches a slot: one that ended and waits for the consumer, one to go on with. */
const AUTO_BUFFER_BATCHES = 2;
/** So many items that wait for their keys or their next try are pulled, on the look-out for others, unless told. */
const AUTO_LOOK_AHEAD = 1000;

export class Queue {
  /** When something was last taken from here, or pulled to wait here. */
  takenAtMs = 0;
  /** Items that the consumer has taken. */
  consumed = 0;
  /** Whether items are counted, and so travel one by one: for a rate, for their keys, or since a pause. */
  isCounted: boolean;
  /** Whether all results are collected anyway, so that holding some back saves nothing. */
  unbounded = false;
  readonly #limit: Limit;
  readonly #keys: KeyQueues;
  /** What waits for its next try, and what forgets that. */
  readonly #delayed = new Map<Batch, () => void>();

  constructor(
    private readonly run: QueueRun,
    private readonly pool: QueuePool,
    private readonly source: Source,
    private readonly size: BatchSize,
  ) {
    const { rate, perKey } = run.options;
    const onMore = () => run.onMore();
    this.#limit = new Limit({ rate }, onMore);
    this.isCounted = this.#limit.counts;
    const { rate: each, slots } = perKey ?? {};
    this.#keys = new KeyQueues({ rate: each, slots, pace: pool.options.guide?.pace }, onMore);
  }

  get #together(): boolean {
    const { task, options: { chunk } } = this.run;
    return !this.isCounted && (chunk !== "auto" || this.pool.sendsTogether(task));
  }

  /** Whether nothing is left and nothing will come. */
  get isEmpty(): boolean {
    return this.source.isEmpty && this.#keys.waiting === 0 && this.#delayed.size === 0;
  }

  /** What would be taken next, and whether it needs a lane alone; undefined if nothing can. */
  peek(): { readonly alone: boolean } | undefined {
    const waiting = this.#keys.waiting > 0 ? this.#keys.next : undefined;
    const next = waiting ?? (this.source.mayGive && this.#room >= 1 ? UNSENT : undefined);
    if (next === undefined || !this.isCounted || this.#limit.allows()) return next;
    if (this.#keys.waiting > 0) return undefined;
    // It has to wait; but if there is none, the run is over now, and not when the limit allows a start.
    const fresh = this.#pull();
    if (fresh !== undefined) this.#keys.add(fresh);
    return undefined;
  }

  close(): void {
    this.#limit.stop();
  }

  /** How many items may still be pulled before the consumer takes some. */
  get #room(): number {
    const { fresh, waiting } = this.#keys;
    const { run: { options: { buffer } }, pool: { slots } } = this;
    if (this.unbounded || slots === Infinity) return fresh < AUTO_LOOK_AHEAD ? Infinity : 0;
    const held = this.source.pulled - this.consumed;
    if (buffer !== "auto") return slots + buffer - held;
    const passed = waiting + this.#delayed.size;
    if (passed >= AUTO_LOOK_AHEAD) return 0;
    const items = slots * (this.#together ? this.size.current : 1);
    const beyond = items * (AUTO_BUFFER_BATCHES + this.run.ahead);
    return slots + beyond - (held - passed);
  }

  /** The next items to send; undefined if there are none at this moment. */
  take(): Batch | undefined {
    const batch = this.#next();
    if (batch !== undefined && this.isCounted) {
      const limit = this.#keys.limitOf(batch);
      this.#limit.take(batch);
      limit?.take(batch);
      batch.pace = limit?.pace;
    }
    return batch;
  }

  #next(): Batch | undefined {
    for (;;) {
      const waiting = this.#keys.waiting > 0 ? this.#keys.take() : undefined;
      if (waiting !== undefined) {
        this.takenAtMs = clock.now();
        return waiting.alone || this.isCounted ? this.#first(waiting) : waiting;
      }
      const { fresh } = this.#keys;
      const pulled = this.#pull();
      if (pulled !== undefined || this.#keys.fresh === fresh) return pulled;
    }
  }

  /** New items, if none of them has a key; else they join the queues of their keys, each by itself. */
  #pull(): Batch | undefined {
    const { run, source } = this;
    const { perKey } = run.options;
    const wanted = this.#together ? this.size.next(source.remaining, this.pool.slots) : 1;
    const items = source.pull(Math.min(wanted, this.#room), run.settings.mostBytes);
    if (items.length === 0) {
      if (this.isEmpty) run.mayBeOver();
      return undefined;
    }
    // The input may have left some out before these.
    const first = source.pulled - items.length;
    const keys = perKey && items.map((item, at) => this.#keyOf(perKey, item, first + at));
    // The caller's own code, of the input and of keys, is over by now: it is no time of the task's.
    this.takenAtMs = source.isArray ? run.now() : clock.now();
    if (!keys?.some((key) => key !== undefined)) {
      return new Batch(run, first, items, this.takenAtMs);
    }
    this.isCounted = true;
    for (const [at, item] of items.entries()) {
      const history = { ...UNSENT, key: keys[at] };
      this.#keys.add(new Batch(run, first + at, [item], this.takenAtMs, history));
    }
    return undefined;
  }

  #keyOf(perKey: PerKey, item: unknown, index: number): Key | undefined {
    try {
      const key: unknown = inAsyncContext(this.run.context, () => perKey.key(item));
      if (typeof key === "string" || typeof key === "number" || key === undefined) {
        return key as Key | undefined;
      }
      if (key instanceof Promise) key.catch(() => {});
      throw new TypeError(
        "Cannot map: perKey.key must give a string, a number or undefined, but gives " +
          `${shown(key)} for item ${index}`,
      );
    } catch (error) {
      this.run.fail(error);
      return undefined;
    }
  }

  /** A batch was given to its lane; returns whether its start, which is counted, is still to come. */
  sent(batch: Batch): boolean {
    const isHeld = this.#limit.sent(batch);
    return this.#keys.limitOf(batch)?.sent(batch) || isHeld;
  }

  /** A batch is with its lane no more, or comes back without having been there. */
  leave(batch: Batch, startedAtMs: number): void {
    if (!this.isCounted) return;
    this.#limit.leave(batch, startedAtMs);
    this.#keys.leave(batch, startedAtMs);
  }

  /** Whoever answers a batch's task wants to be left alone for so long: by its key, or by all. */
  pause(batch: Batch, ms: number): void {
    (this.#keys.limitOf(batch) ?? this.#limit).pause(clock.now() + ms);
    this.isCounted = true;
  }

  /** A batch of the first item; the others go back. */
  #first(batch: Batch): Batch {
    if (batch.items.length === 1) return batch;
    this.putBack(batch.part(1, batch.items.length));
    return batch.part(0, 1);
  }

  /** Takes items back that are to go before all others; none is fine. */
  putBack(batch: Batch): void {
    if (batch.items.length > 0) this.#keys.putBack(batch);
  }

  /** Takes an item back that is to go again after a wait in milliseconds. */
  later(batch: Batch, waitMs: number): void {
    const forget = after(waitMs, () => {
      this.#delayed.delete(batch);
      this.putBack(batch);
      this.run.onMore();
    });
    this.#delayed.set(batch, forget);
  }

  /** Gives up every wait; returns what was not sent, of an array also what was not pulled. */
  drop(): Batch[] {
    const dropped = [...this.#keys.drop(), ...this.#delayed.keys()];
    for (const forget of this.#delayed.values()) forget();
    this.#delayed.clear();
    const rest = this.source.takeRest();
    const first = this.source.pulled - rest.length;
    if (rest.length > 0) dropped.push(new Batch(this.run, first, rest, this.takenAtMs));
    return dropped;
  }
}

/** What waits for one key. */
class KeyQueue {
  readonly limit: Limit;
  /** What came back, the latest first; it goes before what was never sent. */
  readonly returned: Batch[] = [];
  readonly fresh = new Fifo<Batch>();

  constructor(limit: LimitOptions, onFree: (queue: KeyQueue) => void) {
    this.limit = new Limit(limit, () => onFree(this));
  }

  get first(): Batch | undefined {
    return this.returned.at(-1) ?? this.fresh.first;
  }
}

/** Idle keys are looked for once there are half as many again as after the last time, and so many more. */
const MORE_KEYS = 16;

/**
 * A run's batches that wait to be sent: in one queue, or in one for each key that has a limit of its own.
 * A queue whose limit is reached holds up no other.
 */
export class KeyQueues {
  /** How many batches wait, and how many of them were never sent. */
  waiting = 0;
  fresh = 0;
  readonly #queues = new Map<Key | undefined, KeyQueue>();
  /** Those that may have something to send, in the order of their turns. */
  readonly #ready = new Set<KeyQueue>();
  /** With more keys than this it is looked which can be forgotten. */
  #mostKeys = MORE_KEYS;

  /** @param onMore Told when something may be sent that had to wait. */
  constructor(private readonly limit: LimitOptions, private readonly onMore: () => void) {}

  get keys(): number {
    return this.#queues.size;
  }

  /** What is sent next; undefined if nothing waits that may start now. */
  get next(): Batch | undefined {
    return this.#first()?.first;
  }

  #first(): KeyQueue | undefined {
    for (const queue of this.#ready) {
      if (queue.first !== undefined && queue.limit.allows()) return queue;
      this.#ready.delete(queue);
    }
    return undefined;
  }

  take(): Batch | undefined {
    const queue = this.#first();
    if (queue === undefined) return undefined;
    // The others have their turn.
    this.#ready.delete(queue);
    this.#ready.add(queue);
    this.waiting--;
    if (queue.returned.length === 0) this.fresh--;
    return queue.returned.pop() ?? queue.fresh.shift();
  }

  /** Takes a batch that was never sent: it goes behind all others of its key. */
  add(batch: Batch): void {
    this.fresh++;
    this.#wait(batch, "fresh");
  }

  /** Takes a batch back: it goes before all others of its key. */
  putBack(batch: Batch): void {
    this.#wait(batch, "returned");
  }

  #wait(batch: Batch, where: "fresh" | "returned"): void {
    const queue = this.#queueOf(batch.history.key);
    queue[where].push(batch);
    this.waiting++;
    this.#ready.add(queue);
  }

  #queueOf(key: Key | undefined): KeyQueue {
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = new KeyQueue(key === undefined ? {} : this.limit, (queue) => {
        this.#ready.add(queue);
        this.onMore();
      });
      this.#queues.set(key, queue);
    }
    return queue;
  }

  limitOf({ history: { key } }: Batch): Limit | undefined {
    return key === undefined ? undefined : this.#queueOf(key).limit;
  }

  /** A batch is with its lane no more. */
  leave(batch: Batch, startedAtMs: number): void {
    const { key } = batch.history;
    const queue = key === undefined ? undefined : this.#queues.get(key);
    if (queue === undefined) return;
    queue.limit.leave(batch, startedAtMs);
    if (queue.first !== undefined) this.#ready.add(queue);
    else if (queue.limit.isIdle(clock.now())) this.#queues.delete(key);
    else if (this.#queues.size > this.#mostKeys) this.#forgetIdle();
  }

  /** Forgets each key of which nothing waits or runs, unless its rate or a pause still counts. */
  #forgetIdle(): void {
    const nowMs = clock.now();
    for (const [key, { first, limit }] of this.#queues) {
      if (first === undefined && limit.isIdle(nowMs)) this.#queues.delete(key);
    }
    this.#mostKeys = 1.5 * this.#queues.size + MORE_KEYS;
  }

  /** Gives up every queue; returns what waited. */
  drop(): Batch[] {
    const all = [...this.#queues.values()];
    for (const { limit } of all) limit.stop();
    this.#queues.clear();
    this.#ready.clear();
    this.waiting = this.fresh = 0;
    return all.flatMap(({ returned, fresh }) => [...returned, ...fresh.slice(0, Infinity)]);
  }
}
