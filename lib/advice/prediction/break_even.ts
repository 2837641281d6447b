/**
 * From how many items on a model pays.
 *
 * @module
 */

/** More items than this aren't looked at. */
const MOST_ITEMS = 2 ** 40;

/** A model pays once it saves a twentieth. */
const PAYS = 0.95;

/**
 * The least number of items from which a model is faster than the plain loop by a twentieth.
 *
 * @param sequentialMs What so many items take in the plain loop, in milliseconds.
 * @returns The number; null if it never pays.
 */
export function breakEven(
  sequentialMs: (items: number) => number,
  modelMs: (items: number) => number,
): number | null {
  const pays = (items: number) => modelMs(items) <= PAYS * sequentialMs(items);
  // One item alone has nothing to run at the same time.
  let above = 2;
  while (!pays(above)) {
    above *= 2;
    if (above > MOST_ITEMS) return null;
  }
  let below = above / 2;
  while (above - below > 1) {
    const between = Math.floor((above + below) / 2);
    if (pays(between)) above = between;
    else below = between;
  }
  return above;
}
