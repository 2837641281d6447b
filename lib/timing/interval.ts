/**
 * The interval of a time, or of the ratio of two times, from a few rounds, and the conclusion from it: faster,
 * slower, or no detectable difference.
 *
 * All computation is on logarithms: a ratio of 2 and one of ½ are then equally far from 1, and the noise of
 * times, which is skewed, comes nearer to symmetry.
 *
 * The method depends on the number of rounds:
 *
 * - **1 round** says nothing about noise. A factor of two either way is assumed, so that only an obvious
 * difference counts as one.
 * - **2 to 5 rounds**: Student's t interval (Student, Biometrika 6, 1908). No bootstrap can hold 95 % here:
 * every resample lies between the least and the greatest value, and all of three values lie on one side of the
 * truth in 25 % of cases. The deviation is taken as 1 % at least, since rounds that agree better than that do
 * so by luck (the "fudge factor" of Tusher, Tibshirani and Chu, PNAS 98, 2001).
 * - **6 rounds and more**: the sign test's interval of the median (Conover, "Practical Nonparametric
 * Statistics", 1999, section 3.2), which is exact for noise of any shape. One extreme round can't spoil it.
 */

import { mean, median, type Sorted, sorted, studentCdf, studentQuantile } from "./statistics.ts";
import { CONFIDENCE } from "../judge/thresholds.ts";
import type { Interval } from "./result.ts";

/** With fewer rounds than this, the sign test's widest interval covers less than 95 %. */
const SIGN_ROUNDS = 6;

/** The confidence for Student's t: a little higher, because the noise of times isn't quite log-normal. */
const SMALL_SAMPLE_CONFIDENCE = 0.96;

/** The least deviation of logarithms that is assumed for a few rounds. */
const LEAST_DEVIATION = 0.01;

/** The 0.975 quantile of the normal distribution, for an interval of 95 %. */
export const NORMAL = 1.95996;

/** How far off a single round is assumed to be, as a logarithm. */
const SINGLE_ROUND: number = Math.LN2;

/** The clock's resolution, in milliseconds: a time of 0 means less than this. */
const CLOCK_MS = 0.001;

function meanAndDeviation(logs: readonly number[]): { mean: number; deviation: number } {
  const middle = mean(logs);
  const squares = logs.reduce((sum, log) => sum + (log - middle) ** 2, 0);
  const deviation = logs.length < 2 ? 0 : Math.sqrt(squares / (logs.length - 1));
  return { mean: middle, deviation: Math.max(deviation, LEAST_DEVIATION) };
}

/** The sign test's interval of a median: the innermost pair of order statistics that holds 95 %. */
function signInterval(sample: Sorted): [number, number] {
  const n = sample.length;
  let tail = 0;
  let chosen = 0;
  let combinations = 1;
  for (let k = 0; k < n / 2; k++) {
    // The chance that at most k of n values lie below the median: a binomial sum with p = ½.
    tail += combinations / 2 ** n;
    if (2 * tail > 1 - CONFIDENCE) break;
    chosen = k;
    combinations = combinations * (n - k) / (k + 1);
  }
  return [sample[chosen]!, sample[n - 1 - chosen]!];
}

function around(median: number, center: number, reach: number): Interval {
  return {
    median,
    low: Math.min(median, center - reach),
    high: Math.max(median, center + reach),
  };
}

function logInterval(logs: readonly number[]): Interval {
  const middle = median(logs);
  const n = logs.length;
  if (n === 1) return around(middle, middle, SINGLE_ROUND);
  if (n < SIGN_ROUNDS) {
    const { mean, deviation } = meanAndDeviation(logs);
    const t = studentQuantile((1 + SMALL_SAMPLE_CONFIDENCE) / 2, n - 1);
    return around(middle, mean, t * deviation / Math.sqrt(n));
  }
  const [low, high] = signInterval(sorted(logs));
  return { median: middle, low, high };
}

/** The logarithm of a time; one below the clock's resolution counts as that resolution. */
export function logOfTime(timeMs: number): number {
  if (!Number.isFinite(timeMs) || timeMs < 0) {
    throw new RangeError(`Cannot compare times: ${timeMs} ms is not a time`);
  }
  return Math.log(Math.max(timeMs, CLOCK_MS));
}

export function fromLogs({ median, low, high }: Interval): Interval {
  return { median: Math.exp(median), low: Math.exp(low), high: Math.exp(high) };
}

export function timeInterval(timesMs: readonly number[]): Interval {
  return { ...fromLogs(logInterval(timesMs.map(logOfTime))), median: median(timesMs) };
}

function logRatios(above: readonly number[], below: readonly number[]): number[] {
  if (above.length !== below.length || above.length === 0) {
    throw new RangeError(
      `Cannot pair times by round: ${above.length} against ${below.length} rounds`,
    );
  }
  return above.map((time, round) => logOfTime(time) - logOfTime(below[round]!));
}

/** The median and 95 % interval of a ratio, paired by round: both times of a round share its disturbances. */
export function pairedRatio(above: readonly number[], below: readonly number[]): Interval {
  return fromLogs(logInterval(logRatios(above, below)));
}

/**
 * Hodges and Lehmann's shift between two series, and Mann and Whitney's interval of it (both in Hollander, Wolfe
 * and Chicken, "Nonparametric Statistical Methods", 2014, sections 4.2 and 4.3), which holds for noise of any
 * shape; undefined if there are too few values for 95 %.
 */
function shiftOf(now: readonly number[], then: readonly number[]): Interval | undefined {
  const shifts = sorted(now.flatMap((a) => then.map((b) => a - b)));
  const { length: pairs } = shifts;
  const deviation = Math.sqrt(pairs * (now.length + then.length + 1) / 12);
  // The half corrects for the statistic being a whole number.
  const outside = Math.floor(pairs / 2 - NORMAL * deviation - 0.5);
  if (outside < 0) return undefined;
  return {
    median: median(shifts),
    low: shifts[outside]!,
    high: shifts[pairs - 1 - outside]!,
  };
}

/**
 * The ratio of two series that weren't measured together; differences of the machine between then and now are
 * part of it. It is computed on the logarithms: by `shiftOf()` if either has 6 rounds or more, otherwise by
 * Welch's t interval (Biometrika 34, 1947). One round on either side says nothing about noise: a factor of two
 * is assumed.
 */
export function unpairedRatio(newMs: readonly number[], oldMs: readonly number[]): Interval {
  const [now, then] = [newMs.map(logOfTime), oldMs.map(logOfTime)];
  const middle = median(now) - median(then);
  if (now.length === 1 || then.length === 1) return fromLogs(around(middle, middle, SINGLE_ROUND));
  const isMany = Math.max(now.length, then.length) >= SIGN_ROUNDS;
  const shift = isMany ? shiftOf(now, then) : undefined;
  if (shift !== undefined) return fromLogs(shift);
  const [a, b] = [meanAndDeviation(now), meanAndDeviation(then)];
  const [va, vb] = [a.deviation ** 2 / now.length, b.deviation ** 2 / then.length];
  // Welch and Satterthwaite's degrees of freedom.
  const freedom = (va + vb) ** 2 / (va ** 2 / (now.length - 1) + vb ** 2 / (then.length - 1));
  const t = studentQuantile((1 + CONFIDENCE) / 2, Math.max(1, Math.floor(freedom)));
  return fromLogs(around(middle, a.mean - b.mean, t * Math.sqrt(va + vb)));
}

export type Difference = "faster" | "slower" | "no detectable difference";

/** The conclusion from an interval of the ratio new over old: a difference only if it excludes 1. */
export function differenceOf({ low, high }: Interval): Difference {
  if (low > 1) return "slower";
  return high < 1 ? "faster" : "no detectable difference";
}

/**
 * The confidence, 0 to 1, that the ratio `above / below`, paired by round, is greater than a bound: one-sided,
 * by Student's t on the logarithms. A single round gives 0.9 for a factor of two beyond the bound, and never
 * more.
 */
export function confidenceAbove(above: readonly number[], below: readonly number[], bound = 1) {
  const logs = logRatios(above, below);
  const { mean, deviation } = meanAndDeviation(logs);
  const distance = mean - Math.log(bound);
  if (logs.length === 1) {
    return Math.min(0.9, Math.max(0.1, 0.5 + 0.4 * distance / SINGLE_ROUND));
  }
  return studentCdf(distance / (deviation / Math.sqrt(logs.length)), logs.length - 1);
}
