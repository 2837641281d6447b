/**
 * What one `map` is made of.
 *
 * @module
 */

import type { Task } from "../lanes/task.ts";
import type { LanePool } from "./pool.ts";
import type { SettledOptions } from "./settled_options.ts";
import type { Source } from "./source.ts";

/** What a run is made of. */
export interface RunParts {
  /** The lanes to run on, shared with the executor's other runs. */
  readonly pool: LanePool;
  /** What to run. */
  readonly task: Task;
  /** The input. */
  readonly source: Source;
  /** How to run it. */
  readonly options: SettledOptions;
  /** Whether the first rejection ends the run. */
  readonly failFast: boolean;
}
