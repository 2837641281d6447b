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
import { EventLoopLane } from "./lanes/event_loop.ts";
import { SubprocessLane } from "./lanes/subprocess.ts";
import type { LanePermissions } from "./lanes/subprocess_permissions.ts";
import type { Task } from "./lanes/task.ts";
import { WorkerLane } from "./lanes/worker.ts";

/** The names of the concurrency models that run on this machine, simplest first. */
export const MODELS = ["sequential", "concurrent", "limited", "workers", "processes"] as const;

/** The name of a concurrency model. */
export type Model = typeof MODELS[number];

/** What one lane used, as far as it could be told. */
export interface LaneUsage {
  /** The lane's number, from 0. */
  readonly lane: number;
  /** How long it took from being asked for until it could take tasks, in milliseconds. */
  readonly startMs: number;
  /** CPU time of the lane's own thread or process; undefined where it can't be told apart. */
  readonly cpuMs: number | undefined;
  /** Peak resident memory of the lane's own process; undefined where it shares the caller's. */
  readonly peakRssBytes: number | undefined;
}

/** Runs tasks under one concurrency model. */
export interface Executor extends AsyncDisposable {
  /** The model's name. */
  readonly model: Model;
  /** How many lanes there are at most: parallelism. */
  readonly lanes: number;
  /** How many tasks each lane has in flight at most: concurrency. Infinity under `concurrent`. */
  readonly slots: number;
  /**
   * Runs `task` on every item and gives its values; fails with the first failure and stops the rest.
   */
  map<Item, Result>(
    task: Task<Item, Result>,
    items: Items<Item>,
    options?: MapOptions,
  ): Results<Result>;
  /** Runs `task` on every item and gives an outcome for each, whatever became of it. */
  mapSettled<Item, Result>(
    task: Task<Item, Result>,
    items: Items<Item>,
    options?: MapOptions,
  ): Results<Outcome<Result>>;
  /** Starts every lane now instead of when it is first needed, and waits until all can take tasks. */
  ready(task?: Task): Promise<void>;
  /** What each lane has used so far. */
  usage(): Promise<LaneUsage[]>;
  /** Stops everything and leaves nothing behind. The same as leaving an `await using` block. */
  close(): Promise<void>;
}

/** How an executor in this event loop is opened. */
export interface EventLoopOptions {
  /** How long a task that was asked to stop may go on before it is given up; default 250 ms. */
  readonly graceMs?: number;
}

/** How {@linkcode limited} is opened. */
export interface LimitedOptions extends EventLoopOptions {
  /** Tasks in flight at most; default 5. */
  readonly slots?: number;
}

/** How {@linkcode workers} is opened. */
export interface WorkersOptions {
  /** Threads; default one for each core. */
  readonly lanes?: number;
  /** Tasks in flight on each thread at most; default 1. */
  readonly slots?: number;
  /** How long a task that was asked to stop may go on before its thread is ended; default 250 ms. */
  readonly graceMs?: number;
  /**
   * Narrower permissions for the threads. Needs `--unstable-worker-options`; by default they have
   * those of the program, because without that flag Deno can't narrow them.
   */
  readonly permissions?: Deno.PermissionOptions;
}

/** How {@linkcode processes} is opened. */
export interface ProcessesOptions {
  /** Subprocesses; default one for each core. */
  readonly lanes?: number;
  /** Tasks in flight on each subprocess at most; default 1. */
  readonly slots?: number;
  /** How long a task that was asked to stop may go on before its process is killed; default 250 ms. */
  readonly graceMs?: number;
  /** What the tasks may touch; nothing by default. Their own modules need no permission. */
  readonly permissions?: LanePermissions;
  /** Flags for each child's V8, such as `"--max-old-space-size=256"`. */
  readonly v8Flags?: readonly string[];
  /**
   * The deno.json that the tasks' imports go by; by default the one nearest to the first task's
   * module, if this program may read there.
   */
  readonly config?: string;
  /** What becomes of what tasks print: shown on this program's stderr, the default, or only kept for errors. */
  readonly stderr?: "show" | "keep";
  /**
   * Whether SIGINT, SIGTERM and SIGHUP end this program, after killing the subprocesses; default true.
   * Pass false if the program handles these signals itself, and close the executor then.
   */
  readonly exitOnSignal?: boolean;
}

const GRACE_MS = 250;

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
    check(
      model,
      "lanes",
      lanes,
      Number.isSafeInteger(lanes) && lanes >= 1,
      "a whole number from 1",
    );
    const isCount = slots === Infinity || (Number.isSafeInteger(slots) && slots >= 1);
    check(model, "slots", slots, isCount, "a whole number from 1");
    check(model, "graceMs", graceMs, graceMs >= 0, "a number of milliseconds from 0");
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

function check(model: Model, name: string, value: unknown, holds: boolean, wanted: string): void {
  if (!holds) {
    throw new RangeError(`Cannot open ${model}(): ${name} must be ${wanted}, but is ${value}`);
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
  return eventLoop("limited", { slots: 5, ...options });
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
    (number, events) =>
      new WorkerLane(events, { number, slots, ...(permissions ? { permissions } : {}) }),
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
