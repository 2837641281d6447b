/**
 * The table of concurrency models, as code: one constructor a model, all of one interface.
 *
 * @module
 */

import type { Items, MapOptions } from "./dispatch/options.ts";
import type { Outcome } from "./dispatch/outcome.ts";
import { type LaneFactory, LanePool } from "./dispatch/pool.ts";
import type { Results } from "./dispatch/results.ts";
import { startRun } from "./dispatch/start_run.ts";
import type {
  EventLoopOptions,
  LimitedOptions,
  ProcessesOptions,
  WorkersOptions,
} from "./executor_options.ts";
import type { Executor, LaneUsage, Model } from "./model.ts";
import { EventLoopLane } from "./lanes/event_loop.ts";
import { SubprocessLane } from "./lanes/subprocess.ts";
import type { Task } from "./lanes/task.ts";
import { WorkerLane } from "./lanes/worker.ts";

export { type Executor, type LaneUsage, type Model, MODELS } from "./model.ts";

const GRACE_MS = 250;
const LIMITED_SLOTS = 5;
/** More lanes than any machine has use for: threads and subprocesses take megabytes each. */
const MAX_LANES = 4096;
/** Each slot of a thread takes a place in the memory that it shares with this one. */
const MAX_WORKER_SLOTS = 65_536;

class PooledExecutor implements Executor {
  readonly model: Model;
  readonly lanes: number;
  readonly slots: number;
  readonly #pool: LanePool;

  constructor(
    model: Model,
    size: { lanes?: number | undefined; slots?: number | undefined; graceMs?: number | undefined },
    makeLane: LaneFactory,
  ) {
    const { lanes = navigator.hardwareConcurrency, slots = 1, graceMs = GRACE_MS } = size;
    checkCount(model, "lanes", lanes, MAX_LANES);
    checkCount(model, "slots", slots, model === "workers" ? MAX_WORKER_SLOTS : Infinity);
    const isTime = typeof graceMs === "number" && graceMs >= 0;
    check(model, "graceMs", graceMs, isTime, "a number of milliseconds from 0");
    this.model = model;
    this.lanes = lanes;
    this.slots = slots;
    this.#pool = new LanePool({ lanes, slots, graceMs, makeLane });
  }

  map<Item, Result>(
    task: Task<Item, Result>,
    items: Items<Item>,
    options?: MapOptions,
  ): Results<Result> {
    return startRun(this.#pool, task, items, options, true) as Results<Result>;
  }

  mapSettled<Item, Result>(
    task: Task<Item, Result>,
    items: Items<Item>,
    options?: MapOptions,
  ): Results<Outcome<Result>> {
    return startRun(this.#pool, task, items, options, false) as Results<Outcome<Result>>;
  }

  ready(task?: Task): Promise<void> {
    return this.#pool.openAll(task);
  }

  usage(): Promise<LaneUsage[]> {
    return Promise.all(
      this.#pool.seats.filter((seat) => seat.lane !== undefined).map(async (seat) => ({
        lane: seat.number,
        startMs: seat.startMs ?? 0,
        ...await seat.lane!.usage(),
      })),
    );
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function checkCount(model: Model, name: string, value: unknown, most: number): void {
  const isCount = Number.isSafeInteger(value) && value as number >= 1 && value as number <= most;
  const wanted = most === Infinity ? "a whole number from 1" : `a whole number from 1 to ${most}`;
  check(model, name, value, isCount || value === most, wanted);
}

function check(model: Model, name: string, value: unknown, holds: boolean, wanted: string): void {
  if (!holds) {
    throw new RangeError(
      `Cannot open ${model}(): ${name} must be ${wanted}, but is ${String(value)}`,
    );
  }
}

/**
 * One task after another in this event loop: the plain loop that all others are measured against.
 *
 * @param options How long a task that ignores its deadline is waited for.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { sequential } from "./executor.ts";
 * import { task } from "./lanes/task.ts";
 *
 * const double = task<{ default: (n: number) => number }>("data:text/javascript,export default (n) => 2 * n");
 * await using executor = sequential();
 * console.log(await executor.map(double, [1, 2, 3]).toArray()); // [2, 4, 6]
 * ```
 */
export function sequential(options: EventLoopOptions = {}): Executor {
  return eventLoop("sequential", { ...options, slots: 1 });
}

/**
 * All tasks at once in this event loop, as `Promise.all` does it. For tasks that wait; for many items,
 * {@linkcode limited} is kinder to whoever answers.
 *
 * @param options How long a task that ignores its deadline is waited for.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { concurrent } from "./executor.ts";
 * import { task } from "./lanes/task.ts";
 *
 * const slow = task<{ default: (n: number) => Promise<number> }>(
 *   "data:text/javascript,export default (n) => new Promise((done) => setTimeout(done, 5, n))",
 * );
 * await using executor = concurrent();
 * console.log(await executor.map(slow, [1, 2, 3]).toArray()); // [1, 2, 3], after 5 ms
 * ```
 */
export function concurrent(options: EventLoopOptions = {}): Executor {
  return eventLoop("concurrent", { ...options, slots: Infinity });
}

/**
 * At most so many tasks at once in this event loop.
 *
 * @param options How many slots; 5 unless given.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { limited } from "./executor.ts";
 *
 * await using executor = limited({ slots: 8 });
 * console.log(executor.lanes, executor.slots); // 1 8
 * ```
 */
export function limited(options: LimitedOptions = {}): Executor {
  return eventLoop("limited", { ...options, slots: options.slots ?? LIMITED_SLOTS });
}

function eventLoop(
  model: Model,
  options: { readonly slots: number; readonly graceMs?: number },
): Executor {
  const size = { lanes: 1, slots: options.slots, graceMs: options.graceMs };
  return new PooledExecutor(model, size, (_number, events) => new EventLoopLane(events));
}

/**
 * Tasks in worker threads: for tasks that compute, or that must not hold up this event loop.
 *
 * @param options How many threads, slots on each, and what they may do.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { workers } from "./executor.ts";
 * import { task } from "./lanes/task.ts";
 *
 * const double = task<{ default: (n: number) => number }>("data:text/javascript,export default (n) => 2 * n");
 * await using executor = workers({ lanes: 2 });
 * console.log(await executor.map(double, [1, 2, 3]).toArray()); // [2, 4, 6]
 * ```
 */
export function workers(options: WorkersOptions = {}): Executor {
  const { slots = 1, permissions } = options;
  return new PooledExecutor(
    "workers",
    options,
    (number, events, tasks) =>
      new WorkerLane(events, { number, slots, tasks, ...(permissions && { permissions }) }),
  );
}

/**
 * Tasks in subprocesses: for tasks that compute and may crash, run out of memory or never end, or
 * that must be kept from touching anything.
 *
 * @param options How many subprocesses, slots on each, and what they may touch.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { processes } from "./executor.ts";
 * import { task } from "./lanes/task.ts";
 *
 * const double = task<{ default: (n: number) => number }>("data:text/javascript,export default (n) => 2 * n");
 * await using executor = processes({ lanes: 2 });
 * console.log(await executor.map(double, [1, 2, 3]).toArray()); // [2, 4, 6]
 * ```
 */
export function processes(options: ProcessesOptions = {}): Executor {
  const { slots = 1, lanes: _, graceMs: __, ...child } = options;
  return new PooledExecutor(
    "processes",
    options,
    (_number, events, tasks) => new SubprocessLane(events, { ...child, slots, tasks }),
  );
}
