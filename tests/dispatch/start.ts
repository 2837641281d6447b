/** Starts runs on a pool of fake lanes, and consumers that take all results. */

import type { LanePool } from "../../lib/dispatch/lane_pool.ts";
import { startMap } from "../../lib/dispatch/run.ts";
import type { Items, MapOptions } from "../../lib/dispatch/map_options.ts";
import { type Outcome, type Results, UnusedResults } from "../../lib/dispatch/output.ts";
import type { LaneBatch } from "../../lib/lanes/lane.ts";
import type { Task } from "../../lib/lanes/task.ts";
import { type FakeLane, type FakePool, type FakePoolOptions, poolOf } from "./fake_lane.ts";

/** A task for lanes that load nothing. */
export const FAKE_TASK: Task = { module: "fake:", export: "default" };

/** The same as an executor's `map`. */
export function map(
  pool: LanePool,
  items: Items<unknown>,
  options: MapOptions<never> = {},
  task: Task = FAKE_TASK,
): Results<unknown> {
  return startMap(pool, new UnusedResults(), { task, items, options, failFast: true });
}

/** The same as an executor's `mapSettled`. */
export function mapSettled(
  pool: LanePool,
  items: Items<unknown>,
  options: MapOptions<never> = {},
  task: Task = FAKE_TASK,
): Results<Outcome<unknown>> {
  const call = { task, items, options, failFast: false };
  const results = startMap(pool, new UnusedResults(), call);
  return results as Results<Outcome<unknown>>;
}

/** The results that a consumer has taken so far, and how its loop ended. */
export interface Taken<T> {
  readonly got: T[];
  end: "open" | "done" | "failed";
  error: unknown;
}

/** Takes all results, one after another. */
export function take<T>(results: Results<T>): Taken<T> {
  const taken: Taken<T> = { got: [], end: "open", error: undefined };
  (async () => {
    for await (const result of results) taken.got.push(result);
  })().then(() => taken.end = "done", (error) => {
    taken.end = "failed";
    taken.error = error;
  });
  return taken;
}

/** How each item ended, with its index, such as `3 cancelled`. */
export function endings(outcomes: readonly Outcome<unknown>[]): string[] {
  return outcomes.map((outcome) =>
    `${outcome.index} ${outcome.status === "fulfilled" ? "fulfilled" : outcome.ended}`
  );
}

/** A pool with its first lane. */
export interface OneLane extends FakePool {
  readonly lane: FakeLane;
  /** The batch of an item on that lane. */
  on(index: number): LaneBatch;
}

/** A pool of one lane with `slots` slots, which is open from the start. */
export function laneOf(slots: number, more: FakePoolOptions = {}): OneLane {
  const parts = poolOf({ slots, ...more });
  parts.pool.openAll(undefined, 1000).catch(() => {}); // the pool may be closed meanwhile
  const lane = parts.made[0]!;
  const on = (index: number): LaneBatch => {
    const found = lane.batches.find(({ firstIndex, items }) =>
      firstIndex <= index && index < firstIndex + items.length
    );
    if (found === undefined) throw new Error(`item ${index} is not on the lane`);
    return found;
  };
  return { ...parts, lane, on };
}

/** The indexes of the items on a lane. */
export function indexesOn(lane: FakeLane): number[] {
  return lane.batches.flatMap(({ firstIndex, items }) => items.map((_, at) => firstIndex + at));
}
