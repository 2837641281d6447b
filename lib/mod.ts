/**
 * Lanes: runs the same task under every concurrency model there is.
 *
 * Slots are concurrency, lanes are parallelism.
 *
 * @example Downloads with five slots
 * ```ts
 * import { limited, task } from "./mod.ts";
 *
 * const shout = task<{ default: (s: string) => string }>(
 *   "data:text/javascript,export default (s) => s.toUpperCase()",
 * );
 * await using executor = limited({ slots: 5 });
 * for await (const word of executor.map(shout, ["lanes", "slots"])) console.log(word);
 * ```
 *
 * @module
 */

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
export type { Decision, Why } from "./adaptive/controller.ts";
export type { Figures, Shape } from "./adaptive/watch.ts";
// A function for each model.
export * from "./open.ts";
export type {
  AutoExecutor,
  EventLoopExecutor,
  Executor,
  LaneUsage,
  LimitedExecutor,
  LocalTask,
  Recommended,
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
