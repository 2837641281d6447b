/** Finds the knee of a curve of throughput, and how sure it is. */

import { randomBelow, seededRandom } from "../timing/random.ts";
import { median } from "../timing/statistics.ts";
import type { Series } from "./laws.ts";
import type { SweepResult } from "./sweep_result.ts";

function scaled(values: readonly number[]): number[] {
  const low = Math.min(...values);
  const range = Math.max(...values) - low;
  return values.map((value) => range > 0 ? (value - low) / range : 0);
}

/**
 * The knee by Kneedle (Satopää, Albrecht, Irwin and Raghavan, ICDCS Workshops 2011), of medians instead of
 * smoothed values; null if there is none.
 */
export function findKnee(points: readonly NonNullable<SweepResult["best"]>[]): number | null {
  const curve = points.toSorted((a, b) => a.size - b.size);
  if (curve.length < 3) return null;
  const x = scaled(curve.map(({ size }) => size));
  const y = scaled(curve.map(({ throughputPerSecond }) => throughputPerSecond));
  const above = y.map((value, i) => value - x[i]!);
  // The mean step; x is scaled to 0 to 1, so it depends only on the number of points.
  const tolerance = 1 / (curve.length - 1);
  let knee: number | null = null;
  for (let i = 1; i < curve.length - 1; i++) {
    // Of equal maxima the first is the knee, and what follows must fall below the threshold. For a point before
    // a maximum this holds only if it holds for the maximum too.
    const isHighest = above[i]! > (knee === null ? 0 : above[knee]!);
    if (isHighest && above.slice(i + 1).some((later) => later < above[i]! - tolerance)) knee = i;
  }
  return knee === null ? null : curve[knee]!.size;
}

/** How often rounds are resampled to see where the knee could be. */
const KNEE_RESAMPLES = 300;
/** A curve that rises by a smaller factor is flat, and a knee in it is only noise. */
const LEAST_RISE = 1.2;

/** The knee, and its lowest and highest size over resampled rounds; null if most of these have none. */
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
  const redrawn = () =>
    curve((values) => values.map(() => values[randomBelow(random, values.length)]!));
  const knees = Array.from({ length: KNEE_RESAMPLES }, () => findKnee(redrawn()))
    .filter((knee) => knee !== null);
  return knees.length < KNEE_RESAMPLES / 2
    ? null
    : { size, low: Math.min(size, ...knees), high: Math.max(size, ...knees) };
}
