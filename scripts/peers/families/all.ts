/**
 * All contests, by family.
 *
 * @module
 */

import { type Contest, FAMILIES, type Family, type Ground } from "../harness/contest.ts";
import { bare } from "./bare.ts";
import { cpu } from "./cpu.ts";
import { io } from "./io.ts";
import { lanes } from "./lanes.ts";
import { pools } from "./pools.ts";

const CONTESTS: Readonly<Record<Family, (ground: Ground) => Contest[]>> = {
  pools: (ground) => [...pools(ground), ...bare(ground)],
  io,
  cpu,
  lanes,
};

/**
 * Lists the contests of some families.
 *
 * @param only Which families; they come in their own order, not in this one.
 * @param ground What the contests need to know of the machine.
 * @returns The contests.
 *
 * @example
 * ```ts
 * import { contestsOf } from "./all.ts";
 *
 * const page = { fastUrl: "", slowUrl: "", bytes: 0 };
 * console.log(contestsOf(["lanes"], { python: undefined, page }).length); // 2
 * ```
 */
export function contestsOf(only: readonly Family[], ground: Ground): Contest[] {
  return FAMILIES.filter((family) => only.includes(family))
    .flatMap((family) => CONTESTS[family](ground));
}
