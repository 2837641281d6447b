/**
 * What a chart of a sweep draws beside what was measured: its curves and its ticks.
 *
 * @module
 */

import { formatNumber } from "../../text/format.ts";

/** How many points a curve is drawn with. */
const STEPS = 120;

/** A point of a curve that isn't measured. */
export interface DrawnPoint {
  /** Slots or lanes. */
  readonly size: number;
  /** Items a second. */
  readonly throughput: number;
}

/**
 * A curve from one size to another, at even steps of a scale.
 *
 * @param from The first size.
 * @param to The last.
 * @param log Whether the scale is logarithmic.
 * @param at The throughput at a size.
 * @returns Its points.
 *
 * @example
 * ```ts
 * import { curve } from "./chart_curve.ts";
 *
 * console.log(curve(1, 64, true, (size) => 50 * size).at(-1)); // { size: 64, throughput: 3200 }
 * ```
 */
export function curve(
  from: number,
  to: number,
  log: boolean,
  at: (size: number) => number,
): DrawnPoint[] {
  return Array.from({ length: STEPS + 1 }, (_, i) => {
    const part = i / STEPS;
    const size = log ? from * (to / from) ** part : from + (to - from) * part;
    return { size, throughput: at(size) };
  });
}

/**
 * Where an axis of sizes has its ticks: at the powers of two, or only at every other where it is narrow.
 *
 * @param low The least size.
 * @param high The greatest.
 * @param wide Whether there is room for each.
 * @returns Sizes in ascending order.
 *
 * @example
 * ```ts
 * import { sizeTicks } from "./chart_curve.ts";
 *
 * console.log(sizeTicks(1, 20, true), sizeTicks(1, 20, false)); // [1, 2, 4, 8, 16] [1, 4, 16]
 * ```
 */
export function sizeTicks(low: number, high: number, wide: boolean): number[] {
  const ticks: number[] = [];
  for (let size = 1; size <= high; size *= wide ? 2 : 4) if (size >= low) ticks.push(size);
  return ticks;
}

/**
 * A number on an axis: whole ones without the decimals that tables give them.
 *
 * @param value The number.
 * @returns Such as "50" or "0.5".
 *
 * @example
 * ```ts
 * import { axisNumber } from "./chart_curve.ts";
 *
 * console.log(axisNumber(50), axisNumber(0.25)); // "50" "0.25"
 * ```
 */
export function axisNumber(value: number): string {
  return Number.isInteger(value) && value < 10_000 ? String(value) : formatNumber(value);
}
