/**
 * An order in which the first few of a job's items are a fair share of all: they lie spread over the
 * job, so that items that grow, fall or come in two kinds are seen for what they are.
 *
 * @module
 */

/** More places than this are told of no order: nobody runs so many for advice. */
const MOST_PLACES = 1 << 16;

/**
 * The order: places counted in binary and read backwards (van der Corput, "Verteilungsfunktionen",
 * 1935), each of them once.
 *
 * @param most How many of the places are wanted; 65,536 unless given.
 */
export function spreadOrder(count: number, most = MOST_PLACES): number[] {
  const bits = Math.max(0, Math.ceil(Math.log2(Math.max(1, count))));
  const order: number[] = [];
  for (let turn = 0; order.length < Math.min(count, most); turn++) {
    let place = 0;
    for (let bit = 0; bit < bits; bit++) place = place * 2 + (turn >> bit & 1);
    if (place < count) order.push(place);
  }
  return order;
}

/**
 * Puts items in that order.
 *
 * @param first How many of its first items belong to the job; all unless given.
 */
export function spreadItems<Items>(
  items: Items,
  first = Infinity,
  most = MOST_PLACES,
): Items | unknown[] {
  if (!Array.isArray(items)) return items;
  return spreadOrder(Math.min(items.length, first), most).map((place) => items[place]);
}
