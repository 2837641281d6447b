/**
 * What a sweep's points say: laws, knee, peak, and what more of it would do.
 *
 * @module
 */

import { randomBelow, seededRandom } from "../../timing/random.ts";
import { median } from "../../timing/statistics.ts";
import { bootstrapFit, estimateOf } from "./bootstrap_fit.ts";
import { type Capacity, capacityOf, endsBefore } from "./capacity.ts";
import { fitLaw, type LawFit, parametersOf, type Series } from "./fit_law.ts";
import { judgeFit } from "./fit_quality.ts";
import { forecasts } from "./forecast.ts";
import { findKnee } from "./knee.ts";
import { type Law, LAWS, limitOf, peakOf } from "./laws.ts";
import { sweepPoint } from "./sweep_point.ts";
import { type MeasuredSweep, throughputOf } from "./sweep_points.ts";
import type { Fit, Forecast, SweepPoint, SweepResult } from "./sweep_result.ts";

/** The part of a result that follows from closed-loop trials. */
export type Analysis = Pick<
  SweepResult,
  "points" | "fits" | "chosen" | "knee" | "best" | "capacity" | "forecasts"
>;

/** How often rounds are drawn anew to see where the knee could be. */
const KNEE_RESAMPLES = 300;
/** A curve that rises by less than this is flat: what noise draws on it isn't a knee. */
const LEAST_RISE = 1.2;

const finite = (value: number) => Number.isFinite(value) ? value : null;

function fitOf(fit: LawFit, drawn: readonly Law[], series: readonly Series[]): Fit {
  const estimate = (of: (law: Law) => number) => {
    const { value, low, high } = estimateOf(fit.law, drawn, of);
    return { value: finite(value), low: finite(low), high: finite(high) };
  };
  const bounded = (of: (law: Law) => number) => estimateOf(fit.law, drawn, of);
  return {
    name: fit.name,
    lambda: bounded(({ lambda }) => lambda),
    sigma: bounded(({ sigma }) => sigma),
    kappa: bounded(({ kappa }) => kappa),
    peakSize: estimate((law) => peakOf(law)?.size ?? Infinity),
    limitPerSecond: estimate(limitOf),
    ...judgeFit(fit, series),
  };
}

/** The knee, and how far it moves when each size's rounds are drawn anew; none that half of them lose. */
function kneeOf(series: readonly Series[], seed: number): Analysis["knee"] {
  const curve = (draw: (values: readonly number[]) => readonly number[]) =>
    series.map(({ size, throughputs }) => ({
      size,
      throughputPerSecond: median(draw(throughputs)),
    }));
  const measured = curve((values) => values);
  const size = findKnee(measured);
  const most = Math.max(...measured.map(({ throughputPerSecond }) => throughputPerSecond));
  if (size === null || most < LEAST_RISE * measured[0]!.throughputPerSecond) return null;
  const random = seededRandom(seed);
  let [low, high] = [size, size];
  let found = 0;
  for (let i = 0; i < KNEE_RESAMPLES; i++) {
    const drawn = findKnee(
      curve((values) => values.map(() => values[randomBelow(random, values.length)]!)),
    );
    if (drawn === null) continue;
    found++;
    low = Math.min(low, drawn);
    high = Math.max(high, drawn);
  }
  return found < KNEE_RESAMPLES / 2 ? null : { size, low, high };
}

function bestOf(points: readonly SweepPoint[]): Analysis["best"] {
  const best =
    points.toSorted((a, b) => b.throughputPerSecond.median - a.throughputPerSecond.median)[0];
  return best === undefined || best.throughputPerSecond.median <= 0
    ? null
    : { size: best.size, throughputPerSecond: best.throughputPerSecond.median };
}

/** Both laws fitted, where there are sizes enough, and the one that is used. */
function lawsOf(series: readonly Series[], seed: number) {
  const fitted = LAWS.filter((name) => series.length >= parametersOf(name)).map((name) => {
    const fit = fitLaw(name, series);
    const drawn = bootstrapFit(fit, series, { seed });
    return { fit: fitOf(fit, drawn, series), law: fit.law, drawn };
  });
  const usl = fitted.find(({ fit }) => fit.name === "usl");
  const amdahl = fitted.find(({ fit }) => fit.name === "amdahl");
  return { fitted, chosen: usl !== undefined && usl.fit.kappa.low > 0 ? usl : amdahl ?? usl };
}

/**
 * What a machine with a core for each lane would do, by the law of the sizes within this one's cores:
 * beyond them a curve tells of the cores, not of the job. None unless that law may be believed.
 */
function onMoreCores(
  series: readonly Series[],
  { by, units }: Capacity,
  axis: SweepResult["axis"],
  best: NonNullable<Analysis["best"]>,
  seed: number,
): Forecast[] {
  if (by !== "cores" || axis !== "lanes") return [];
  const { chosen } = lawsOf(series.filter(({ size }) => size <= units), seed);
  if (chosen === undefined || chosen.fit.refusal !== null) return [];
  return forecasts({
    law: chosen.law,
    drawn: chosen.drawn,
    refusal: null,
    largest: series.at(-1)!.size,
    bestPerSecond: best.throughputPerSecond,
    coreEach: true,
  });
}

/** On what a sweep was measured. */
export interface SweptOn {
  /** What was varied. */
  readonly axis: SweepResult["axis"];
  /** How many cores could be used. */
  readonly cores: number;
}

/**
 * Analyses a sweep: sums up its points, fits both laws with intervals, finds the knee and where
 * computing ends, and foretells ten and a thousand times as much where the fit may be believed and
 * there is something left to compute on.
 *
 * The Universal Scalability Law is used for that if the interval of κ leaves out 0, otherwise the
 * simpler law of Amdahl.
 *
 * @param measured What was measured.
 * @param seed For all resampling.
 * @param on What was varied, and on how many cores.
 * @returns What follows from it. Sizes where nothing succeeded aren't fitted.
 *
 * @example
 * ```ts
 * import { analyse } from "./analyse.ts";
 *
 * const nothing = { sizes: [], partial: true, warnings: [] };
 * console.log(analyse(nothing, 1, { axis: "slots", cores: 2 }).best); // null
 * ```
 */
export function analyse(
  { sizes }: MeasuredSweep,
  seed: number,
  { axis, cores }: SweptOn,
): Analysis {
  const smallest = sizes[0];
  const perPlace = smallest === undefined
    ? 0
    : median(smallest.trials.map(throughputOf)) / smallest.size;
  const points = sizes.map((size) => sweepPoint(size, perPlace, seed));
  const series = sizes.flatMap(({ size, trials }): Series[] => {
    const throughputs = trials.map(throughputOf).filter((x) => x > 0);
    return throughputs.length > 0 ? [{ size, throughputs }] : [];
  });
  const { fitted, chosen } = lawsOf(series, seed);
  const best = bestOf(points);
  const capacity = best === null ? null : capacityOf(points, best.size, axis, cores);
  const here = chosen === undefined || best === null ? [] : forecasts({
    law: chosen.law,
    drawn: chosen.drawn,
    refusal: chosen.fit.refusal,
    largest: series.at(-1)!.size,
    bestPerSecond: best.throughputPerSecond,
    capacity,
  });
  const elsewhere = capacity === null || best === null
    ? []
    : onMoreCores(series, capacity, axis, best, seed).filter(({ factor, throughputPerSecond }) => {
      const same = here.find((one) => one.factor === factor);
      return same !== undefined && endsBefore(capacity, same.size, throughputPerSecond.value);
    });
  return {
    points,
    fits: fitted.map(({ fit }) => fit),
    chosen: chosen?.fit.name ?? null,
    knee: kneeOf(series, seed),
    best,
    capacity,
    forecasts: [...here, ...elsewhere],
  };
}
