/**
 * Puts a run together from what the caller gave.
 *
 * @module
 */

import type { Task } from "../lanes/task.ts";
import type { Items, MapOptions } from "./options.ts";
import { Outlet } from "./outlet.ts";
import type { LanePool } from "./pool.ts";
import type { Results } from "./results.ts";
import { Run } from "./run.ts";
import { outcomeAt, valueAt } from "./segment.ts";
import { settleOptions } from "./settled_options.ts";
import { Source } from "./source.ts";

/**
 * Prepares a run; it starts when its first result is asked for.
 *
 * @param pool The lanes to run on.
 * @param task The task.
 * @param items Its items.
 * @param options How to run it.
 * @param failFast Whether results are values, and the first rejection ends the run; otherwise they
 * are outcomes.
 * @returns The results to come.
 * @throws {RangeError} If an option is out of its range.
 * @throws {TypeError} If `items` can't be iterated, or `task` is not named by module and export.
 *
 * @example
 * ```ts
 * import { EventLoopLane } from "../lanes/event_loop.ts";
 * import { task } from "../lanes/task.ts";
 * import { LanePool } from "./pool.ts";
 * import { startRun } from "./start_run.ts";
 *
 * const double = task<{ default: (n: number) => number }>(
 *   "data:text/javascript,export default (n) => 2 * n",
 * );
 * const pool = new LanePool({
 *   lanes: 1,
 *   slots: 1,
 *   graceMs: 100,
 *   makeLane: (_number, events) => new EventLoopLane(events),
 * });
 * console.log(await startRun(pool, double, [1, 2, 3], {}, true).toArray()); // [2, 4, 6]
 * await pool.close();
 * ```
 */
export function startRun(
  pool: LanePool,
  task: Task,
  items: Items<unknown>,
  options: MapOptions | undefined,
  failFast: boolean,
): Results<unknown> {
  checkTask(task);
  const settled = settleOptions(options);
  const run = new Run({ pool, task, source: new Source(items), options: settled, failFast });
  const outlet = new Outlet<unknown>(run, settled.order, failFast ? valueAt : outcomeAt);
  run.outlet = outlet;
  return outlet;
}

function checkTask(task: unknown): void {
  const { module, export: name } = (task ?? {}) as Partial<Record<keyof Task, unknown>>;
  if (typeof module === "string" && URL.canParse(module) && typeof name === "string") return;
  const what = typeof task === "function"
    ? "a function, which can't travel to another lane"
    : module === undefined
    ? String(task)
    : `of module ${JSON.stringify(module)} and export ${JSON.stringify(name)}`;
  throw new TypeError(
    `Cannot map: task must be named by an absolute module URL and an export, but is ${what}; ` +
      `use task(new URL("./my_task.ts", import.meta.url))`,
  );
}
