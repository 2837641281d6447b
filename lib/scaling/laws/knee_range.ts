/**
 * The knee of a sweep, and how sure it is.
 *
 * @module
 */

import { randomBelow, seededRandom } from "../../timing/random.ts";
import { median } from "../../timing/statistics.ts";
import type { Series } from "./fit_law.ts";
import { findKnee } from "./knee.ts";
import type { SweepResult } from "../sweep_result.ts";

/** How often rounds are drawn anew to see where the knee could be. */
const KNEE_RESAMPLES = 300;
/** A curve that rises by less than this is flat: what noise draws on it isn't a knee. */
const LEAST_RISE = 1.2;

/**
 * Finds the knee of the medians, and how far it moves when each size's rounds are drawn anew.
 *
 * @returns The knee with the least and the greatest of those drawn; null if there is none, if the curve
 * is flat, or if half of the curves drawn have none.
 */
export function kneeOf(series: readonly Series[], seed: number): SweepResult["knee"] {
  const curve = (draw: (values: readonly number[]) => readonly number[]) =>
    series.map(({ size, throughputs }) => ({
      size,
      throughputPerSecond: median(draw(throughputs)),
    }));
  if (series.length === 0) return null;
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
