/**
 * Both laws fitted to a sweep, and the one that its forecasts follow.
 *
 * @module
 */

import { bootstrapFit, estimateOf } from "./bootstrap_fit.ts";
import { fitLaw, type LawFit, parametersOf, type Series } from "./fit_law.ts";
import { judgeFit } from "./fit_quality.ts";
import { type Law, LAWS, limitOf, peakOf } from "./laws.ts";
import type { Fit } from "../sweep_result.ts";

/** A law fitted, with laws that could as well have been found. */
export interface FittedLaw {
  /** What is told of it. */
  readonly fit: Fit;
  /** Its numbers. */
  readonly law: Law;
  /** Laws drawn by the bootstrap. */
  readonly drawn: readonly Law[];
}

/** What was fitted. */
export interface FittedLaws {
  /** Each law for which there were sizes enough, the simpler one first. */
  readonly fitted: readonly FittedLaw[];
  /** The one that forecasts follow; undefined if none was fitted. */
  readonly chosen: FittedLaw | undefined;
}

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

/**
 * Fits both laws, and chooses: the Universal Scalability Law if the interval of κ leaves out 0,
 * otherwise the simpler law of Amdahl.
 *
 * @param resamples How often to draw; default 400.
 */
export function fittedLaws(
  series: readonly Series[],
  seed: number,
  resamples?: number,
): FittedLaws {
  const fitted = LAWS.filter((name) => series.length >= parametersOf(name)).map((name) => {
    const fit = fitLaw(name, series);
    const drawn = bootstrapFit(fit, series, {
      seed,
      ...(resamples !== undefined && { resamples }),
    });
    return { fit: fitOf(fit, drawn, series), law: fit.law, drawn };
  });
  const usl = fitted.find(({ fit }) => fit.name === "usl");
  const amdahl = fitted.find(({ fit }) => fit.name === "amdahl");
  return { fitted, chosen: usl !== undefined && usl.fit.kappa.low > 0 ? usl : amdahl ?? usl };
}

/**
 * The draws that a forecast's interval must hold: those of the law that is followed, and where that is
 * Amdahl's those of the other one too, for its κ wasn't ruled out, and far out it decides.
 */
export function drawsOf({ fitted, chosen }: FittedLaws): (readonly Law[])[] {
  return fitted.filter(({ fit }) => fit.name === "usl" || fit.name === chosen?.fit.name)
    .map(({ drawn }) => drawn);
}
