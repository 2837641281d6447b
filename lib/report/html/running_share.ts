/**
 * How much of a task's time in flight its lane was running it.
 *
 * @module
 */

import type { Timeline } from "../../timing/result.ts";
import { hasStarted } from "../slots.ts";

/**
 * The running share of the tasks on each lane: the lane's CPU share, but no more than its even part
 * of the lane. A lane is one thread: of the tasks in flight on it at once only one runs.
 *
 * @returns By lane, 0 to 1; lanes whose CPU time couldn't be told are missing.
 */
export function runningShares(timeline: Timeline): Map<number, number> {
  const spans = new Map<number, { from: number; to: number }[]>();
  for (let at = 0; at < timeline.index.length; at++) {
    if (!hasStarted(timeline, at)) continue;
    const lane = timeline.lane[at]!;
    if (!spans.has(lane)) spans.set(lane, []);
    spans.get(lane)!.push({ from: timeline.startedMs[at]!, to: timeline.endedMs[at]! });
  }
  const shares = new Map<number, number>();
  for (const { lane, cpuShare } of timeline.lanes) {
    if (typeof cpuShare !== "number" || !(cpuShare >= 0)) continue;
    shares.set(lane, Math.min(1, cpuShare, 1 / meanDepth(spans.get(lane) ?? [])));
  }
  return shares;
}

/** How many spans there are at once, on average over the time in which there is any; 1 for none. */
function meanDepth(spans: { from: number; to: number }[]): number {
  spans.sort((a, b) => a.from - b.from);
  let covered = 0, sum = 0, until = -Infinity;
  for (const { from, to } of spans) {
    sum += Math.max(0, to - from);
    covered += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return covered > 0 ? sum / covered : 1;
}
