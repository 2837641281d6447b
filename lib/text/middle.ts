/**
 * The middle of a few figures, for tables.
 *
 * @module
 */

import { median } from "simple-statistics";

/**
 * The median: the middle value, or the mean of the two in the middle.
 *
 * @param values Figures in any order; those that are NaN are left out.
 * @returns Their median, NaN if there are none.
 *
 * @example
 * ```ts
 * import { middle } from "./middle.ts";
 *
 * console.log(middle([3, 1, 2])); // 2
 * ```
 */
export function middle(values: readonly number[]): number {
  const figures = values.filter((value) => !Number.isNaN(value));
  return figures.length === 0 ? NaN : median(figures);
}
