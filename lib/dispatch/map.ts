/**
 * Puts a run together from what the caller gave.
 *
 * @module
 */

import { isLoadingProgram } from "../lanes/load_task.ts";
import type { Task } from "../lanes/task.ts";
import type { LanePool } from "./lane_pool.ts";
import { checkOptions, type Items, type MapOptions } from "./options.ts";
import { outcomeAt, valueAt } from "./outcome.ts";
import { Output, type Results } from "./output.ts";
import { Run } from "./run.ts";
import type { UnusedResults } from "./unused_results.ts";

/** Where runs are started. */
export interface MapHost {
  readonly pool: LanePool;
  readonly unused: UnusedResults;
}

/**
 * Prepares a run; it starts when its first result is asked for.
 *
 * @throws {RangeError} If an option is out of its range.
 * @throws {TypeError} If `items` can't be iterated, or `task` is not named by module and export.
 */
export function startMap(
  { pool, unused }: MapHost,
  task: Task,
  items: Items<unknown>,
  options: MapOptions | undefined,
  failFast: boolean,
): Results<unknown> {
  checkTask(task);
  if (isLoadingProgram()) {
    throw new TypeError(
      "Cannot map while this program is loaded in a lane, for a task of its own file: put what is " +
        "not to run there behind import.meta.main",
    );
  }
  const checked = checkOptions(options);
  const run = new Run({ pool, task, items, options: checked, failFast });
  const output = new Output<unknown>(run, checked.order, failFast ? valueAt : outcomeAt);
  run.output = output;
  run.onUsed = unused.watch(output, failFast ? "map" : "mapSettled");
  return output;
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
