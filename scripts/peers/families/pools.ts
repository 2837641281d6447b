/**
 * Contests of pools: what it costs to hand a task to a lane and to get its result back.
 *
 * @module
 */

import {
  type Aim,
  type Contender,
  type Contest,
  EACH_US,
  type Ground,
  perSecond,
} from "../harness/contest.ts";
import { npmPool, own, python } from "../harness/programs.ts";
import * as packages from "../packages.ts";
import { sumOfNumbers } from "./sums.ts";

/** In flight on each of two lanes, of ours and of the pools that take it. */
const DEPTH = 64;

/**
 * Name, program, package, and the depth at which one at a time goes best: piscina's threads wait in
 * shared memory only while they may hold no second task; tinypool hangs on Deno with a depth of 1.
 */
const NPM_POOLS = [
  ["piscina", "piscina.ts", packages.PISCINA, 1],
  ["tinypool", "tinypool.ts", packages.TINYPOOL, DEPTH],
  ["poolifier", "poolifier.ts", packages.POOLIFIER, DEPTH],
  ["workerpool", "workerpool.ts", packages.WORKERPOOL, 1],
  ["jest-worker", "jest_worker.ts", packages.JEST_WORKER, 1],
] as const;

function npmPools(mode: "one" | "all", items: number, aim: Aim): Contender[] {
  return NPM_POOLS.map(([name, file, specifier, depth]) => ({
    name: `${name} ${specifier.split("@")[1]}`,
    ...npmPool(file, specifier, mode, items, mode === "one" ? depth : DEPTH),
    items,
    sum: sumOfNumbers(items),
    aim,
  }));
}

function pythonPool(ground: Ground, aim?: Aim): Contender {
  const items = 2_000_000;
  return {
    name: `multiprocessing.Pool(2).map, Python ${ground.python?.version ?? "3"}`,
    ...python(ground, undefined, "python_pool.py", items),
    items,
    sum: sumOfNumbers(items),
    ...(aim && { aim }),
  };
}

function ours(name: string, items: number, ...args: (string | number)[]): Contender {
  const [model = "", ...rest] = args;
  return {
    name,
    launch: own("ours_noop.ts", model, items, ...rest),
    items,
    sum: sumOfNumbers(items),
  };
}

/**
 * The contests of pools that pass no-op items.
 *
 * @param ground What they need to know of the machine.
 * @returns The contests.
 *
 * @example
 * ```ts
 * import { pools } from "./pools.ts";
 *
 * const page = { fastUrl: "", slowUrl: "", bytes: 0 };
 * console.log(pools({ python: undefined, page })[0]?.unit.label); // "items/s"
 * ```
 */
export function pools(ground: Ground): Contest[] {
  const family = "pools";
  const rate = perSecond("items");
  const bulk = 4_000_000;
  return [{
    family,
    title: "no-op items on two worker lanes, in chunks",
    unit: rate,
    ours: ours("workers({ lanes: 2 })", bulk, "workers", 2, 1, "auto", bulk / 4),
    peers: [
      pythonPool(ground, { of: "ratio", atLeast: 1 }),
      ...npmPools("all", 10_000, { of: "ratio", atLeast: 50 }),
    ],
  }, {
    family,
    title: "no-op round trips to a worker lane, one at a time",
    unit: EACH_US,
    ours: ours("workers({ lanes: 1 }), chunk 1", 3_000, "workers", 1, 1, 1, 300),
    peers: npmPools("one", 3_000, { of: "ratio", atMost: 1 }),
  }, {
    family,
    title: `no-op round trips to two worker lanes, ${DEPTH} in flight on each`,
    unit: rate,
    ours: ours(`workers({ slots: ${DEPTH} }), chunk 1`, 10_000, "workers", 2, DEPTH, 1, 1_000),
    peers: npmPools("all", 10_000, { of: "ratio", atLeast: 1 }),
  }, {
    family,
    title: "no-op items on two process lanes, in chunks",
    unit: rate,
    ours: {
      ...ours("processes({ lanes: 2 })", bulk, "processes", 2, 1, "auto", bulk / 4),
      aim: { of: "figure", atLeast: 5e6 },
    },
    peers: [pythonPool(ground)],
  }];
}
