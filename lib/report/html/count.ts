/**
 * Whole numbers as people read them.
 *
 * @module
 */

/** A count with its thousands apart. */
export function formatCount(count: number): string {
  return Number.isNaN(count) ? "–" : count.toLocaleString("en");
}
