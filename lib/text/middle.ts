/**
 * The middle of a few figures, for tables.
 *
 * @module
 */

import { median } from "simple-statistics";

/**
 * The median: the middle value, or the mean of the two in the middle.
 *
 * @returns Their median, NaN if there are none.
 */
export function middle(values: readonly number[]): number {
  const figures = values.filter((value) => !Number.isNaN(value));
  return figures.length === 0 ? NaN : median(figures);
}
