/**
 * A tree of calls as the bars of a flame graph.
 *
 * @module
 */

import { type Call, type CallTree, totalUs } from "./cpu_profile.ts";
import { deedOf, nameOf, type Owner, ownerOf, placeOf } from "./places.ts";

/** A bar: a call on top of the one that called it. */
export interface FlameBar {
  /** Such as "parse()". */
  readonly name: string;
  /** Whose function it is. */
  readonly owner: Owner;
  /** Such as "job.ts:12"; undefined for the runtime's. */
  readonly place?: string | undefined;
  /** How many calls lie below it. */
  readonly depth: number;
  /** Where it begins, as a share of all time. */
  readonly from: number;
  /** How long it is, as a share of all time. */
  readonly share: number;
}

/** What is narrower than this share can't be seen. */
const NARROWEST = 0.004;
/** More bars, and higher stacks of them, can't be read. */
const MOST_BARS = 300;
const DEEPEST = 24;

/** Lays out a tree. */
export function flameBars({ calls }: CallTree, folder: string): FlameBar[] {
  const all = calls.reduce((sum, call) => sum + totalUs(call), 0);
  if (all === 0) return [];
  const bars: FlameBar[] = [];
  let level = laidOut(calls, 0);
  for (let depth = 0; depth < DEEPEST && level.length > 0; depth++) {
    const above: Placed[] = [];
    for (const { call, fromUs, us } of level) {
      if (us / all < NARROWEST || bars.length >= MOST_BARS) continue;
      const owner = ownerOf(call.frame);
      const place = placeOf(call.frame, folder);
      bars.push({
        name: owner === "runtime" && call.frame.name.startsWith("(")
          ? deedOf(call.frame)
          : nameOf(call.frame),
        owner,
        ...(place !== undefined && { place }),
        depth,
        from: fromUs / all,
        share: us / all,
      });
      above.push(...laidOut(call.calls, fromUs));
    }
    level = above;
  }
  return bars;
}

interface Placed {
  readonly call: Call;
  readonly fromUs: number;
  readonly us: number;
}

/** The longest first: where a call stands in time is not what the graph tells. */
function laidOut(calls: readonly Call[], fromUs: number): Placed[] {
  const sized = calls.map((call) => ({ call, us: totalUs(call) })).sort((a, b) => b.us - a.us);
  let at = fromUs;
  return sized.map(({ call, us }) => {
    const placed = { call, fromUs: at, us };
    at += us;
    return placed;
  });
}
