/** A made-up sweep over rates, for the tests. */

import type { OpenLoopPoint, SweepResult } from "../../lib/scaling/sweep_result.ts";
import { resultOf } from "./measured.ts";

const times = (median: number) => ({ median, p95: 2 * median, p99: 3 * median, max: 4 * median });

function pointOf(ratePerSecond: number, sustained: boolean, reason: string): OpenLoopPoint {
  return {
    ratePerSecond,
    durationMs: 3000,
    rounds: 2,
    scheduled: 6 * ratePerSecond,
    succeeded: 6 * ratePerSecond - 3,
    failed: 1,
    unanswered: 1,
    unstarted: 1,
    achievedPerSecond: ratePerSecond * 0.99,
    corrected: times(sustained ? 23 : 400),
    naive: times(22),
    mostWaiting: 3,
    backlogAtEnd: 4,
    sustained,
    reasons: { [reason]: 1 },
  };
}

/** One rate that was sustained and one that wasn't; one request of each failed for this reason. */
export async function ratesOf(reason = "timed out"): Promise<SweepResult> {
  const empty = await resultOf(() => 1, { sizes: [1], rounds: 1 });
  return {
    ...empty,
    axis: "rate",
    points: [],
    fits: [],
    chosen: null,
    best: null,
    forecasts: [],
    openLoop: [pointOf(100, true, reason), pointOf(500, false, reason)],
  };
}
