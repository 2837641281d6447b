/**
 * A simulation of a cluster of many lanes: the dispatcher's own batch sizes, a submitter and a server that
 * take so long for each batch, one after another, and lanes that wait until both had time for them.
 * lib/lanes/cluster/README.md quotes it; `deno run tests/lanes/cluster/scale.ts` prints its table.
 */

import { BinaryHeap } from "@std/data-structures/binary-heap";
import { BatchSize } from "../../../lib/dispatch/batch.ts";

/** What a batch costs, as measured: CPU time of the submitter, of the server, and the way there and back. */
export const COSTS = { submitterMs: 0.15, serverMs: 0.13, wayMs: 1 } as const;

export interface Scale {
  readonly lanes: number;
  /** How long each task takes. */
  readonly itemMs: number;
  /** Batches that are simulated. */
  readonly batches?: number;
  readonly chunk?: number | "auto";
}

export interface Scaled {
  readonly itemsPerSecond: number;
  readonly batchesPerSecond: number;
  /** How much of their time the lanes, the submitter and the server work, 0 to 1. */
  readonly lanesBusy: number;
  readonly submitterBusy: number;
  readonly serverBusy: number;
}

/** Simulates the middle of a long job. */
export function simulate({ lanes, itemMs, batches = 40 * lanes, chunk = "auto" }: Scale): Scaled {
  const limits = { targetMs: 10, firstItems: 1, mostItems: 16_384 };
  const size = new BatchSize(chunk, limits);
  const free = new BinaryHeap<number>((a, b) => a - b);
  free.push(...new Array<number>(lanes).fill(0));
  const freeMs = { submitter: 0, server: 0 };
  const take = (who: keyof typeof freeMs, fromMs: number, costMs: number) =>
    freeMs[who] = Math.max(freeMs[who], fromMs) + costMs;
  let [items, endMs] = [0, 0];
  for (let batch = 0; batch < batches; batch++) {
    const count = size.next(undefined, lanes);
    const sentMs = take("submitter", free.pop()!, COSTS.submitterMs);
    const startMs = take("server", sentMs, COSTS.serverMs) + COSTS.wayMs / 2;
    const workMs = count * itemMs;
    size.learn(count, workMs);
    free.push(startMs + workMs + COSTS.wayMs / 2);
    items += count;
    endMs = Math.max(endMs, startMs + workMs);
  }
  return {
    itemsPerSecond: 1000 * items / endMs,
    batchesPerSecond: 1000 * batches / endMs,
    lanesBusy: items * itemMs / (lanes * endMs),
    submitterBusy: batches * COSTS.submitterMs / endMs,
    serverBusy: batches * COSTS.serverMs / endMs,
  };
}

if (import.meta.main) {
  const percent = (share: number) => `${Math.round(100 * share)}%`.padStart(4);
  console.log("lanes  task  items/s  batches/s  lanes busy  submitter  server");
  for (const lanes of [10, 100, 1000]) {
    for (const itemMs of [0.001, 1, 10, 100, 1000]) {
      const of = simulate({ lanes, itemMs });
      console.log(
        String(lanes).padStart(5),
        `${itemMs} ms`.padStart(8),
        of.itemsPerSecond.toFixed(0).padStart(10),
        of.batchesPerSecond.toFixed(0).padStart(6),
        percent(of.lanesBusy),
        percent(of.submitterBusy),
        percent(of.serverBusy),
      );
    }
  }
}
