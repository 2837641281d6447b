/**
 * An order in which the first few of a job's items are a fair share of all: they lie spread over the
 * job, so that items that grow, fall or come in two kinds are seen for what they are.
 *
 * @module
 */

/**
 * The order: places counted in binary and read backwards (van der Corput, "Verteilungsfunktionen",
 * 1935), each of them once.
 *
 * @param count How many items there are.
 * @returns The items' places, the first of all first.
 *
 * @example
 * ```ts
 * import { spreadOrder } from "./spread.ts";
 *
 * console.log(spreadOrder(5)); // [0, 4, 2, 1, 3]
 * ```
 */
export function spreadOrder(count: number): number[] {
  const bits = Math.max(0, Math.ceil(Math.log2(Math.max(1, count))));
  const order: number[] = [];
  for (let turn = 0; order.length < count; turn++) {
    let place = 0;
    for (let bit = 0; bit < bits; bit++) place = place * 2 + (turn >> bit & 1);
    if (place < count) order.push(place);
  }
  return order;
}

/**
 * Puts items in that order.
 *
 * @param items The items; only a list has places.
 * @param first How many of its first items belong to the job; all unless given.
 * @returns The list's items in another order; anything else as it is.
 *
 * @example
 * ```ts
 * import { spreadItems } from "./spread.ts";
 *
 * console.log(spreadItems(["a", "b", "c"], 3)); // ["a", "c", "b"]
 * ```
 */
export function spreadItems<Items>(items: Items, first = Infinity): Items | unknown[] {
  if (!Array.isArray(items)) return items;
  return spreadOrder(Math.min(items.length, first)).map((place) => items[place]);
}
