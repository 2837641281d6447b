/**
 * The outcomes of items, and how they are handed to the consumer: in the order it asked for, and no faster than
 * it takes them.
 */

import type { Report } from "../lanes/lane.ts";
import type { Batch } from "./batch.ts";
import { Fifo } from "./collections.ts";

/** How an item that gave no value ended. */
export type Ending = "failed" | "timed-out" | "cancelled" | "crashed" | "abandoned";

/** The fields of every outcome, whether the task gave a value or not. */
export interface Settlement<Item = unknown> {
  /** The item's place in the input, from 0. */
  readonly index: number;
  /** The item itself, as it was given. */
  readonly item: Item;
  /** The lane it ended on, from 0; −1 if it never started, or ended while it waited for its next attempt. */
  readonly lane: number;
  /**
   * How many attempts were made: starts of the task, as far as known, and failed loads of its module; 0 if none
   * was made.
   */
  readonly attempts: number;
  /** When it was pulled from the input, on the caller's `performance.now()` clock. */
  readonly queuedAtMs: number;
  /**
   * When its last attempt started, on the caller's `performance.now()` clock; NaN if none did, if it ended while
   * it waited for its next attempt, or if the lane was lost before it could report the start.
   */
  readonly startedAtMs: number;
  /** When it ended, on the same clock. */
  readonly endedAtMs: number;
}

/** An item whose task gave a value. */
export interface Fulfilled<Result, Item = unknown> extends Settlement<Item> {
  /** The task gave a value. */
  readonly status: "fulfilled";
  /** The task's value. */
  readonly value: Result;
}

/** An item whose task gave no value. */
export interface Rejected<Item = unknown> extends Settlement<Item> {
  /** The task gave no value. */
  readonly status: "rejected";
  /** How it ended: the task threw, exceeded its deadline, was cancelled, lost its lane, or can't be stopped. */
  readonly ended: Ending;
  /** The value that the task threw, or an error that says what happened to the task. */
  readonly reason: unknown;
}

/** The outcome of one item: a `PromiseSettledResult` that also says where, when and how it ended. */
export type Outcome<Result, Item = unknown> = Fulfilled<Result, Item> | Rejected<Item>;

/**
 * Consecutive items of the input that ended together, kept as the lane reported them: making an object of each
 * before the consumer asks for it would cost more than a tiny task does.
 */
export interface Settled {
  readonly batch: Batch;
  /** The first item's place in the batch. */
  readonly from: number;
  readonly count: number;
  /** How the items ended, all in the same way, if they gave no value. */
  readonly rejection: { readonly ended: Ending; readonly reason: unknown } | undefined;
  /** Whether the items were started, as far as that is known. */
  readonly isStarted: boolean;
  readonly report: Pick<Report, "values" | "startedAtMs" | "endedAtMs" | "times">;
  /** The first item's place in the report. */
  readonly reportFrom: number;
}

export function valueAt({ report: { values }, reportFrom }: Settled, offset: number): unknown {
  return values === undefined ? undefined : values[reportFrom + offset];
}

/** Makes a new outcome object for one item. */
export function outcomeAt(settled: Settled, offset: number): Outcome<unknown> {
  const { batch, from, rejection, isStarted, report } = settled;
  const { times } = report;
  const at = 2 * (settled.reportFrom + offset);
  const settlement = {
    index: batch.firstIndex + from + offset,
    item: batch.items[from + offset],
    lane: isStarted && batch.openLane !== undefined ? batch.openLane.number : -1,
    attempts: isStarted ? batch.attempt : batch.attempt - 1,
    queuedAtMs: batch.queuedAtMs,
    startedAtMs: times === undefined ? report.startedAtMs : times[at]!,
    endedAtMs: times === undefined ? report.endedAtMs : times[at + 1]!,
  };
  // The copied object comes first: V8 takes three times as long to copy one behind other properties.
  return rejection === undefined
    ? { ...settlement, status: "fulfilled", value: valueAt(settled, offset) }
    : { ...settlement, status: "rejected", ...rejection };
}

/**
 * Results, as they come. Nothing runs before the first is requested; leaving the loop stops the run, and throws
 * what the input throws when it is closed.
 */
export interface Results<T> extends AsyncIterableIterator<T> {
  /** Ends the run: stops running tasks, and waits until they have stopped. */
  return(): Promise<IteratorResult<T>>;
  /** The same, at the end of an `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
  /**
   * All results in one array: the same as collecting them in a loop, but without a turn of the event loop for
   * each.
   */
  toArray(): Promise<T[]>;
}

/** The run that an output belongs to. */
export interface OutputRun {
  /** Starts the run; called once, when the first result is requested. */
  start(collecting: boolean): void;
  /** Called when the consumer waits for a result, which keeps the program alive. */
  awaited?(): void;
  /** Called when the consumer has taken `count` more results, so that new items may be pulled. */
  taken(count: number): void;
  /** Stops the run because its consumer wants no more; resolves when it has ended. */
  leave(): Promise<void>;
}

const end = () => ({ value: undefined, done: true }) as const;

type Waiter<T> = PromiseWithResolvers<IteratorResult<T>>;
type Collecting<T> = PromiseWithResolvers<T[]> & { readonly all: T[] };

/** The results of a run, as an async iterator. */
export class Output<T> implements Results<T> {
  readonly #run: OutputRun;
  readonly #inInputOrder: boolean;
  readonly #read: (settled: Settled, offset: number) => T;
  /** Items that wait for earlier ones, by first index; a number for that many items without results. */
  readonly #early = new Map<number, Settled | number>();
  #nextIndex = 0;
  /** Items that may be handed out, and how many of the first batch have been. */
  readonly #ready = new Fifo<Settled>();
  #offset = 0;
  readonly #waiters = new Fifo<Waiter<T>>();
  /** Once `ended`, the ready results are handed out, then the failure, if there is one. */
  #state: "idle" | "open" | "ended" = "idle";
  #failure: { readonly error: unknown } | undefined;
  /** Resolves when the run has ended after the consumer has left; from then on there is only the end. */
  #left: PromiseWithResolvers<void> | undefined;
  /** The results that `toArray` is collecting. */
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

  /** Returns this object: results can be iterated once. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  get isAwaited(): boolean {
    return this.#waiters.size > 0 || this.#collecting !== undefined;
  }

  /** Called by the run with items that ended, each index once. */
  push(settled: Settled): void {
    if (settled.count === 0) return;
    const firstIndex = settled.batch.firstIndex + settled.from;
    if (!this.#inInputOrder) {
      this.#ready.push(settled);
    } else if (firstIndex !== this.#nextIndex) {
      this.#early.set(firstIndex, settled);
      return;
    } else {
      this.#ready.push(settled);
      this.#nextIndex += settled.count;
      if (this.#early.size > 0) this.#admitEarly();
    }
    this.#serve();
  }

  #admitEarly(): void {
    let early: Settled | number | undefined;
    while ((early = this.#early.get(this.#nextIndex)) !== undefined) {
      this.#early.delete(this.#nextIndex);
      if (typeof early !== "number") this.#ready.push(early);
      this.#nextIndex += typeof early === "number" ? early : early.count;
    }
  }

  /** Called by the run when `count` items from an index on have no results. */
  skip(firstIndex: number, count: number): void {
    if (!this.#inInputOrder) return;
    this.#early.set(firstIndex, count);
    this.#admitEarly();
    this.#serve();
  }

  /** Called by the run when there are no more results; a failure is thrown after the ready ones. */
  end(failure?: { readonly error: unknown }): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#failure = failure;
    this.#serve();
  }

  #serve(): void {
    while (this.#waiters.size > 0 && (this.#ready.size > 0 || this.#state === "ended")) {
      // Removed first: taking a result makes room, which may bring the next results before `#take` returns.
      const waiter = this.#waiters.shift()!;
      const result = this.#take();
      if (result === undefined) this.#settleLast(waiter);
      else waiter.resolve(result);
    }
    if (this.#collecting !== undefined) this.#collect(this.#collecting);
  }

  /** Rejects with the failure once; after that the iterator is at its end. */
  #settleLast(waiter: Waiter<T>): void {
    if (this.#failure === undefined || this.#left !== undefined) return waiter.resolve(end());
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
   * @returns A promise that rejects once if the run fails, after all results that were ready.
   */
  next(): Promise<IteratorResult<T>> {
    if (this.#left !== undefined) return this.#left.promise.then(end);
    if (this.#waiters.size === 0 && this.#collecting === undefined) {
      const result = this.#take();
      if (result !== undefined) return Promise.resolve(result);
    }
    if (this.#collecting !== undefined) return this.#afterAll(end());
    const waiter = Promise.withResolvers<IteratorResult<T>>();
    this.#waiters.push(waiter);
    this.#open(false);
    this.#serve();
    return waiter.promise;
  }

  /** Answers a caller that asks for results while `toArray` collects all of them for another. */
  #afterAll<R>(result: R): Promise<R> {
    return this.#collecting!.promise.then(() => result, () => result);
  }

  #open(collecting: boolean): void {
    if (this.#state !== "idle") return this.#run.awaited?.();
    this.#state = "open";
    this.#run.start(collecting);
  }

  /** Stops the run, drops results that weren't taken, and resolves when the run has ended. */
  async return(): Promise<IteratorResult<T>> {
    const left = this.#left ??= Promise.withResolvers();
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
      left.resolve();
    }
    return end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Collects the remaining results in one array; rejects if the run fails. */
  toArray(): Promise<T[]> {
    if (this.#left !== undefined) return this.#left.promise.then(() => []);
    if (this.#collecting !== undefined) return this.#afterAll([]);
    const collecting = { ...Promise.withResolvers<T[]>(), all: [] };
    this.#collecting = collecting;
    this.#open(true);
    this.#serve();
    return collecting.promise;
  }
}

type UnusedCall = { readonly name: string };

/**
 * The results of one executor that nobody has requested yet. Their tasks never run, which is seldom intended,
 * so a warning is printed.
 */
export class UnusedResults {
  /** The calls with unused results, which aren't kept alive. */
  readonly #calls = new Set<UnusedCall>();
  readonly #collected = new FinalizationRegistry<UnusedCall>((call) => this.#warn([call]));

  /** Watches a call's results; the returned function says that they are used. */
  watch(results: object, name: string): () => void {
    const call = { name };
    this.#calls.add(call);
    this.#collected.register(results, call, call);
    return () => {
      if (this.#calls.delete(call)) this.#collected.unregister(call);
    };
  }

  /** Warns of all results that are still unused, when the executor is closed. */
  close(): void {
    this.#warn([...this.#calls]);
  }

  #warn(calls: readonly UnusedCall[]): void {
    const names = calls.filter((call) => this.#calls.delete(call)).map(({ name }) => name);
    if (names.length === 0) return;
    console.error(
      `warning: nothing ran, for nobody asked for the results of ` +
        [...new Set(names)].map((name) => `${name}()`).join(" and ") +
        (names.length > 1 ? ` (${names.length} calls)` : "") +
        `; take them in a loop (for await … of), or all with toArray()`,
    );
  }
}
