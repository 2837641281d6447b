/** Batches for tests of lanes. */

import type { LaneBatch, LaneSettings } from "../../lib/lanes/lane.ts";
import type { Task } from "../../lib/lanes/task.ts";

/** A task that needs no file and ends at once. */
export const DOUBLE: Task = {
  module: "data:text/javascript,export default (n) => 2 * n",
  export: "default",
};

/** The fields of a batch and its settings that a test can set. */
export type BatchOptions = Partial<Omit<LaneBatch, "settings"> & LaneSettings>;

/** A batch of these items, the first with index 10; all other fields have the simplest value by default. */
export function batchOf(items: readonly unknown[], options: BatchOptions = {}): LaneBatch {
  const { timeoutMs = Infinity, timed = false, giveBackMs = Infinity, ...further } = options;
  const { transfer = false, movesItems = false, fidelity = "as sent", ...more } = further;
  const { mostBytes = Infinity, ...rest } = more;
  return {
    task: DOUBLE,
    firstIndex: 10,
    items,
    attempt: 1,
    settings: { timeoutMs, timed, giveBackMs, transfer, movesItems, fidelity, mostBytes },
    tellsStarts: false,
    sentAtMs: 0,
    sentCount: 0,
    sentBytes: 0,
    moved: false,
    laneState: undefined,
    ...rest,
  };
}

/** Waits until everything has happened that only waits for promises. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await undefined;
}
