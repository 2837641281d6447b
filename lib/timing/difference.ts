/**
 * What follows from the ratio of two series of times: faster, slower, or no detectable difference.
 *
 * @module
 */

import {
  type IntervalOptions,
  logRatios,
  meanAndDeviation,
  pairedRatio,
  SINGLE_ROUND,
} from "./interval.ts";
import type { Interval } from "./result.ts";
import { studentCdf } from "./student_t.ts";

/** What comparing two series of times comes to. */
export type Difference = "faster" | "slower" | "no detectable difference";

/** The ratio of two series of times, its interval, and what follows from it. */
export interface TimeComparison extends Interval {
  /** Whether the interval leaves out 1. */
  readonly verdict: Difference;
}

/** What an interval of the ratio new over old says: a difference only if it leaves out 1. */
export function differenceOf({ low, high }: Interval): Difference {
  if (low > 1) return "slower";
  return high < 1 ? "faster" : "no detectable difference";
}

/**
 * Says whether `after` is faster or slower than `before`, both measured in the same rounds.
 *
 * @param before The times to compare with, in milliseconds.
 * @returns The ratio `after / before`, and "no detectable difference" if its interval holds 1.
 * @throws {RangeError} If the rounds differ in number or a value isn't a time.
 */
export function compareTimes(
  before: readonly number[],
  after: readonly number[],
  options: IntervalOptions = {},
): TimeComparison {
  const ratio = pairedRatio(after, before, options);
  return { ...ratio, verdict: differenceOf(ratio) };
}

/**
 * How sure it is that the ratio `above / below`, paired by round, is greater than a bound: one-sided,
 * by Student's t on the logarithms.
 *
 * @param bound The ratio to be exceeded; default 1.
 * @returns 0 to 1; a single round gives 0.9 for a factor of two beyond the bound, and never more.
 * @throws {RangeError} If the rounds differ in number or a value isn't a time.
 */
export function confidenceAbove(
  above: readonly number[],
  below: readonly number[],
  bound = 1,
): number {
  const logs = logRatios(above, below);
  const { mean, deviation } = meanAndDeviation(logs);
  const distance = mean - Math.log(bound);
  if (logs.length === 1) {
    return Math.min(0.9, Math.max(0.1, 0.5 + 0.4 * distance / SINGLE_ROUND));
  }
  return studentCdf(distance / (deviation / Math.sqrt(logs.length)), logs.length - 1);
}
