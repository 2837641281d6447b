/**
 * What each model takes, from what was measured and what was predicted.
 *
 * @module
 */

import { median } from "../../timing/statistics.ts";

/** One model: its measured times, and what was predicted of it. */
export interface Evidence {
  /** Round number and time in milliseconds; at least one. */
  readonly times: readonly { readonly round: number; readonly ms: number }[];
  /** The predicted time with its ends, in milliseconds; undefined for none. */
  readonly predicted?: { readonly ms: number; readonly lowMs: number; readonly highMs: number };
}

/** Noise of a trial, as a standard deviation of the logarithm, and for how many trials that counts. */
const USUAL_NOISE = 0.08;
const USUAL_WEIGHT = 4;
/** Predictions are off by this at least and at most, on the logarithm. */
const SUREST = 0.08;
const UNSUREST = 0.5;
/** The ends of a prediction are so many standard deviations apart. */
const ENDS = 4;
/** A measurement further off than this many standard deviations has refuted the prediction. */
const REFUTED = 3;
/** From about this many standard deviations on a residual counts less: for 95 % efficiency. */
const CAUCHY = 2.385;
const ITERATIONS = 25;

interface Model {
  readonly logs: readonly { readonly round: number; readonly log: number }[];
  readonly prior: { readonly log: number; readonly deviation: number } | undefined;
  estimate: number;
}

function modelOf({ times, predicted }: Evidence): Model {
  const logs = times.map(({ round, ms }) => ({ round, log: Math.log(Math.max(1e-9, ms)) }));
  const prior = predicted && {
    log: Math.log(Math.max(1e-9, predicted.ms)),
    deviation: Math.min(
      UNSUREST,
      Math.max(SUREST, Math.log(Math.max(1, predicted.highMs / predicted.lowMs)) / ENDS),
    ),
  };
  return { logs, prior, estimate: median(logs.map(({ log }) => log)) };
}

function weightedMean(values: readonly number[], weights: readonly number[]): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return values.reduce((sum, value, i) => sum + value * weights[i]!, 0) / total;
}

/**
 * Estimates what each model takes.
 *
 * The logarithm of a time is the model's own, plus what its round shares with all models (a busy
 * neighbour slows them all), plus noise, which counts less the further it is off (Cauchy weights:
 * Holland and Welsch, "Robust Regression Using Iteratively Reweighted Least-Squares", Comm. Stat. A6,
 * 1977). The model's own is drawn towards the
 * prediction by as much as one round, or two, can't be trusted: the normal model with known variances
 * (Gelman and others, "Bayesian Data Analysis", 2013, section 2.5), the noise estimated from all rounds
 * together. A prediction that the measurement refutes is left out.
 *
 * @param evidence The models.
 * @returns Their times in milliseconds, in the same order.
 *
 * @example
 * ```ts
 * import { estimateMs } from "./estimate.ts";
 *
 * const times = [{ round: 0, ms: 100 }, { round: 1, ms: 100 }, { round: 2, ms: 100 }];
 * console.log(estimateMs([{ times }]).map(Math.round)); // [100]
 * ```
 */
export function estimateMs(evidence: readonly Evidence[]): number[] {
  const models = evidence.map(modelOf);
  const rounds = [...new Set(models.flatMap(({ logs }) => logs.map(({ round }) => round)))];
  const all = models.reduce((sum, { logs }) => sum + logs.length, 0);
  const freedom = Math.max(0, all - models.length - rounds.length + 1);
  const shared = new Map(rounds.map((round) => [round, 0]));
  let noise = USUAL_NOISE;
  const weightOf = (residual: number) => 1 / (1 + (residual / (CAUCHY * noise)) ** 2);
  for (let i = 0; i < ITERATIONS; i++) {
    for (const round of rounds) {
      const off = models.flatMap(({ logs, estimate }) =>
        logs.filter((of) => of.round === round).map(({ log }) => log - estimate)
      );
      shared.set(round, weightedMean(off, off.map((of) => weightOf(of - shared.get(round)!))));
    }
    // Rounds differ around nothing: what all have in common is the models' own.
    const middle = [...shared.values()].reduce((sum, of) => sum + of, 0) / rounds.length;
    for (const round of rounds) shared.set(round, shared.get(round)! - middle);
    let squares = USUAL_WEIGHT * USUAL_NOISE ** 2;
    for (const { logs, estimate } of models) {
      for (const { round, log } of logs) {
        const residual = log - shared.get(round)! - estimate;
        squares += weightOf(residual) * residual ** 2;
      }
    }
    noise = Math.sqrt(squares / (USUAL_WEIGHT + freedom));
    drawToPredictions(models, shared, noise, weightOf);
  }
  return models.map(({ estimate }) => Math.exp(estimate));
}

function drawToPredictions(
  models: readonly Model[],
  shared: ReadonlyMap<number, number>,
  noise: number,
  weightOf: (residual: number) => number,
): void {
  const measured = models.map(({ logs, estimate }) => {
    const values = logs.map(({ round, log }) => log - shared.get(round)!);
    return weightedMean(values, values.map((value) => weightOf(value - estimate)));
  });
  // The machine may be slower now than when the sample was taken: only differences are predicted.
  const offsets = models.flatMap(({ prior }, i) => prior ? [measured[i]! - prior.log] : []);
  const offset = offsets.length === 0 ? 0 : median(offsets);
  for (const [i, model] of models.entries()) {
    const { prior, logs } = model;
    model.estimate = measured[i]!;
    if (prior === undefined) continue;
    const variance = noise ** 2 / logs.length;
    const distance = Math.abs(measured[i]! - prior.log - offset);
    if (distance > REFUTED * Math.sqrt(variance + prior.deviation ** 2)) continue;
    model.estimate = weightedMean(
      [measured[i]!, prior.log + offset],
      [1 / variance, 1 / prior.deviation ** 2],
    );
  }
}
