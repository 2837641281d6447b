/**
 * What a sweep's points say: laws, knee, peak, and what more of it would do.
 *
 * @module
 */

import { median } from "../../timing/statistics.ts";
import { capacityOf, endsBefore } from "./capacity.ts";
import { failingSizes } from "./failing.ts";
import type { Series } from "./fit_law.ts";
import { drawsOf, fittedLaws } from "./fitted_laws.ts";
import { forecasts } from "./forecast.ts";
import { kneeOf } from "./knee_range.ts";
import { sweepPoint } from "../sweep_point.ts";
import type { MeasuredSweep } from "../sweep_points.ts";
import type { Capacity, Forecast, SweepPoint, SweepResult } from "../sweep_result.ts";
import { places } from "../sweep_words.ts";
import { throughputOf } from "./throughput.ts";

/** The part of a result that follows from closed-loop trials. */
export type Analysis = Pick<
  SweepResult,
  "points" | "failsFrom" | "fits" | "chosen" | "knee" | "best" | "capacity" | "forecasts"
>;

function bestOf(points: readonly SweepPoint[]): Analysis["best"] {
  const best =
    points.toSorted((a, b) => b.throughputPerSecond.median - a.throughputPerSecond.median)[0];
  return best === undefined || best.throughputPerSecond.median <= 0
    ? null
    : { size: best.size, throughputPerSecond: best.throughputPerSecond.median };
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
  const laws = fittedLaws(series.filter(({ size }) => size <= units), seed);
  const { chosen } = laws;
  if (chosen === undefined || chosen.fit.refusal !== null) return [];
  return forecasts({
    law: chosen.law,
    drawn: drawsOf(laws),
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
 * Sizes at which more tasks fail than at the smallest are told of, but nothing is concluded from how
 * fast they were: what failed was another work.
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
  const failing = failingSizes(points);
  const series = sizes.flatMap(({ size, trials }): Series[] => {
    const throughputs = trials.map(throughputOf).filter((x) => x > 0);
    return throughputs.length > 0 && !failing.sizes.has(size) ? [{ size, throughputs }] : [];
  });
  const laws = fittedLaws(series, seed);
  const { fitted, chosen } = laws;
  const best = bestOf(points.filter(({ size }) => !failing.sizes.has(size)));
  const capacity = best === null ? null : capacityOf(points, best.size, axis, cores);
  const refused = failing.from === null
    ? null
    : `tasks fail from ${places(axis, failing.from.size)} on`;
  const here = chosen === undefined || best === null ? [] : forecasts({
    law: chosen.law,
    drawn: drawsOf(laws),
    refusal: refused ?? chosen.fit.refusal,
    largest: points.at(-1)!.size,
    bestPerSecond: best.throughputPerSecond,
    capacity: refused === null ? capacity : null,
  });
  const elsewhere = capacity === null || best === null || refused !== null
    ? []
    : onMoreCores(series, capacity, axis, best, seed).filter(({ factor, throughputPerSecond }) => {
      const same = here.find((one) => one.factor === factor);
      return same !== undefined && endsBefore(capacity, same.size, throughputPerSecond.value);
    });
  return {
    points,
    failsFrom: failing.from,
    fits: fitted.map(({ fit }) => fit),
    chosen: chosen?.fit.name ?? null,
    knee: kneeOf(series, seed),
    best,
    capacity,
    forecasts: [...here, ...elsewhere],
  };
}
