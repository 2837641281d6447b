/**
 * Runs a job's first items from last to first. Whether the results are the same tells whether a task's
 * result depends on which tasks ran before it. It runs in a probe's process and imports no npm package.
 *
 * @module
 */

import type { Items } from "../../dispatch/options.ts";
import type { Outcome } from "../../dispatch/outcome.ts";
import type { Given } from "../../lanes/lane_tasks.ts";
import { plainContext } from "../../lanes/plain_context.ts";
import type { TaskFunction } from "../../lanes/task.ts";
import { checksumOf } from "../../timing/checksum.ts";
import { ItemPuller } from "./item_puller.ts";

/**
 * Runs the first items one by one, from last to first.
 *
 * @returns The checksum of their results, in the order of items, so that it equals that of a run forwards
 * if the order didn't matter.
 */
export async function backwardsChecksum(
  items: Items<unknown>,
  count: number,
  task: TaskFunction,
  given?: Given,
): Promise<string> {
  const puller = new ItemPuller(items);
  const first = await puller.pull(count);
  const outcomes: Outcome<unknown>[] = [];
  const { signal } = new AbortController();
  const at = { lane: 0, attempts: 1, queuedAtMs: 0, startedAtMs: 0, endedAtMs: 0 };
  for (let index = first.length - 1; index >= 0; index--) {
    try {
      const value = await task(first[index], plainContext(index, signal, given));
      outcomes.push({ ...at, index, status: "fulfilled", value });
    } catch (reason) {
      outcomes.push({ ...at, index, status: "rejected", ended: "failed", reason });
    }
  }
  await puller.close();
  return await checksumOf(outcomes);
}
