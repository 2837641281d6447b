/**
 * Tasks of one millisecond, one that computes and one that waits.
 *
 * @module
 */

/**
 * Computes for a millisecond.
 *
 * @param item Any number.
 * @returns The same number.
 */
export function busy(item: number): number {
  const end = performance.now() + 1;
  while (performance.now() < end);
  return item;
}

/**
 * Waits for a millisecond.
 *
 * @param item Any number.
 * @returns The same number, later.
 */
export function timer(item: number): Promise<number> {
  return new Promise((resolve) => setTimeout(() => resolve(item), 1));
}
