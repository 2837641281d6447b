/**
 * Measures a pool that takes tasks one by one, in the two ways in which such pools are used.
 *
 * @module
 */

import { numbers, report, total } from "./reading.ts";

/**
 * Sends the numbers 1 to `items` through a pool, and reports.
 *
 * @param run Runs the no-op task on one number.
 * @param mode `"one"` waits for each before the next is sent; `"all"` sends all of them at once, and
 *   leaves it to the pool how many are in flight.
 * @param items How many to send. A tenth, 200 at least, goes first and isn't counted.
 * @returns When the reading was printed.
 */
export async function roundTrips(
  run: (item: number) => PromiseLike<unknown>,
  mode: string,
  items: number,
): Promise<void> {
  await Promise.all(numbers(Math.max(200, items / 10)).map(run));
  const input = numbers(items);
  let results: unknown[] = [];
  const start = performance.now();
  if (mode === "one") {
    for (const item of input) results.push(await run(item));
  } else {
    results = await Promise.all(input.map(run));
  }
  const ms = performance.now() - start;
  report({ items: results.length, sum: total(results), ms });
}
