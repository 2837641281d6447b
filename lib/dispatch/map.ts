/** Puts a run together from what the caller gave. */

import { checkedTask } from "./checked_task.ts";
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
 * @param given The task: named by module and export, or a function where tasks don't travel.
 * @throws {RangeError} If an option is out of its range.
 * @throws {TypeError} If `items` can't be iterated, or `task` is not named by module and export.
 */
export function startMap(
  { pool, unused }: MapHost,
  given: unknown,
  items: Items<unknown>,
  options: MapOptions<never> | undefined,
  failFast: boolean,
): Results<unknown> {
  const task = checkedTask(given, "map", pool.options.remote);
  const checked = checkOptions(options);
  const run = new Run({ pool, task, items, options: checked, failFast });
  const output = new Output<unknown>(run, checked.order, failFast ? valueAt : outcomeAt);
  run.output = output;
  run.onUsed = unused.watch(output, failFast ? "map" : "mapSettled");
  return output;
}
