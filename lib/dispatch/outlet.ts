/**
 * Hands results to the consumer, in the order it wants, and no faster than it takes them.
 *
 * @module
 */

import type { Results } from "./results.ts";
import type { Segment } from "./segment.ts";

/** What the outlet asks of the run behind it. */
export interface OutletRun {
  /** Starts the run; called once, when the first result is asked for. */
  start(collecting: boolean): void;
  /** Told that the consumer has taken so many more, so there may be room for new items. */
  taken(count: number): void;
  /** Stops the run; resolves when nothing of it goes on. */
  stop(): Promise<void>;
}

type Waiter<T> = PromiseWithResolvers<IteratorResult<T>>;
type Collecting<T> = PromiseWithResolvers<T[]> & { readonly all: T[] };

/** The results of a run, as an async iterator. */
export class Outlet<T> implements Results<T> {
  readonly #run: OutletRun;
  readonly #inInputOrder: boolean;
  readonly #read: (segment: Segment, offset: number) => T;
  /** Segments that wait for those before them, by their first index. */
  readonly #early = new Map<number, Segment>();
  #nextIndex = 0;
  /** Segments that may be handed out; those before `#head` have been. */
  #ready: Segment[] = [];
  #head = 0;
  #offset = 0;
  readonly #waiters: Waiter<T>[] = [];
  #state: "idle" | "open" | "ended" | "failed" = "idle";
  #error: unknown;
  /** All results that are left, if they are collected. */
  #collecting: Collecting<T> | undefined;

  /**
   * Starts nothing yet.
   *
   * @param run The run behind it.
   * @param order In which order results go out.
   * @param read Makes a result of a segment's item.
   */
  constructor(
    run: OutletRun,
    order: "input" | "completion",
    read: (segment: Segment, offset: number) => T,
  ) {
    this.#run = run;
    this.#inInputOrder = order === "input";
    this.#read = read;
  }

  /** Itself: results can be iterated once. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Run: gives items that ended, each index once. */
  push(segment: Segment): void {
    if (segment.count === 0) return;
    if (!this.#inInputOrder) {
      this.#ready.push(segment);
    } else if (segment.firstIndex !== this.#nextIndex) {
      this.#early.set(segment.firstIndex, segment);
      return;
    } else {
      this.#ready.push(segment);
      this.#nextIndex += segment.count;
      this.#admitEarly();
    }
    this.#serve();
  }

  #admitEarly(): void {
    if (this.#early.size === 0) return;
    let segment: Segment | undefined;
    while ((segment = this.#early.get(this.#nextIndex)) !== undefined) {
      this.#early.delete(this.#nextIndex);
      this.#ready.push(segment);
      this.#nextIndex += segment.count;
    }
  }

  /** Run: there will be no more. */
  end(): void {
    if (this.#state === "ended" || this.#state === "failed") return;
    this.#state = "ended";
    this.#serve();
  }

  /**
   * Run: it failed; what wasn't handed out is dropped.
   *
   * @param error What the consumer's loop throws.
   */
  fail(error: unknown): void {
    if (this.#state === "ended" || this.#state === "failed") return;
    this.#state = "failed";
    this.#error = error;
    this.#ready = [];
    this.#head = this.#offset = 0;
    this.#early.clear();
    this.#serve();
  }

  #serve(): void {
    while (this.#waiters.length > 0) {
      if (this.#head < this.#ready.length) {
        // Shifted first: taking makes room, which may bring the next results while this one is taken.
        const waiter = this.#waiters.shift()!;
        waiter.resolve(this.#take()!);
      } else if (this.#state === "ended") {
        this.#waiters.shift()!.resolve({ value: undefined, done: true });
      } else if (this.#state === "failed") {
        // The failure is told once; after it the iterator is at its end.
        this.#state = "ended";
        this.#waiters.shift()!.reject(this.#error);
      } else return;
    }
    if (this.#collecting !== undefined) this.#collect(this.#collecting);
  }

  #take(): IteratorResult<T> | undefined {
    const segment = this.#ready[this.#head];
    if (segment === undefined) return undefined;
    const value = this.#read(segment, this.#offset++);
    if (this.#offset === segment.count) this.#drop(segment);
    return { value, done: false };
  }

  #drop(segment: Segment): void {
    this.#head++;
    this.#offset = 0;
    if (this.#head === this.#ready.length) {
      this.#ready = [];
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#head);
      this.#head = 0;
    } else {
      this.#ready[this.#head - 1] = undefined as unknown as Segment; // free its values
    }
    this.#run.taken(segment.count);
  }

  #collect({ all, resolve, reject }: Collecting<T>): void {
    let segment: Segment | undefined;
    while ((segment = this.#ready[this.#head]) !== undefined) {
      const { count } = segment;
      for (let offset = this.#offset; offset < count; offset++) {
        all.push(this.#read(segment, offset));
      }
      this.#drop(segment);
    }
    if (this.#state === "failed") reject(this.#error);
    else if (this.#state === "ended") resolve(all);
    else return;
    this.#state = "ended";
    this.#collecting = undefined;
  }

  /**
   * The next result. The first call starts the run.
   *
   * @returns A promise that rejects once if the run fails.
   */
  next(): Promise<IteratorResult<T>> {
    if (this.#waiters.length === 0) {
      const result = this.#take();
      if (result !== undefined) return Promise.resolve(result);
    }
    if (this.#state === "ended") return Promise.resolve({ value: undefined, done: true });
    if (this.#collecting !== undefined) return this.#afterAll({ value: undefined, done: true });
    const waiter = Promise.withResolvers<IteratorResult<T>>();
    this.#waiters.push(waiter);
    this.#open(false);
    this.#serve();
    return waiter.promise;
  }

  /** What is told to those who ask for more while all that is left is collected for somebody else. */
  #afterAll<R>(result: R): Promise<R> {
    return this.#collecting!.promise.then(() => result, () => result);
  }

  #open(collecting: boolean): void {
    if (this.#state !== "idle") return;
    this.#state = "open";
    this.#run.start(collecting);
  }

  /** Stops the run, drops what wasn't taken, and resolves when nothing goes on. */
  async return(): Promise<IteratorResult<T>> {
    if (this.#state === "idle") this.#state = "ended";
    else await this.#run.stop();
    this.#ready = [];
    this.#head = this.#offset = 0;
    this.#early.clear();
    this.#state = "ended";
    this.#serve();
    return { value: undefined, done: true };
  }

  /** All results that are left, in one array; rejects if the run fails. */
  toArray(): Promise<T[]> {
    if (this.#collecting !== undefined) return this.#afterAll([]);
    const collecting = { ...Promise.withResolvers<T[]>(), all: [] };
    this.#collecting = collecting;
    this.#open(true);
    this.#serve();
    return collecting.promise;
  }
}
