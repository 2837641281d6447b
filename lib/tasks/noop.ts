/**
 * Task: nothing. Gives its item back, so that what remains to be measured is the way there and back.
 *
 * @module
 */

/**
 * Gives back its item.
 *
 * @param item Anything that can be cloned.
 * @returns The item.
 *
 * @example
 * ```ts
 * import noop from "./noop.ts";
 *
 * console.log(noop(7)); // 7
 * ```
 */
export default function noop<Item>(item: Item): Item {
  return item;
}
