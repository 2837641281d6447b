/**
 * Which further sizes to measure: those around the bend, where the curve says most.
 *
 * @module
 */

import type { CurvePoint } from "./knee.ts";

/** A bend below this is taken for noise: the gain of doubling fell by less than about an eighth. */
export const LEAST_BEND = 0.2;

/**
 * Finds the sizes that halve both gaps next to the largest bend.
 *
 * The bend at a size is how much the curve's slope falls there with both axes logarithmic: 1 before and
 * 0 after means that doubling the size doubled the throughput until there and gained nothing
 * afterwards. Gaps are halved on the same scale, by the geometric mean.
 *
 * @param points The curve, in any order; throughputs above 0.
 * @param leastBend The least fall of the slope to be looked at; default {@linkcode LEAST_BEND}.
 * @returns None, one or two whole sizes that weren't measured yet, in ascending order.
 *
 * @example
 * ```ts
 * import { refinements } from "./refine.ts";
 *
 * const curve = [[1, 50], [2, 100], [4, 200], [8, 210], [16, 210]] as const;
 * console.log(refinements(curve.map(([size, throughputPerSecond]) => ({ size, throughputPerSecond })))); // [3, 6]
 * ```
 */
export function refinements(points: readonly CurvePoint[], leastBend = LEAST_BEND): number[] {
  const curve = points.filter(({ throughputPerSecond }) => throughputPerSecond > 0)
    .toSorted((a, b) => a.size - b.size);
  const slope = (i: number) => {
    const [from, to] = [curve[i]!, curve[i + 1]!];
    return Math.log(to.throughputPerSecond / from.throughputPerSecond) /
      Math.log(to.size / from.size);
  };
  const bends = curve.slice(1, -1).map((_, i) => slope(i) - slope(i + 1));
  const largest = Math.max(...bends);
  if (!(largest >= leastBend)) return [];
  const at = bends.indexOf(largest) + 1;
  return [[at - 1, at], [at, at + 1]].flatMap(([from, to]) => {
    const [low, high] = [curve[from!]!.size, curve[to!]!.size];
    const middle = Math.round(Math.sqrt(low * high));
    return middle > low && middle < high ? [middle] : [];
  });
}
