/** Hands results to the consumer, in the order it wants, and no faster than it takes them. */

import { Fifo } from "./fifo.ts";
import type { Settled } from "./outcome.ts";

/**
 * Results, as they come. Nothing runs before the first is asked for; leaving the loop stops the rest,
 * and tells what the input throws when it is closed.
 */
export interface Results<T> extends AsyncIterableIterator<T> {
  /** Ends the run: stops what still runs, and waits until it has stopped. */
  return(): Promise<IteratorResult<T>>;
  /**
   * All results in one array: the same as collecting them in a loop, but without a turn of the
   * event loop for each.
   */
  toArray(): Promise<T[]>;
}

/** What the output asks of the run behind it. */
export interface OutputRun {
  /** Starts the run; called once, when the first result is asked for. */
  start(collecting: boolean): void;
  /** Told that the consumer waits for a result, which keeps the program alive. */
  awaited?(): void;
  /** Told that the consumer has taken so many more, so there may be room for new items. */
  taken(count: number): void;
  /** Stops the run, for its consumer wants no more; resolves when nothing of it goes on. */
  leave(): Promise<void>;
}

type Waiter<T> = PromiseWithResolvers<IteratorResult<T>>;
type Collecting<T> = PromiseWithResolvers<T[]> & { readonly all: T[] };

/** The results of a run, as an async iterator. */
export class Output<T> implements Results<T> {
  readonly #run: OutputRun;
  readonly #inInputOrder: boolean;
  readonly #read: (settled: Settled, offset: number) => T;
  /** What waits for those before it, by its first index; a number for so many without a result. */
  readonly #early = new Map<number, Settled | number>();
  #nextIndex = 0;
  /** What may be handed out, and how much of the first has been. */
  readonly #ready = new Fifo<Settled>();
  #offset = 0;
  readonly #waiters: Waiter<T>[] = [];
  /** Once it is `ended`, what is ready is handed out, then the failure if there is one. */
  #state: "idle" | "open" | "ended" = "idle";
  #failure: { readonly error: unknown } | undefined;
  /** All results that are left, if they are collected. */
  #collecting: Collecting<T> | undefined;

  /** @param read Makes a result of an item that settled. */
  constructor(
    run: OutputRun,
    order: "input" | "completion",
    read: (settled: Settled, offset: number) => T,
  ) {
    this.#run = run;
    this.#inInputOrder = order === "input";
    this.#read = read;
  }

  /** Itself: results can be iterated once. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Whether somebody has asked for a result, or said that none is wanted. */
  get isUsed(): boolean {
    return this.#state !== "idle";
  }

  /** Whether somebody waits for a result. */
  get isAwaited(): boolean {
    return this.#waiters.length > 0 || this.#collecting !== undefined;
  }

  /** Run: gives items that ended, each index once. */
  push(settled: Settled): void {
    if (settled.count === 0) return;
    if (!this.#inInputOrder) {
      this.#ready.push(settled);
    } else if (settled.firstIndex !== this.#nextIndex) {
      this.#early.set(settled.firstIndex, settled);
      return;
    } else {
      this.#ready.push(settled);
      this.#nextIndex += settled.count;
      this.#admitEarly();
    }
    this.#serve();
  }

  #admitEarly(): void {
    if (this.#early.size === 0) return;
    let early: Settled | number | undefined;
    while ((early = this.#early.get(this.#nextIndex)) !== undefined) {
      this.#early.delete(this.#nextIndex);
      if (typeof early !== "number") this.#ready.push(early);
      this.#nextIndex += typeof early === "number" ? early : early.count;
    }
  }

  /** Run: items from an index on have no results. */
  skip(firstIndex: number, count: number): void {
    if (!this.#inInputOrder) return;
    this.#early.set(firstIndex, count);
    this.#admitEarly();
    this.#serve();
  }

  /** Run: there will be no more; if it failed, that is told when all that is ready was handed out. */
  end(failure?: { readonly error: unknown }): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#failure = failure;
    this.#serve();
  }

  #serve(): void {
    while (this.#waiters.length > 0) {
      if (this.#ready.size > 0) {
        // Shifted first: taking makes room, which may bring the next results while this one is taken.
        const waiter = this.#waiters.shift()!;
        waiter.resolve(this.#take()!);
      } else if (this.#state === "ended") {
        this.#settleLast(this.#waiters.shift()!);
      } else return;
    }
    if (this.#collecting !== undefined) this.#collect(this.#collecting);
  }

  /** The failure is told once; after it the iterator is at its end. */
  #settleLast(waiter: Waiter<T>): void {
    if (this.#failure === undefined) return waiter.resolve({ value: undefined, done: true });
    const { error } = this.#failure;
    this.#failure = undefined;
    waiter.reject(error);
  }

  #take(): IteratorResult<T> | undefined {
    const settled = this.#ready.first;
    if (settled === undefined) return undefined;
    const value = this.#read(settled, this.#offset++);
    if (this.#offset === settled.count) this.#drop(settled);
    return { value, done: false };
  }

  #drop(settled: Settled): void {
    this.#offset = 0;
    this.#ready.shift();
    this.#run.taken(settled.count);
  }

  #collect({ all, resolve, reject }: Collecting<T>): void {
    let settled: Settled | undefined;
    while ((settled = this.#ready.first) !== undefined) {
      const { count } = settled;
      for (let offset = this.#offset; offset < count; offset++) {
        all.push(this.#read(settled, offset));
      }
      this.#drop(settled);
    }
    if (this.#state !== "ended") return;
    const failure = this.#failure;
    this.#failure = undefined;
    this.#collecting = undefined;
    if (failure !== undefined) reject(failure.error);
    else resolve(all);
  }

  /**
   * The next result. The first call starts the run.
   *
   * @returns A promise that rejects once if the run fails, after all that has ended.
   */
  next(): Promise<IteratorResult<T>> {
    if (this.#waiters.length === 0 && this.#collecting === undefined) {
      const result = this.#take();
      if (result !== undefined) return Promise.resolve(result);
    }
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
    if (this.#state !== "idle") return this.#run.awaited?.();
    this.#state = "open";
    this.#run.start(collecting);
  }

  /** Stops the run, drops what wasn't taken, and resolves when nothing goes on. */
  async return(): Promise<IteratorResult<T>> {
    try {
      if (this.#state === "idle") this.#state = "ended";
      await this.#run.leave();
    } finally {
      this.#ready.clear();
      this.#offset = 0;
      this.#early.clear();
      this.#state = "ended";
      this.#failure = undefined;
      this.#serve();
    }
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
