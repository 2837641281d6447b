/**
 * Where a job's time goes, as data: what reports are made from.
 *
 * @module
 */

import type { FlameBar } from "./flame.ts";
import type { HotFunction, TimeByFunction } from "./hot_functions.ts";

/** Where a job's time goes. */
export interface JobProfile {
  /** How many tasks were run for it. */
  readonly tasks: number;
  /** How long they ran, waits counted in, in milliseconds. */
  readonly tasksMs: number;
  /** How often a function was seen running. */
  readonly samples: number;
  /** By owner. */
  readonly shares: TimeByFunction["shares"];
  /** What the runtime did, the greatest share first. */
  readonly deeds: TimeByFunction["deeds"];
  /** The functions that matter, the greatest share first. */
  readonly functions: readonly HotFunction[];
  /** The calls, as the bars of a flame graph. */
  readonly flame: readonly FlameBar[];
}

/** Why there is no profile, in half a sentence. */
export interface NoProfile {
  /** Such as "no time was left". */
  readonly missing: string;
}

/** A job's profile, or why there is none. */
export type Profiled = JobProfile | NoProfile;
