/**
 * What became of items, and how that is handed to the consumer: in the order it wants, and no faster
 * than it takes it.
 */

import type { Report } from "../lanes/lane.ts";
import type { Batch } from "./batch.ts";
import { Fifo } from "./collections.ts";

/** How an item that gave no value ended. */
export type Ending = "failed" | "timed-out" | "cancelled" | "crashed" | "abandoned";

/** What every outcome tells, whether its task gave a value or not. */
export interface Settlement<Item = unknown> {
  /** The item's place in the input, from 0. */
  readonly index: number;
  /** The item itself, as it was given. */
  readonly item: Item;
  /** The lane it ran on, from 0; −1 if it never started. */
  readonly lane: number;
  /**
   * How many times it was tried: its task was started, as far as that is known, or couldn't be loaded;
   * 0 if it was never tried.
   */
  readonly attempts: number;
  /** When the dispatcher pulled it from the input, on the caller's `performance.now()` clock. */
  readonly queuedAtMs: number;
  /**
   * When its last attempt started, on the caller's `performance.now()` clock; NaN if none did, or if its
   * lane was lost before it could say so.
   */
  readonly startedAtMs: number;
  /** When it ended, on the same clock. */
  readonly endedAtMs: number;
}

/** An item whose task gave a value. */
export interface Fulfilled<Result, Item = unknown> extends Settlement<Item> {
  /** The task gave a value. */
  readonly status: "fulfilled";
  /** What it gave. */
  readonly value: Result;
}

/** An item whose task gave none. */
export interface Rejected<Item = unknown> extends Settlement<Item> {
  /** The task gave no value. */
  readonly status: "rejected";
  /** How it ended: the task threw, ran past its deadline, was cancelled, lost its lane, or goes on unstoppably. */
  readonly ended: Ending;
  /** What the task threw, or an error that says what befell it. */
  readonly reason: unknown;
}

/** What became of one item: a `PromiseSettledResult` that also says where, when and how. */
export type Outcome<Result, Item = unknown> = Fulfilled<Result, Item> | Rejected<Item>;

/**
 * Items that follow on each other in the input and ended together, kept as they came from the lane:
 * turning each into an object of its own before somebody asks for it would cost more than a tiny task
 * does.
 */
export interface Settled {
  readonly batch: Batch;
  /** The first item's place in the batch. */
  readonly from: number;
  readonly count: number;
  /** If they gave no value: how they ended, each in the same way. */
  readonly rejection: { readonly ended: Ending; readonly reason: unknown } | undefined;
  /** Whether they were started, as far as that is known. */
  readonly isStarted: boolean;
  readonly report: Pick<Report, "values" | "startedAtMs" | "endedAtMs" | "times">;
  /** The first item's place in the report. */
  readonly reportFrom: number;
}

export function valueAt({ report: { values }, reportFrom }: Settled, offset: number): unknown {
  return values === undefined ? undefined : values[reportFrom + offset];
}

/** One item's outcome, made anew. */
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
  // First what is copied: V8 takes three times as long for a copy behind something else.
  return rejection === undefined
    ? { ...settlement, status: "fulfilled", value: valueAt(settled, offset) }
    : { ...settlement, status: "rejected", ...rejection };
}

/**
 * Results, as they come. Nothing runs before the first is asked for; leaving the loop stops the rest,
 * and tells what the input throws when it is closed.
 */
export interface Results<T> extends AsyncIterableIterator<T> {
  /** Ends the run: stops what still runs, and waits until it has stopped. */
  return(): Promise<IteratorResult<T>>;
  /** The same, at the end of an `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
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
  readonly #waiters = new Fifo<Waiter<T>>();
  /** Once it is `ended`, what is ready is handed out, then the failure if there is one. */
  #state: "idle" | "open" | "ended" = "idle";
  #failure: { readonly error: unknown } | undefined;
  /** Whether somebody has left: that is no failure to those who wait for another result. */
  #isLeft = false;
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

  get isAwaited(): boolean {
    return this.#waiters.size > 0 || this.#collecting !== undefined;
  }

  /** Run: gives items that ended, each index once. */
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
    while (this.#waiters.size > 0 && (this.#ready.size > 0 || this.#state === "ended")) {
      // Shifted first: taking makes room, which may bring the next results while this one is taken.
      const waiter = this.#waiters.shift()!;
      const result = this.#take();
      if (result === undefined) this.#settleLast(waiter);
      else waiter.resolve(result);
    }
    if (this.#collecting !== undefined) this.#collect(this.#collecting);
  }

  /** The failure is told once; after it the iterator is at its end. */
  #settleLast(waiter: Waiter<T>): void {
    if (this.#failure === undefined || this.#isLeft) {
      return waiter.resolve({ value: undefined, done: true });
    }
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
    if (this.#waiters.size === 0 && this.#collecting === undefined) {
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
    this.#isLeft = true;
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
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

/**
 * The results of one executor that nobody asked for until now: their tasks never run, which is seldom
 * what was meant.
 */
export class UnusedResults {
  /** The name of each call that gave such; what it gave isn't kept alive. */
  readonly #calls = new Map<symbol, string>();
  readonly #collected = new FinalizationRegistry<symbol>((call) => this.#warn([call]));

  /** Watches over what a call returned. */
  watch(results: object, name: string): () => void {
    const call = Symbol(name);
    this.#calls.set(call, name);
    this.#collected.register(results, call, call);
    return () => {
      if (this.#calls.delete(call)) this.#collected.unregister(call);
    };
  }

  /** No more will come, and what wasn't asked for now never will be. */
  close(): void {
    this.#warn([...this.#calls.keys()]);
  }

  #warn(calls: readonly symbol[]): void {
    const names = calls.flatMap((call) => this.#calls.get(call) ?? []);
    for (const call of calls) this.#calls.delete(call);
    if (names.length === 0) return;
    console.error(
      `warning: nothing ran, for nobody asked for the results of ` +
        [...new Set(names)].map((name) => `${name}()`).join(" and ") +
        (names.length > 1 ? ` (${names.length} calls)` : "") +
        `; take them in a loop (for await … of), or all with toArray()`,
    );
  }
}
