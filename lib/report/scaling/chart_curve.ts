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

/** A curve from one size to another, at even steps of a scale. */
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
 */
export function sizeTicks(low: number, high: number, wide: boolean): number[] {
  const ticks: number[] = [];
  for (let size = 1; size <= high; size *= wide ? 2 : 4) if (size >= low) ticks.push(size);
  return ticks;
}

/** A number on an axis: whole ones without the decimals that tables give them. */
export function axisNumber(value: number): string {
  return Number.isInteger(value) && value < 10_000 ? String(value) : formatNumber(value);
}
