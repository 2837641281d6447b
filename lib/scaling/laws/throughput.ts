/**
 * Throughput, of a trial and by size.
 *
 * @module
 */

import type { TrialResult } from "../../timing/spec.ts";
import { median } from "../../timing/statistics.ts";
import type { NoisyPoint } from "../refine.ts";

/** A trial's throughput. */
export function throughputOf({ round: { succeeded, runMs } }: TrialResult): number {
  return runMs > 0 ? succeeded / runMs * 1000 : 0;
}

/** The standard error of a median of normal values, against that of their mean: √(π/2). */
const MEDIAN_ERROR = Math.sqrt(Math.PI / 2);

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The curve of throughput by size, with the error that all rounds together tell of. */
export function curveOf(trials: ReadonlyMap<number, readonly TrialResult[]>): NoisyPoint[] {
  const sizes = [...trials].map(([size, of]) => ({ size, throughputs: of.map(throughputOf) }));
  const logs = sizes.map(({ throughputs }) => throughputs.filter((x) => x > 0).map(Math.log));
  const spare = logs.reduce((sum, { length }) => sum + Math.max(0, length - 1), 0);
  const squares = logs.flatMap((of) => of.map((log) => (log - mean(of)) ** 2));
  const deviation = spare > 0 ? Math.sqrt(squares.reduce((a, b) => a + b, 0) / spare) : 0;
  return sizes.map(({ size, throughputs }) => ({
    size,
    throughputPerSecond: median(throughputs),
    relativeError: MEDIAN_ERROR * deviation / Math.sqrt(throughputs.length),
  }));
}
