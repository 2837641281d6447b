/**
 * A simulation of a cluster with many lanes: the dispatcher's own batch sizes, a submitter and a server that
 * need a fixed time for each batch, one after another, and lanes that wait for both.
 * lib/lanes/cluster/README.md quotes it; `deno run tests/lanes/cluster/scale.ts` prints its table.
 */

import { BinaryHeap } from "@std/data-structures/binary-heap";
import { BatchSize } from "../../../lib/dispatch/batch_size.ts";

/** The measured cost of a batch in milliseconds: CPU time of submitter and server, and the round trip. */
export const COSTS = { submitterMs: 0.11, serverMs: 0.065, wayMs: 1 } as const;

export interface Scale {
  readonly lanes: number;
  /** How long each task takes, in milliseconds. */
  readonly itemMs: number;
  /** How many batches are simulated. */
  readonly batches?: number;
  readonly chunk?: number | "auto";
}

export interface Scaled {
  readonly itemsPerSecond: number;
  readonly batchesPerSecond: number;
  /** The share of their time that the lanes, the submitter and the server work, 0 to 1. */
  readonly lanesBusy: number;
  readonly submitterBusy: number;
  readonly serverBusy: number;
}

/** The limits of a cluster's batches. */
const LIMITS = { targetMs: 10, firstItems: 1, mostItems: 16_384, aheadBelowMs: 1000 };

/** Room for a batch on a lane, and when it becomes free. */
interface Room {
  readonly lane: number;
  readonly fromMs: number;
}

/** Simulates the middle of a long job, without its start and end. */
export function simulate({ lanes, itemMs, batches = 40 * lanes, chunk = "auto" }: Scale): Scaled {
  const size = new BatchSize(chunk, LIMITS);
  size.learn(1, itemMs);
  // Each lane has room for the batch that runs and for those that wait behind it.
  const rooms = new BinaryHeap<Room>((a, b) => a.fromMs - b.fromMs);
  const freeMs = { submitter: 0, server: 0, lanes: new Float64Array(lanes) };
  for (let room = 0; room < lanes * (1 + size.ahead(false)); room++) {
    rooms.push({ lane: room % lanes, fromMs: 0 });
  }
  const take = (who: "submitter" | "server", fromMs: number, costMs: number) =>
    freeMs[who] = Math.max(freeMs[who], fromMs) + costMs;
  let [items, endMs] = [0, 0];
  for (let batch = 0; batch < batches; batch++) {
    const count = size.next(undefined, lanes);
    const { lane, fromMs } = rooms.pop()!;
    const sentMs = take("submitter", fromMs, COSTS.submitterMs);
    const thereMs = take("server", sentMs, COSTS.serverMs) + COSTS.wayMs / 2;
    const workMs = count * itemMs;
    const doneMs = Math.max(thereMs, freeMs.lanes[lane]!) + workMs;
    freeMs.lanes[lane] = doneMs;
    size.learn(count, workMs);
    rooms.push({ lane, fromMs: doneMs + COSTS.wayMs / 2 });
    items += count;
    endMs = Math.max(endMs, doneMs);
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
