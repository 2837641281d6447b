/**
 * What the trials of one size come to.
 *
 * @module
 */

import { timeInterval } from "../timing/interval.ts";
import type { TrialResult } from "../timing/spec.ts";
import { median, quantile, sorted } from "../timing/statistics.ts";
import { checkLittle } from "./laws/little.ts";
import type { MeasuredSize } from "./sweep_points.ts";
import type { Latency, SweepPoint, SweepRound } from "./sweep_result.ts";
import { throughputOf } from "./laws/throughput.ts";

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Times in flight of a trial's tasks, in milliseconds: all that were started, or those that succeeded. */
function timesOf({ timeline }: TrialResult, succeeded: boolean): number[] {
  if (timeline === undefined) return [];
  return timeline.startedMs.flatMap((startedMs, i) => {
    const spentMs = timeline.endedMs[i]! - startedMs;
    const counts = !succeeded || timeline.status[i] === "fulfilled";
    return counts && Number.isFinite(spentMs) ? [Math.max(0, spentMs)] : [];
  });
}

/**
 * Middle and tail of tasks' times: type 7 of Hyndman and Fan ("Sample Quantiles in Statistical
 * Packages", 1996), see statistics.ts.
 *
 * @param timesMs The times, in milliseconds.
 * @returns Median, 95th and 99th percentile and mean; null if there are none.
 */
export function latencyOf(timesMs: readonly number[]): Latency | null {
  if (timesMs.length === 0) return null;
  const sample = sorted(timesMs);
  return {
    tasks: sample.length,
    median: quantile(sample, 0.5),
    p95: quantile(sample, 0.95),
    p99: quantile(sample, 0.99),
    mean: mean(sample),
  };
}

function roundOf(trial: TrialResult, number: number): SweepRound {
  const { startMs, runMs, cpuMs, runCpuMs, succeeded, failed, reasons = {}, examples } =
    trial.round;
  const times = timesOf(trial, false);
  return {
    round: number,
    startMs,
    runMs,
    cpuMs,
    runCpuMs: runCpuMs ?? null,
    loopCpuMs: trial.eventLoopCpuMs ?? null,
    succeeded,
    failed,
    throughputPerSecond: throughputOf(trial),
    meanLatencyMs: times.length > 0 ? mean(times) : null,
    reasons,
    ...(examples && { examples }),
  };
}

/** Little's law for each round, and the round in the middle. */
function littleOf(rounds: readonly SweepRound[], slots: number): SweepPoint["little"] {
  const checks = rounds.flatMap(({ runMs, succeeded, failed, meanLatencyMs }) =>
    meanLatencyMs === null || runMs <= 0
      ? []
      : [checkLittle((succeeded + failed) / runMs * 1000, meanLatencyMs, slots)]
  ).toSorted((a, b) => a.ratio - b.ratio);
  return checks[(checks.length - 1) >> 1] ?? null;
}

/** Sums up the trials of one size. */
export function sweepPoint(
  { size, refined, trials }: MeasuredSize,
  perPlace: number,
  seed: number,
): SweepPoint {
  const rounds = trials.map(roundOf);
  const throughputs = rounds.map(({ throughputPerSecond }) => throughputPerSecond);
  const middle = median(throughputs);
  const lanes = trials[0]!.lanes;
  const slots = trials[0]!.slots ?? 1;
  // The interval works on logarithms, of which nothing at all has none.
  const throughputPerSecond = throughputs.some((x) => x <= 0)
    ? { median: middle, low: Math.min(...throughputs), high: Math.max(...throughputs) }
    : timeInterval(throughputs, { seed });
  return {
    size,
    lanes,
    slots,
    refined,
    rounds,
    throughputPerSecond,
    latencyMs: latencyOf(trials.flatMap((trial) => timesOf(trial, true))),
    efficiency: perPlace > 0 ? middle / size / perPlace : 0,
    little: littleOf(rounds, lanes * slots),
  };
}
