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

const NPM_POOLS = [
  ["piscina", "piscina.ts", packages.PISCINA],
  ["tinypool", "tinypool.ts", packages.TINYPOOL],
  ["poolifier", "poolifier.ts", packages.POOLIFIER],
  ["workerpool", "workerpool.ts", packages.WORKERPOOL],
  ["jest-worker", "jest_worker.ts", packages.JEST_WORKER],
] as const;

function npmPools(mode: "one" | "all", items: number, aim: Aim): Contender[] {
  return NPM_POOLS.map(([name, file, specifier]) => ({
    name: `${name} ${specifier.split("@")[1]}`,
    ...npmPool(file, specifier, mode, items, DEPTH),
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
      ...npmPools("all", 20_000, { of: "ratio", atLeast: 50 }),
    ],
  }, {
    family,
    title: "no-op round trips to a worker lane, one at a time",
    unit: EACH_US,
    ours: ours("workers({ lanes: 1 }), chunk 1", 5_000, "workers", 1, 1, 1, 500),
    peers: npmPools("one", 5_000, { of: "ratio", atMost: 1 }),
  }, {
    family,
    title: `no-op round trips to two worker lanes, ${DEPTH} in flight on each`,
    unit: rate,
    ours: ours(`workers({ slots: ${DEPTH} }), chunk 1`, 20_000, "workers", 2, DEPTH, 1, 2_000),
    peers: npmPools("all", 20_000, { of: "ratio", atLeast: 1 }),
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
