/**
 * The models whose lane is this event loop, with all that they need. That is half of the library's code, so a
 * short program that imports from here, instead of from `mod.ts`, takes three quarters of the time.
 *
 * @module
 */

import {
  type EventLoopExecutor,
  type LimitedExecutor,
  loopLanes,
  modelSize,
  PooledExecutor,
} from "./executor.ts";
import type { EventLoopOptions, LimitedOptions } from "./executor_options.ts";
import type { Model } from "./models.ts";

/**
 * One task after another in this event loop: the plain loop that all others are measured against.
 *
 * @param options How long to wait for a task that ignores its deadline, and what all executors accept.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { sequential, task } from "./mod.ts";
 *
 * const double = task<{ default: (n: number) => number }>("data:text/javascript,export default (n) => 2 * n");
 * await using executor = sequential();
 * console.log(await executor.map(double, [1, 2, 3]).toArray()); // [2, 4, 6]
 * ```
 */
export function sequential(options: EventLoopOptions = {}): EventLoopExecutor {
  return eventLoop("sequential", options);
}

/**
 * All tasks at once in this event loop, as `Promise.all` does it. For tasks that wait; with many items,
 * {@linkcode limited} puts less load on the server that answers them.
 *
 * @param options How long to wait for a task that ignores its deadline, and what all executors accept.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { concurrent, task } from "./mod.ts";
 *
 * const slow = task<{ default: (n: number) => Promise<number> }>(
 *   "data:text/javascript,export default (n) => new Promise((done) => setTimeout(done, 5, n))",
 * );
 * await using executor = concurrent();
 * console.log(await executor.map(slow, [1, 2, 3]).toArray()); // [1, 2, 3], after 5 ms
 * ```
 */
export function concurrent(options: EventLoopOptions = {}): EventLoopExecutor {
  return eventLoop("concurrent", options);
}

/**
 * A limited number of tasks at once in this event loop.
 *
 * @param options How many slots; 5 unless given.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { limited } from "./mod.ts";
 *
 * await using executor = limited({ slots: 8 });
 * console.log(executor.lanes, executor.slots); // 1 8
 * ```
 */
export function limited(options: LimitedOptions = {}): LimitedExecutor {
  return eventLoop("limited", options);
}

function eventLoop(model: Model, options: LimitedOptions): LimitedExecutor {
  const size = modelSize(model, options);
  return new PooledExecutor(model, options, size, { makeLane: loopLanes(options, size) });
}

// What else these executors need, and types that all executors have in common.
export type { Key } from "./dispatch/batch.ts";
export type { RunningTask } from "./dispatch/in_flight.ts";
export type {
  Items,
  MapOptions,
  PerKey,
  Progress,
  Rate,
  RetryIn,
  RetryOptions,
  RunOptions,
} from "./dispatch/map_options.ts";
export type {
  Ending,
  Fulfilled,
  Outcome,
  Rejected,
  Results,
  Settlement,
} from "./dispatch/output.ts";
export type {
  EventLoopExecutor,
  Executor,
  LaneUsage,
  LimitedExecutor,
  LocalTask,
} from "./executor.ts";
// The options of each.
export type * from "./executor_options.ts";
export {
  AbandonedError,
  CancelledError,
  CloneError,
  CrashedError,
  LaneStartError,
  QueueFullError,
  RetryAfterError,
  TaskLoadError,
  TeardownError,
  TimeoutError,
} from "./lanes/errors.ts";
export type { Device } from "./lanes/lane.ts";
export type { LanePermissions } from "./lanes/permissions.ts";
export {
  type Arrived,
  type GivenAs,
  type ItemOf,
  type Kernel,
  type KernelItem,
  type ResourceOf,
  type ResultOf,
  type SetupContext,
  type Task,
  task,
  type TaskContext,
  type TaskFunction,
  type TaskName,
} from "./lanes/task.ts";
export { type Model, MODELS } from "./models.ts";
