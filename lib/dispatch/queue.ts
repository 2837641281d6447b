/**
 * The queue of a run: it gives items that came back, retries that are due, or new items from the input, as many
 * as there is room for and as limits allow.
 */

import { inAsyncContext } from "../lanes/async_context.ts";
import { shown } from "../lanes/attempt.ts";
import type { Task } from "../lanes/task.ts";
import { after, clock } from "../lanes/timers.ts";
import { Batch, type Key, type PaceMaker, type PoolRun, UNSENT } from "./batch.ts";
import type { BatchSize } from "./batch_size.ts";
import { Fifo } from "./collections.ts";
import type { CheckedOptions, PerKey } from "./map_options.ts";
import type { Source } from "./source.ts";
import { Limit, type LimitOptions } from "./limits.ts";

export interface QueueRun extends PoolRun {
  readonly options: Pick<CheckedOptions, "buffer" | "rate" | "perKey" | "chunk">;
  /** The current time, or a reused reading where no exact start times are needed. */
  now(): number;
  /** Called when there may be something new to send. */
  onMore(): void;
  /** Called when the input turns out to have ended and nothing waits. */
  mayBeOver(): void;
}

interface QueuePool {
  /** The number of slots on all lanes together. */
  readonly slots: number;
  sendsTogether(task: Task): boolean;
  /** The guide's pace of each key, if there is a guide. */
  readonly options: { readonly guide?: { readonly pace: PaceMaker } };
}

/** Batches held for each slot: one that ended and waits for the consumer, and the next one to run. */
const AUTO_BUFFER_BATCHES = 2;
/** How many items that wait for their keys or a retry may be looked past, unless `buffer` is given. */
const AUTO_LOOK_AHEAD = 1000;

export class Queue {
  /** When a batch was last taken, or items were last pulled. */
  takenAtMs = 0;
  /** How many items the consumer has taken, or the input has left out. */
  consumed = 0;
  /** Whether starts are counted, so that items travel one by one: for a rate, for keys, or since a pause. */
  isCounted: boolean;
  /** Whether all results are collected anyway, so that a bound on held results saves nothing. */
  unbounded = false;
  readonly #limit: Limit;
  readonly #keys: KeyQueues;
  /** Batches that wait for a retry, each with the function that cancels its wait. */
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

  /** Whether no item is left and none will come. */
  get isEmpty(): boolean {
    return this.source.isEmpty && this.#keys.waiting === 0 && this.#delayed.size === 0;
  }

  /** A preview of the next batch; undefined if nothing may be sent now. */
  peek(): { readonly alone: boolean } | undefined {
    const waiting = this.#keys.waiting > 0 ? this.#keys.next : undefined;
    const next = waiting ?? (this.source.mayGive && this.#room >= 1 ? UNSENT : undefined);
    if (next === undefined || !this.isCounted || this.#limit.allows()) return next;
    if (this.#keys.waiting > 0) return undefined;
    // The next item must wait, but it is pulled now: if there is none, the run ends at once.
    const fresh = this.#pull();
    if (fresh !== undefined) this.#keys.add(fresh);
    return undefined;
  }

  /** Stops the timers of all limits; nothing waits any more. */
  close(): void {
    this.#limit.stop();
    this.#keys.drop();
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

  /** Takes the next batch; undefined if none may be sent now. */
  take(): Batch | undefined {
    const batch = this.#next();
    if (batch !== undefined && this.isCounted) {
      const limit = this.#keys.limitOf(batch);
      this.#limit.take(batch);
      limit?.take(batch);
      batch.pace = limit?.pace;
      batch.pace?.take();
    }
    return batch;
  }

  #next(): Batch | undefined {
    for (;;) {
      // After a retry a new item has its turn.
      const mayPull = this.#keys.isRetryAgain && this.source.mayGive && this.#room >= 1;
      const turn = mayPull ? this.#pull() : undefined;
      if (turn !== undefined) this.#keys.add(turn);
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

  /** Pulls new items: without keys they are returned; with keys each joins its key's queue. */
  #pull(): Batch | undefined {
    const { run, source } = this;
    const { perKey } = run.options;
    const wanted = this.#together ? this.size.next(source.remaining, this.pool.slots) : 1;
    const items = source.pull(Math.min(wanted, this.#room), run.settings.mostBytes);
    if (items.length === 0) {
      if (this.isEmpty) run.mayBeOver();
      return undefined;
    }
    // The input may have left out items before these.
    const first = source.pulled - items.length;
    const keys = perKey && items.map((item, at) => this.#keyOf(perKey, item, first + at));
    // Read after the caller's input and key functions, whose time isn't the task's.
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

  /** Notes that a batch was given to its lane. */
  sent(batch: Batch): void {
    if (!this.isCounted) return;
    this.#limit.sent(batch);
    this.#keys.limitOf(batch)?.sent(batch);
  }

  /** Notes that a batch left its lane, or comes back without having been sent. */
  leave(batch: Batch, startedAtMs: number): void {
    if (!this.isCounted) return;
    this.#limit.leave(batch, startedAtMs);
    batch.pace?.leave();
    this.#keys.leave(batch, startedAtMs);
  }

  /** Starts no task of the batch's key, or of the run, for this many milliseconds, as a server asked. */
  pause(batch: Batch, ms: number): void {
    (this.#keys.limitOf(batch) ?? this.#limit).pause(clock.now() + ms);
    this.isCounted = true;
  }

  /** Returns a batch of the first item and puts the others back. */
  #first(batch: Batch): Batch {
    if (batch.items.length === 1) return batch;
    this.putBack(batch.part(1, batch.items.length));
    return batch.part(0, 1);
  }

  /** Puts items back that are sent before all others; an empty batch is ignored. */
  putBack(batch: Batch): void {
    if (batch.items.length > 0) this.#keys.putBack(batch);
  }

  /**
   * Puts an item back after a wait in milliseconds, behind the others that came back: where a server refuses
   * one task after another, each of these is tried in turn, so that none uses up its retries alone.
   */
  later(batch: Batch, waitMs: number): void {
    const forget = after(waitMs, () => {
      this.#delayed.delete(batch);
      this.#keys.putBack(batch, true);
      this.run.onMore();
    });
    this.#delayed.set(batch, forget);
  }

  /** Cancels every wait; returns items not sent, with those of the input that are available unasked. */
  drop(): Batch[] {
    const dropped = [...this.#keys.drop(), ...this.#delayed.keys()];
    for (const forget of this.#delayed.values()) forget();
    this.#delayed.clear();
    for (let rest; (rest = this.source.takeRest()).length > 0;) {
      const first = this.source.pulled - rest.length;
      dropped.push(new Batch(this.run, first, rest, this.takenAtMs));
    }
    return dropped;
  }
}

/** Batches that wait for one key. */
class KeyQueue {
  readonly limit: Limit;
  /** Batches that came back: the last is sent first, before new ones. */
  readonly returned: Batch[] = [];
  readonly fresh = new Fifo<Batch>();
  /**
   * Whether the last batch sent was a retry. Then a new one is sent before the next retry: if a server refuses
   * some items whenever they are asked, only others show that it goes on.
   */
  #wasRetry = false;

  constructor(limit: LimitOptions, onFree: (queue: KeyQueue) => void) {
    this.limit = new Limit(limit, () => onFree(this));
  }

  get first(): Batch | undefined {
    const { returned, fresh } = this;
    return (this.isRetryAgain ? fresh.first : undefined) ?? returned.at(-1) ?? fresh.first;
  }

  /** Whether the next batch that came back is a retry, and the last one sent was, too. */
  get isRetryAgain(): boolean {
    const next = this.returned.at(-1);
    return this.#wasRetry && next !== undefined && isRetry(next);
  }

  take(): Batch {
    const batch = this.first!;
    if (batch === this.returned.at(-1)) this.returned.pop();
    else this.fresh.shift();
    this.#wasRetry = isRetry(batch);
    return batch;
  }
}

const isRetry = ({ attempt, alone }: Batch) => attempt > 1 && !alone;

/** Idle keys are removed once there are 1.5 times as many keys as after the last time, plus this many. */
const MORE_KEYS = 16;

/** The limits of each key. */
interface KeyLimits extends Omit<LimitOptions, "pace"> {
  readonly pace?: PaceMaker | undefined;
}

/**
 * A run's batches that wait to be sent: in one queue, or in one for each key that has its own limit. A queue
 * whose limit is reached holds up no other.
 */
export class KeyQueues {
  /** How many batches wait, and how many of them were never sent. */
  waiting = 0;
  fresh = 0;
  readonly #queues = new Map<Key | undefined, KeyQueue>();
  /** Queues that may have something to send, in the order of their turns. */
  readonly #ready = new Set<KeyQueue>();
  /** Idle keys are removed once there are more keys than this. */
  #mostKeys = MORE_KEYS;

  /** @param onMore Called when something may be sent that had to wait. */
  constructor(private readonly limit: KeyLimits, private readonly onMore: () => void) {}

  get keys(): number {
    return this.#queues.size;
  }

  /** The batch that is sent next; undefined if none may start now. */
  get next(): Batch | undefined {
    return this.#first()?.first;
  }

  /** Whether a retry is sent next after another, for want of a new batch. */
  get isRetryAgain(): boolean {
    const queue = this.waiting > 0 ? this.#first() : undefined;
    return queue?.isRetryAgain === true && queue.fresh.first === undefined;
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
    // The queue goes behind the others, which have their turns first.
    this.#ready.delete(queue);
    this.#ready.add(queue);
    this.waiting--;
    if (queue.first === queue.fresh.first) this.fresh--;
    return queue.take();
  }

  /** Adds a batch that was never sent, behind all others of its key. */
  add(batch: Batch): void {
    this.fresh++;
    this.#wait(batch).fresh.push(batch);
  }

  /** Puts a batch back, before all others of its key, or behind those that came back. */
  putBack(batch: Batch, isLast = false): void {
    const { returned } = this.#wait(batch);
    if (isLast) returned.unshift(batch);
    else returned.push(batch);
  }

  #wait(batch: Batch): KeyQueue {
    const queue = this.#queueOf(batch.history.key);
    this.waiting++;
    this.#ready.add(queue);
    return queue;
  }

  #queueOf(key: Key | undefined): KeyQueue {
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      const limit = key === undefined ? {} : { ...this.limit, pace: this.limit.pace?.(key) };
      queue = new KeyQueue(limit, (queue) => {
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

  /** Notes that a batch left its lane. */
  leave(batch: Batch, startedAtMs: number): void {
    const { key } = batch.history;
    const queue = key === undefined ? undefined : this.#queues.get(key);
    if (queue === undefined) return;
    queue.limit.leave(batch, startedAtMs);
    if (queue.first !== undefined) this.#ready.add(queue);
    else if (queue.limit.isIdle(clock.now())) this.#forget(key, queue);
    else if (this.#queues.size > this.#mostKeys) this.#forgetIdle();
  }

  /** Removes each key without waiting or running batches, unless its rate or a pause still counts. */
  #forgetIdle(): void {
    const nowMs = clock.now();
    for (const [key, queue] of this.#queues) {
      if (queue.first === undefined && queue.limit.isIdle(nowMs)) this.#forget(key, queue);
    }
    this.#mostKeys = 1.5 * this.#queues.size + MORE_KEYS;
  }

  #forget(key: Key | undefined, { limit }: KeyQueue): void {
    limit.stop();
    this.#queues.delete(key);
  }

  /** Removes every queue; returns the batches that waited. */
  drop(): Batch[] {
    const all = [...this.#queues.values()];
    for (const { limit } of all) limit.stop();
    this.#queues.clear();
    this.#ready.clear();
    this.waiting = this.fresh = 0;
    return all.flatMap(({ returned, fresh }) => [...returned, ...fresh.slice(0, Infinity)]);
  }
}
