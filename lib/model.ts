/**
 * What every concurrency model's executor can do.
 *
 * @module
 */

import type { Items, MapOptions } from "./dispatch/options.ts";
import type { Outcome } from "./dispatch/outcome.ts";
import type { Results } from "./dispatch/output.ts";
import type { Task } from "./lanes/task.ts";

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
