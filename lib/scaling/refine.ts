/**
 * Which further sizes to measure: those around the bend, where the curve says most.
 *
 * @module
 */

import type { CurvePoint } from "./laws/knee.ts";

/** A bend below this is taken for noise: the gain of doubling fell by less than about an eighth. */
export const LEAST_BEND = 0.2;

/** How many standard errors a bend must be large, so that noise isn't looked into. */
const SURE_ERRORS = 2;

/** A size, its throughput, and how sure that is. */
export interface NoisyPoint extends CurvePoint {
  /** Standard error of the throughput's logarithm, that is its relative error; default 0. */
  readonly relativeError?: number;
}

/** A curve in ascending order, on logarithmic axes. */
interface LogCurve {
  readonly sizes: readonly number[];
  readonly slopes: readonly number[];
  /** Standard errors of the slopes. */
  readonly errors: readonly number[];
}

function logCurve(points: readonly NoisyPoint[]): LogCurve {
  const curve = points.filter(({ throughputPerSecond }) => throughputPerSecond > 0)
    .toSorted((a, b) => a.size - b.size);
  const steps = curve.slice(1).map((to, i) => {
    const from = curve[i]!;
    const width = Math.log(to.size / from.size);
    return {
      slope: Math.log(to.throughputPerSecond / from.throughputPerSecond) / width,
      error: Math.hypot(from.relativeError ?? 0, to.relativeError ?? 0) / width,
    };
  });
  return {
    sizes: curve.map(({ size }) => size),
    slopes: steps.map(({ slope }) => slope),
    errors: steps.map(({ error }) => error),
  };
}

/**
 * Finds the sizes that halve both gaps next to the largest bend.
 *
 * The bend at a size is how much the curve's slope falls there with both axes logarithmic: 1 before and
 * 0 after means that doubling the size doubled the throughput until there and gained nothing
 * afterwards. Gaps are halved on the same scale, by the geometric mean. A bend that isn't twice its
 * standard error is left alone: the nearer two sizes, the more noise there is in a slope.
 *
 * @param leastBend The least fall of the slope to be looked at; default {@linkcode LEAST_BEND}.
 */
export function refinements(points: readonly NoisyPoint[], leastBend = LEAST_BEND): number[] {
  const { sizes, slopes, errors } = logCurve(points);
  const bends = slopes.slice(1).map((slope, i) => {
    const bend = slopes[i]! - slope;
    return bend >= SURE_ERRORS * Math.hypot(errors[i]!, errors[i + 1]!) ? bend : 0;
  });
  const largest = Math.max(...bends);
  if (!(largest >= leastBend)) return [];
  const at = bends.indexOf(largest) + 1;
  return [[at - 1, at], [at, at + 1]].flatMap(([from, to]) => {
    const [low, high] = [sizes[from!]!, sizes[to!]!];
    const middle = Math.round(Math.sqrt(low * high));
    return middle > low && middle < high ? [middle] : [];
  });
}

/** A curve that rises by this share of perfect or more has its end still before it. */
export const STILL_RISING = 0.5;

/**
 * The next larger size, if the curve still rises at its end: a doubling that gained half of what is
 * perfect, on logarithmic axes, or more.
 *
 * @returns Twice the largest size; undefined if that is more than `most`, or the curve has flattened.
 */
export function extension(points: readonly NoisyPoint[], most: number): number | undefined {
  const { sizes, slopes } = logCurve(points);
  const next = 2 * (sizes.at(-1) ?? Infinity);
  return next <= most && (slopes.at(-1) ?? 0) >= STILL_RISING ? next : undefined;
}
