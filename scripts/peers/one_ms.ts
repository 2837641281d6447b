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
 *
 * @example
 * ```ts
 * import { busy } from "./one_ms.ts";
 *
 * console.log(busy(1)); // 1
 * ```
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
 *
 * @example
 * ```ts
 * import { timer } from "./one_ms.ts";
 *
 * console.log(await timer(1)); // 1
 * ```
 */
export function timer(item: number): Promise<number> {
  return new Promise((resolve) => setTimeout(() => resolve(item), 1));
}
