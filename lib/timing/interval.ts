/**
 * The interval of a time, or of the ratio of two times, from a handful of rounds.
 *
 * Everything is done on logarithms: a ratio of 2 and one of ½ are then equally far from 1, and the
 * noise of times, which is skewed, comes nearer to symmetry.
 *
 * Which method holds depends on how many rounds there are:
 *
 * - **1 round** tells nothing about noise. A factor of two either way is assumed, so that only what
 *   nobody doubts is called a difference.
 * - **2 to 5 rounds**: Student's t interval (Student, Biometrika 6, 1908). No bootstrap can hold 95 %
 *   here: every resample lies between the least and the greatest value, and all of three values lie on
 *   one side of the truth in 25 % of cases. The deviation is taken as 1 % at least, since rounds that
 *   agree better than that do so by luck (the "fudge factor" of Tusher, Tibshirani and Chu, PNAS 98,
 *   2001).
 * - **6 rounds and more**: the percentile bootstrap of the median, widened where needed to the sign
 *   test's interval (Conover, "Practical Nonparametric Statistics", 1999, section 3.2), which is exact
 *   for noise of any shape. One wild round can't spoil it.
 *
 * @module
 */

import { CONFIDENCE } from "../judge/thresholds.ts";
import { bootstrapMedian } from "./bootstrap.ts";
import type { Interval } from "./result.ts";
import { median, type Sorted, sorted } from "./statistics.ts";
import { studentQuantile } from "./student_t.ts";

/** How an interval is made. */
export interface IntervalOptions {
  /** Where the bootstrap's chance starts; default 0. */
  readonly seed?: number;
}

/** From this many rounds on the bootstrap holds what it promises. */
export const BOOTSTRAP_ROUNDS = 6;

/** What Student's t is asked for: a little more, for times whose noise isn't quite log-normal. */
const SMALL_SAMPLE_CONFIDENCE = 0.96;

/** The least deviation, on the logarithm, that a few rounds are believed. */
export const LEAST_DEVIATION = 0.01;

/** What a single round is assumed to be off by, on the logarithm. */
export const SINGLE_ROUND: number = Math.LN2;

/** The clock's resolution, in milliseconds: a time of 0 means less than this. */
const CLOCK_MS = 0.001;

/** Mean and standard deviation of a few logarithms, the deviation never believed below 1 %. */
export function meanAndDeviation(logs: readonly number[]): { mean: number; deviation: number } {
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const squares = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0);
  const deviation = logs.length < 2 ? 0 : Math.sqrt(squares / (logs.length - 1));
  return { mean, deviation: Math.max(deviation, LEAST_DEVIATION) };
}

/** The sign test's interval of a median: the widest inner pair of order statistics that holds. */
function signInterval(sample: Sorted, confidence: number): [number, number] {
  const n = sample.length;
  let tail = 0;
  let chosen = 0;
  let combinations = 1;
  for (let k = 0; k < n / 2; k++) {
    // The chance that at most k of n values lie below the median: a binomial sum with p = ½.
    tail += combinations / 2 ** n;
    if (2 * tail > 1 - confidence) break;
    chosen = k;
    combinations = combinations * (n - k) / (k + 1);
  }
  return [sample[chosen]!, sample[n - 1 - chosen]!];
}

function logInterval(logs: readonly number[], seed: number): Interval {
  const sample = sorted(logs);
  const middle = median(logs);
  if (logs.length === 1) {
    return { median: middle, low: middle - SINGLE_ROUND, high: middle + SINGLE_ROUND };
  }
  if (logs.length < BOOTSTRAP_ROUNDS) {
    const { mean, deviation } = meanAndDeviation(logs);
    const reach = studentQuantile((1 + SMALL_SAMPLE_CONFIDENCE) / 2, logs.length - 1) * deviation /
      Math.sqrt(logs.length);
    return { median: middle, low: mean - reach, high: mean + reach };
  }
  const boot = bootstrapMedian(logs, { seed, confidence: CONFIDENCE });
  const sign = signInterval(sample, CONFIDENCE);
  return {
    median: middle,
    low: Math.min(boot[0], sign[0]),
    high: Math.max(boot[1], sign[1]),
  };
}

/**
 * The logarithm of a time; one below the clock's resolution counts as that resolution.
 *
 * @param timeMs The time in milliseconds.
 * @throws {RangeError} If it is negative or not finite.
 */
export function logOfTime(timeMs: number): number {
  if (!Number.isFinite(timeMs) || timeMs < 0) {
    throw new RangeError(`Cannot compare times: ${timeMs} ms is not a time`);
  }
  return Math.log(Math.max(timeMs, CLOCK_MS));
}

/** An interval of logarithms as one of plain numbers. */
export function fromLogs({ median, low, high }: Interval): Interval {
  return { median: Math.exp(median), low: Math.exp(low), high: Math.exp(high) };
}

/**
 * Median and 95 % interval of a time that was measured several times.
 *
 * @param timesMs The times, in milliseconds; at least one.
 * @returns Median and both ends, in milliseconds.
 * @throws {RangeError} If there is none, or one is negative or not finite.
 */
export function timeInterval(timesMs: readonly number[], options: IntervalOptions = {}): Interval {
  const { low, high } = fromLogs(logInterval(timesMs.map(logOfTime), options.seed ?? 0));
  return { median: median(timesMs), low, high };
}

/**
 * The ratios of two series of times, paired by round, on the logarithm.
 *
 * @param above The times above the line, in milliseconds.
 * @throws {RangeError} If the series differ in length, or are empty.
 */
export function logRatios(above: readonly number[], below: readonly number[]): number[] {
  if (above.length !== below.length || above.length === 0) {
    throw new RangeError(
      `Cannot pair times by round: ${above.length} against ${below.length} rounds`,
    );
  }
  return above.map((time, round) => logOfTime(time) - logOfTime(below[round]!));
}

/**
 * Median and 95 % interval of a ratio, paired by round: `above[i]` and `below[i]` were measured in the
 * same round, so that what slowed the machine in it slowed both.
 *
 * @throws {RangeError} If the rounds differ in number or a value isn't a time.
 */
export function pairedRatio(
  above: readonly number[],
  below: readonly number[],
  options: IntervalOptions = {},
): Interval {
  return fromLogs(logInterval(logRatios(above, below), options.seed ?? 0));
}
