/** Analyses a sweep's trials: points, laws, knee, forecasts, and which size to take. */

import { timeInterval } from "../timing/interval.ts";
import { refuses } from "../tasks/http_signs.ts";
import { sumOfFailures } from "../timing/failures.ts";
import type { TrialResult } from "../timing/spec.ts";
import { mean, median, quantile, sorted } from "../timing/statistics.ts";
import { type MeasuredSize, type MeasuredSweep, seriesOf, throughputOf } from "./run_sweep.ts";
import {
  type Latency,
  sizeText,
  type SweepPoint,
  type SweepResult,
  type SweepRound,
} from "./sweep_result.ts";
import { kneeOf } from "./knee.ts";
import { capacityOf, drawsOf, fittedLaws, forecasts } from "./laws.ts";
import { choose, gainLimit } from "../judge/choose.ts";
import { AS_GOOD, IMPOSSIBLE, TOO_SLOW } from "../judge/thresholds.ts";
import { needsServer } from "../models.ts";
import { Standings } from "../timing/standings.ts";

/** Times in flight in milliseconds, of all tasks that were started, or of those that succeeded. */
function timesOf({ timeline }: TrialResult, succeeded: boolean): number[] {
  if (timeline === undefined) return [];
  return timeline.startedMs.flatMap((startedMs, i) => {
    const spentMs = timeline.endedMs[i]! - startedMs;
    const counts = !succeeded || timeline.status[i] === "fulfilled";
    return counts && Number.isFinite(spentMs) ? [Math.max(0, spentMs)] : [];
  });
}

function latencyOf(timesMs: readonly number[]): Latency | null {
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

function roundOf(trial: TrialResult): SweepRound {
  const {
    wallMs: _wallMs,
    peakRssBytes: _bytes,
    checksum: _checksum,
    queuedMs: _queued,
    ...round
  } = trial.round;
  const times = timesOf(trial, false);
  return {
    ...round,
    runCpuMs: round.runCpuMs ?? null,
    loopCpuMs: round.loopCpuMs ?? null,
    ...(trial.programsMs !== undefined && { programsMs: trial.programsMs }),
    throughputPerSecond: throughputOf(trial),
    meanLatencyMs: times.length > 0 ? mean(times) : null,
    reasons: round.reasons ?? {},
  };
}

/** How far X·R may differ from N, as a share of N. */
export const LITTLE_TOLERANCE = 0.1;

/** N = X·R (Little, Operations Research 9, 1961) holds if every slot is always taken. */
export function checkLittle(throughputPerSecond: number, meanMs: number, slots: number) {
  const inFlight = throughputPerSecond * meanMs / 1000;
  const ratio = inFlight / slots;
  const holds = Math.abs(ratio - 1) <= LITTLE_TOLERANCE;
  const idle = Math.round((1 - ratio) * 100);
  const meaning = holds
    ? null
    : ratio < 1
    ? `places stood empty ${idle}% of the time, at the end or for want of handing out, so this is ` +
      `the throughput of fewer`
    : "more was in flight than there was room for, so tasks' times include waiting for news of them";
  return { inFlight, slots, ratio, holds, meaning };
}

/** Little's law in the round whose ratio is the median. */
function littleOf(rounds: readonly SweepRound[], slots: number): SweepPoint["little"] {
  const checks = rounds.flatMap(({ runMs, succeeded, failed, meanLatencyMs }) =>
    meanLatencyMs === null || runMs <= 0
      ? []
      : [checkLittle((succeeded + failed) / runMs * 1000, meanLatencyMs, slots)]
  ).toSorted((a, b) => a.ratio - b.ratio);
  return checks[(checks.length - 1) >> 1] ?? null;
}

function sweepPoint({ size, refined, trials }: MeasuredSize, perPlace: number): SweepPoint {
  const rounds = trials.map(roundOf);
  const throughputs = rounds.map(({ throughputPerSecond }) => throughputPerSecond);
  const middle = median(throughputs);
  const { lanes, slots } = trials[0]!;
  return {
    size,
    lanes,
    slots: slots ?? 1,
    refined,
    rounds,
    // The interval uses logarithms, and 0 has none.
    throughputPerSecond: throughputs.some((x) => x <= 0)
      ? { median: middle, low: Math.min(...throughputs), high: Math.max(...throughputs) }
      : timeInterval(throughputs),
    latencyMs: latencyOf(trials.flatMap((trial) => timesOf(trial, true))),
    efficiency: perPlace > 0 ? middle / size / perPlace : 0,
    little: littleOf(rounds, lanes * (slots ?? 1)),
  };
}

/** The share of tasks that may fail beyond those at the smallest size; more standard deviations aren't chance. */
const MORE_FAILED = 0.01;
const BY_CHANCE = 3;
/** If this share fails at the smallest size, the other tasks show nothing about sizes. */
const MOST_FAILED = 0.5;

/** Whether a server refused tasks because there were too many. */
export function isRefused({ rounds }: Pick<SweepPoint, "rounds">): boolean {
  const { reasons, examples } = sumOfFailures(rounds);
  return [...Object.keys(reasons), ...Object.values(examples)]
    .some((said) => refuses({ name: said, message: said }));
}

/**
 * The sizes at which more tasks fail than at the smallest, or most fail, or a server refuses; and the size from
 * which on all larger ones fail too, or null if the largest doesn't.
 */
export function failingSizes(points: readonly Pick<SweepPoint, "size" | "rounds">[]) {
  const counts = points.map(({ size, rounds }) => {
    const failed = rounds.reduce((sum, round) => sum + round.failed, 0);
    const of = rounds.reduce((sum, round) => sum + round.succeeded, failed);
    return { size, failed, of, share: of > 0 ? failed / of : 0 };
  });
  const usual = counts[0]?.share ?? 0;
  const fromTheStart = usual > MOST_FAILED || (usual > MORE_FAILED && isRefused(points[0]!));
  const least = Math.max(1, counts[0]?.of ?? 1);
  const fails = ({ share, of }: typeof counts[number]) => {
    const deviation = Math.sqrt(usual * (1 - usual) * (1 / least + 1 / Math.max(1, of)));
    return fromTheStart || share > usual + Math.max(MORE_FAILED, BY_CHANCE * deviation);
  };
  const first = counts[counts.findLastIndex((one) => !fails(one)) + 1];
  return {
    sizes: new Set(counts.filter(fails).map(({ size }) => size)),
    from: first === undefined ? null : { size: first.size, failed: first.failed, of: first.of },
  };
}

/** The sizes whose throughput counts; where more tasks fail, it only shows how fast they fail. */
export function bornePoints(points: readonly SweepPoint[]): SweepPoint[] {
  const failing = failingSizes(points).sizes;
  return points.filter(({ size }) => !failing.has(size));
}

function bestOf(points: readonly SweepPoint[]): SweepResult["best"] {
  const [best] = points
    .map(({ size, throughputPerSecond: { median } }) => ({ size, throughputPerSecond: median }))
    .sort((a, b) => b.throughputPerSecond - a.throughputPerSecond);
  return best === undefined || best.throughputPerSecond <= 0 ? null : best;
}

/** Points, laws, knee, capacity and forecasts, without the sizes at which more tasks fail. */
export function analyse(
  { sizes, differsAt }: Pick<MeasuredSweep, "sizes" | "differsAt">,
  seed: number,
  { axis, cores }: {
    readonly axis: SweepResult["axis"];
    /** Undefined if other machines compute. */
    readonly cores: number | undefined;
  },
) {
  const smallest = sizes[0];
  const perPlace = smallest === undefined
    ? 0
    : median(smallest.trials.map(throughputOf)) / smallest.size;
  const points = sizes.map((size) => sweepPoint(size, perPlace));
  const failing = failingSizes(points);
  const series = seriesOf(sizes).filter(({ size }) => !failing.sizes.has(size));
  const laws = fittedLaws(series, seed);
  const { fitted, chosen } = laws;
  const best = bestOf(bornePoints(points));
  const capacity = best === null ? null : capacityOf(points, best.size, axis, cores);
  const refused = failing.from === null
    ? null
    : `tasks fail from ${sizeText(axis, failing.from.size)} on`;
  const foretold = chosen === undefined || best === null ? [] : forecasts({
    law: chosen.law,
    drawn: drawsOf(laws),
    refusal: refused ?? chosen.fit.refusal,
    largest: points.at(-1)!.size,
    bestPerSecond: best.throughputPerSecond,
    capacity: refused === null ? capacity : null,
  });
  return {
    points,
    failsFrom: failing.from,
    ...(differsAt !== undefined && { differsAt }),
    fits: fitted.map(({ fit }) => fit),
    chosen: chosen?.fit.name ?? null,
    knee: kneeOf(series, seed),
    best,
    capacity,
    forecasts: foretold,
  };
}

export type RecommendedSize = NonNullable<ReturnType<typeof recommendedSize>>;

/** Chooses a size; undefined if none ran without more failures than the smallest. */
export function recommendedSize(
  { points, model, axis, computingShare, freeShare, environment, job: { total } }: SweepResult,
) {
  // Time for the whole job with its lanes' start, if its number of items is known; else for one item.
  const msOf = ({ startMs, throughputPerSecond }: SweepRound) =>
    (total === undefined ? 0 : startMs) + 1000 * (total ?? 1) / throughputPerSecond;
  const all = points.toSorted((a, b) => a.size - b.size).map((point) => ({
    point,
    times: point.rounds.map((round) => ({ round: round.round, ms: msOf(round) }))
      .filter(({ ms }) => ms > 0 && Number.isFinite(ms)),
  }));
  const borne = new Set(bornePoints(points).map(({ size }) => size));
  const worked = all.filter(({ point: { size, rounds }, times }) =>
    borne.has(size) && rounds.length > 0 && times.length === rounds.length
  );
  // More lanes than the cores have work for only crowd each other, but on other machines.
  const most = axis === "lanes" && computingShare !== undefined && !needsServer(model)
    ? Math.min(environment.cpus, environment.lanesAvailable) / Math.max(computingShare, 1e-9)
    : Infinity;
  const series = worked.filter(({ point: { size } }) =>
    size <= Math.max(worked[0]!.point.size, Math.ceil(most))
  );
  const [smallest, ...larger] = series;
  if (smallest === undefined) return undefined;
  // A size that can't be taken still shows how rounds differ.
  const standings = new Standings(all);
  const { chosen, decision } = choose(smallest, larger, standings);
  // k times as many slots or lanes gain at most k, and slots no more than one event loop has time for.
  const mostOf = ({ point: { size } }: typeof smallest) => {
    const inFlight = size / smallest.point.size;
    return axis === "slots" && computingShare !== undefined && freeShare !== undefined
      ? gainLimit(
        {
          cpuShare: computingShare,
          onLoop: Math.min(1, (1 - freeShare) / Math.max(computingShare, 1e-9)),
          held: Math.max(0, 1 - freeShare - computingShare),
        },
        environment.cpus,
        { lanes: 1, inFlight },
      )
      : Math.min(most / smallest.point.size, inFlight);
  };
  const gain = standings.ratio(smallest, chosen)!;
  const [fastest] = series.flatMap((of) => {
    const more = of === chosen ? null : standings.ratio(chosen, of);
    const isOpen = more !== null && more.median > 1 && more.high >= TOO_SLOW &&
      mostOf(of) >= TOO_SLOW * gain.median;
    return isOpen ? [{ point: of.point, gain: more }] : [];
  }).toSorted((a, b) => b.gain.median - a.gain.median);
  const stays = {
    point: smallest.point,
    gain: null,
    /** Whether a larger size was measured but gains hardly more. */
    largerGainsLittle: larger.length > 0,
    /** Whether the chosen size is the largest one measured and still gained over the one before. */
    mayGainMore: false,
    /** The fastest other size, if it may gain a tenth over the chosen one, though that isn't shown. */
    open: fastest,
    /** A gain above what the cores allow, which is a measurement error. */
    impossible: undefined,
  };
  if (decision !== "gain") return stays;
  const mostHere = mostOf(chosen);
  if (gain.median > IMPOSSIBLE * Math.max(1, mostHere) || gain.low > mostHere * AS_GOOD) {
    return { ...stays, open: undefined, impossible: { point: chosen.point, gain, most: mostHere } };
  }
  // There can't be more tasks in flight than items.
  const isFull = chosen.point.lanes * chosen.point.slots >= (total ?? Infinity);
  const isLargest = chosen === series.at(-1) && series.length === worked.length && !isFull;
  const before = standings.ratio(series.at(-2) ?? smallest, chosen)?.median ?? 1;
  return {
    ...stays,
    point: chosen.point,
    gain,
    largerGainsLittle: !isLargest,
    mayGainMore: isLargest && before > TOO_SLOW && worked.length === points.length,
  };
}
