/**
 * Numbers its items with a counter that all tasks share: only one lane with one slot gets it right.
 */

/** The job's name in reports. */
export const title = "number the orders";

export const items: readonly string[] = Array.from({ length: 100 }, (_, order) => `order ${order}`);

let last = 0;

/** Returns an order with the next number. */
export default async function number(order: string): Promise<string> {
  const before = last;
  // A task that runs meanwhile reads the same number, so one of the two updates is lost.
  await new Promise((resolve) => setTimeout(resolve, 3));
  last = before + 1;
  return `${order}: ${last}`;
}
