/**
 * Where a curve of throughput bends: before it more slots or lanes pay, beyond it they hardly do.
 *
 * @module
 */

/** A size and its throughput. */
export interface CurvePoint {
  /** Slots or lanes. */
  readonly size: number;
  /** Items a second. */
  readonly throughputPerSecond: number;
}

/** The definition in a sentence, for reports. */
export const KNEE_DEFINITION: string =
  "the knee is Kneedle's (Satopää et al. 2011, sensitivity 1): the size whose median throughput " +
  "lies farthest above the straight line from the smallest to the largest, both scaled to 0 to 1";

function scaled(values: readonly number[]): number[] {
  const low = Math.min(...values);
  const range = Math.max(...values) - low;
  return values.map((value) => range > 0 ? (value - low) / range : 0);
}

/**
 * Finds the knee by Kneedle (Satopää, Albrecht, Irwin and Raghavan, "Finding a 'Kneedle' in a
 * Haystack", ICDCS Workshops 2011), without its smoothing: medians of rounds are smooth already.
 *
 * @param sensitivity How flat the curve must get afterwards, in mean steps; default 1 as in the paper.
 * @returns The knee's size; null if the curve has none: fewer than three points, a straight line, or
 * one that gets steeper.
 */
export function findKnee(points: readonly CurvePoint[], sensitivity = 1): number | null {
  const curve = points.toSorted((a, b) => a.size - b.size);
  if (curve.length < 3) return null;
  const x = scaled(curve.map(({ size }) => size));
  const y = scaled(curve.map(({ throughputPerSecond }) => throughputPerSecond));
  const above = y.map((value, i) => value - x[i]!);
  // x is scaled to 0 to 1, so the mean step depends on nothing but the number of points.
  const tolerance = sensitivity / (curve.length - 1);
  let knee: number | null = null;
  for (let i = 1; i < curve.length - 1; i++) {
    const isMaximum = above[i]! >= above[i - 1]! && above[i]! >= above[i + 1]!;
    if (!isMaximum || above[i]! <= 0) continue;
    if (knee !== null && above[i]! <= above[knee]!) continue;
    // Of equal maxima the first is the knee; what follows must fall below the threshold.
    if (above.slice(i + 1).some((later) => later < above[i]! - tolerance)) knee = i;
  }
  return knee === null ? null : curve[knee]!.size;
}
