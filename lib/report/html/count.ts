/**
 * Whole numbers as people read them.
 *
 * @module
 */

/**
 * A count with its thousands apart.
 *
 * @param count A whole number.
 * @returns Such as "100,000"; "–" for NaN.
 *
 * @example
 * ```ts
 * import { formatCount } from "./count.ts";
 *
 * console.log(formatCount(100_000)); // "100,000"
 * ```
 */
export function formatCount(count: number): string {
  return Number.isNaN(count) ? "–" : count.toLocaleString("en");
}
