/**
 * The bootstrap: how far a median might have come out otherwise, judged by drawing anew from what
 * was measured.
 *
 * @module
 */

import { type Random, randomBelow, seededRandom } from "./random.ts";
import { quantile, type Sorted, sorted } from "./statistics.ts";

/** How a bootstrap is drawn. */
export interface BootstrapOptions {
  /** Where chance starts; the same seed gives the same interval. */
  readonly seed: number;
  /** How often to draw; default 2,000. */
  readonly resamples?: number;
  /** The share of cases in which the interval is to hold the truth; default 0.95. */
  readonly confidence?: number;
}

/** Draws as many values as there are, with replacement, and takes their median by counting. */
function resampledMedian(sample: Sorted, random: Random): number {
  const n = sample.length;
  const counts = new Uint32Array(n);
  for (let draw = 0; draw < n; draw++) counts[randomBelow(random, n)]!++;
  const lower = (n - 1) >> 1;
  const upper = n >> 1;
  let place = 0;
  let seen = counts[0]!;
  while (seen <= lower) seen += counts[++place]!;
  const low = sample[place]!;
  while (seen <= upper) seen += counts[++place]!;
  return low + (sample[place]! - low) / 2;
}

/**
 * The percentile bootstrap interval of a sample's median (Efron, "Bootstrap Methods: Another Look at
 * the Jackknife", Annals of Statistics 7, 1979; Efron and Tibshirani 1993, chapter 13).
 *
 * It can't leave the range of the sample. Of fewer than six values all lie on one side of the truth
 * in 2^(1−n) of cases (25 % of three), so there it holds less than it promises; see interval.ts.
 *
 * @throws {RangeError} If the sample is empty or holds a value that isn't finite.
 */
export function bootstrapMedian(
  values: readonly number[],
  { seed, resamples = 2000, confidence = 0.95 }: BootstrapOptions,
): [low: number, high: number] {
  const sample = sorted(values);
  const random = seededRandom(seed);
  const drawn = sorted(Array.from({ length: resamples }, () => resampledMedian(sample, random)));
  const tail = (1 - confidence) / 2;
  return [quantile(drawn, tail), quantile(drawn, 1 - tail)];
}
