/** The timeline of a run: when every task ran, and on which lane. It imports no npm package. */

import type { Decision } from "../adaptive/controller.ts";
import type { Outcome } from "../dispatch/output.ts";
import type { LaneUsage } from "../executor.ts";
import type { TimedDecision } from "./decisions.ts";
import type { Timeline } from "./result.ts";

/** The most tasks in a timeline; more are thinned out, so that a result file stays readable. */
export const TIMELINE_TASKS = 100_000;

export const shownEvery = (tasks: number) => Math.ceil(tasks / TIMELINE_TASKS) || 1;

/** Rounds to microseconds, the clock's resolution. */
const rounded = (ms: number) => Math.round(ms * 1000) / 1000;

/** How long one or more of a lane's tasks were in flight, in milliseconds. */
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

export function decisionsSince(firstMs: number, decisions: readonly Decision[]): TimedDecision[] {
  return decisions.map(({ atMs, figures, ...rest }) => ({
    ...rest,
    atMs: rounded(Math.max(0, atMs - firstMs)),
    figures: { ...figures, latencyMs: figures.latencyMs || null },
  }));
}

/** The data of a run from which its timeline is made. */
interface Ran {
  readonly round: number;
  readonly outcomes: readonly Outcome<unknown>[];
  /** One task in this many is shown. */
  readonly every?: number;
  /** The usage of each lane before the first item, and after the last outcome. */
  readonly before: readonly LaneUsage[];
  readonly after: readonly LaneUsage[];
  /** When the first item was requested, on the clock of the outcomes. */
  readonly firstMs: number;
  /** CPU time of this process during the run: it is the lane's own if the lane is the event loop. */
  readonly ownCpuMs?: number;
  readonly decisions?: readonly Decision[];
}

export function timelineOf({ round, outcomes, before, after, firstMs, ...ran }: Ran): Timeline {
  const { every = shownEvery(outcomes.length), ownCpuMs, decisions = [] } = ran;
  const shown = outcomes.toSorted((a, b) => a.index - b.index)
    .filter((_, place) => place % every === 0);
  const since = (ms: number) => rounded(ms - firstMs);
  const byLane = Map.groupBy(outcomes, ({ lane }) => lane);
  const lanes = after.map((usage) => {
    const earlier = before.find(({ lane }) => lane === usage.lane)?.cpuMs ?? 0;
    const cpuMs = usage.cpuMs === undefined
      ? (after.length === 1 ? ownCpuMs : undefined)
      : usage.cpuMs - earlier;
    const busy = busyMs(byLane.get(usage.lane) ?? []);
    const cpuShare = cpuMs === undefined || busy === 0
      ? null
      : Math.min(1, Math.max(0, cpuMs / busy));
    const { lane, startMs, machine } = usage;
    return { lane, startMs: rounded(Math.max(0, startMs)), cpuShare, ...(machine && { machine }) };
  });
  return {
    round,
    lanes,
    index: shown.map(({ index }) => index),
    lane: shown.map(({ lane }) => lane),
    queuedMs: shown.map(({ queuedAtMs }) => since(queuedAtMs)),
    // A task that never started has length 0: it starts when it ends.
    startedMs: shown.map(({ startedAtMs, endedAtMs }) =>
      since(Number.isFinite(startedAtMs) ? startedAtMs : endedAtMs)
    ),
    endedMs: shown.map(({ endedAtMs }) => since(endedAtMs)),
    status: shown.map((outcome) => outcome.status === "fulfilled" ? outcome.status : outcome.ended),
    ...(decisions.length > 0 && { decisions: decisionsSince(firstMs, decisions) }),
  };
}
