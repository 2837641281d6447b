/** Batches to give to lanes. */

import type { LaneBatch, LaneSettings } from "../../lib/lanes/lane.ts";
import type { Task } from "../../lib/lanes/task.ts";

/** A task that needs no file and does nothing worth waiting for. */
export const DOUBLE: Task = {
  module: "data:text/javascript,export default (n) => 2 * n",
  export: "default",
};

/** What a batch can be told to be. */
export type BatchOptions = Partial<Omit<LaneBatch, "settings"> & LaneSettings>;

/** A batch of these items, the first of which is item 10; all else as plain as can be unless told. */
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

/** Lets everything happen that waits for nothing but promises. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await undefined;
}
