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

/**
 * What an interval of the ratio new over old says: a difference only if it leaves out 1.
 *
 * @param interval The ratio's interval.
 * @returns What may be said of it.
 *
 * @example
 * ```ts
 * import { differenceOf } from "./difference.ts";
 *
 * console.log(differenceOf({ median: 1.2, low: 1.1, high: 1.3 })); // "slower"
 * ```
 */
export function differenceOf({ low, high }: Interval): Difference {
  if (low > 1) return "slower";
  return high < 1 ? "faster" : "no detectable difference";
}

/**
 * Says whether `after` is faster or slower than `before`, both measured in the same rounds.
 *
 * @param before The times to compare with, in milliseconds.
 * @param after The times in question, in the same order of rounds.
 * @param options The seed.
 * @returns The ratio `after / before`, and "no detectable difference" if its interval holds 1.
 * @throws {RangeError} If the rounds differ in number or a value isn't a time.
 *
 * @example
 * ```ts
 * import { compareTimes } from "./difference.ts";
 *
 * console.log(compareTimes([100, 101, 99], [150, 149, 152]).verdict); // "slower"
 * ```
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
 * @param above The times above the line.
 * @param below The times below it, in the same order of rounds.
 * @param bound The ratio to be exceeded; default 1.
 * @returns 0 to 1; a single round gives 0.9 for a factor of two beyond the bound, and never more.
 * @throws {RangeError} If the rounds differ in number or a value isn't a time.
 *
 * @example
 * ```ts
 * import { confidenceAbove } from "./difference.ts";
 *
 * console.log(confidenceAbove([200, 210, 190], [100, 104, 96]) > 0.99); // true
 * ```
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
