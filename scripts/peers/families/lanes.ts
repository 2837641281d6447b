/**
 * Contests of lanes: how soon one can take tasks.
 *
 * @module
 */

import { type Contest, EACH_MS } from "../harness/contest.ts";
import { own } from "../harness/programs.ts";

/**
 * The contests of lanes.
 *
 * @returns The contests.
 *
 * @example
 * ```ts
 * import { lanes } from "./lanes.ts";
 *
 * console.log(lanes().length); // 2
 * ```
 */
export function lanes(): Contest[] {
  const items = 10;
  const same = { items, sum: BigInt(items) };
  return [{
    family: "lanes",
    title: "from asking for a process lane until it can take tasks",
    unit: EACH_MS,
    ours: {
      name: "processes({ lanes: 1 }).ready()",
      launch: own("ours_start.ts", "processes", items),
      ...same,
    },
    peers: [{
      name: "bare deno run of an empty file",
      launch: own("bare_start.ts", items),
      ...same,
      aim: { of: "ratio", atMost: 1.5 },
    }],
  }, {
    family: "lanes",
    title: "from asking for a worker lane until it can take tasks",
    unit: EACH_MS,
    ours: {
      name: "workers({ lanes: 1 }).ready()",
      launch: own("ours_start.ts", "workers", items),
      ...same,
    },
    peers: [{
      name: "bare Worker that says it is there",
      launch: own("bare_worker.ts", items),
      ...same,
    }],
  }];
}
