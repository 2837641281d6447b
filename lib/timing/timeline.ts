/**
 * When every task of a trial was queued, started and ended, column by column.
 *
 * @module
 */

import type { Outcome } from "../dispatch/outcome.ts";
import type { LaneUsage } from "../executor.ts";
import type { Timeline } from "./result.ts";

/** More tasks than this are thinned out: a result file must stay readable. */
export const TIMELINE_TASKS = 100_000;

/** To the microsecond, which is what the clock tells. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** How long a lane had at least one task in flight, in milliseconds. */
function busyMs(outcomes: readonly Outcome<unknown>[]): number {
  const spans = outcomes.filter((outcome) => Number.isFinite(outcome.startedAtMs))
    .toSorted((a, b) => a.startedAtMs - b.startedAtMs);
  let busy = 0;
  let until = -Infinity;
  for (const { startedAtMs, endedAtMs } of spans) {
    busy += Math.max(0, endedAtMs - Math.max(startedAtMs, until));
    until = Math.max(until, endedAtMs);
  }
  return busy;
}

/** What a timeline is made from. */
export interface TimelineParts {
  /** The trial's round. */
  readonly round: number;
  /** What became of the items. */
  readonly outcomes: readonly Outcome<unknown>[];
  /** What each lane used until the first item, and until the last outcome. */
  readonly before: readonly LaneUsage[];
  /** What each lane used until the last outcome. */
  readonly after: readonly LaneUsage[];
  /** When the first item was asked for, on the clock of the outcomes. */
  readonly firstMs: number;
  /** CPU time of this process during the run: the lane's own where the event loop is the lane. */
  readonly eventLoopCpuMs?: number;
}

/** Makes the timeline of a trial. */
export function timelineOf(parts: TimelineParts): Timeline {
  const { round, before, after, firstMs, eventLoopCpuMs } = parts;
  const every = Math.ceil(parts.outcomes.length / TIMELINE_TASKS) || 1;
  const shown = parts.outcomes.toSorted((a, b) => a.index - b.index)
    .filter((_, place) => place % every === 0);
  const since = (ms: number) => rounded(ms - firstMs);
  const byLane = Map.groupBy(parts.outcomes, ({ lane }) => lane);
  const lanes = after.map((usage) => {
    const earlier = before.find(({ lane }) => lane === usage.lane)?.cpuMs ?? 0;
    const cpuMs = usage.cpuMs === undefined
      ? (after.length === 1 ? eventLoopCpuMs : undefined)
      : usage.cpuMs - earlier;
    const busy = busyMs(byLane.get(usage.lane) ?? []);
    const cpuShare = cpuMs === undefined || busy === 0
      ? null
      : Math.min(1, Math.max(0, cpuMs / busy));
    return { lane: usage.lane, startMs: rounded(Math.max(0, usage.startMs)), cpuShare };
  });
  return {
    round,
    lanes,
    index: shown.map(({ index }) => index),
    lane: shown.map(({ lane }) => lane),
    queuedMs: shown.map(({ queuedAtMs }) => since(queuedAtMs)),
    // A task that never started has no length: it starts when it ends.
    startedMs: shown.map(({ startedAtMs, endedAtMs }) =>
      since(Number.isFinite(startedAtMs) ? startedAtMs : endedAtMs)
    ),
    endedMs: shown.map(({ endedAtMs }) => since(endedAtMs)),
    status: shown.map((outcome) => outcome.status === "fulfilled" ? outcome.status : outcome.ended),
  };
}
