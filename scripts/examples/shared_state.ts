/**
 * Numbers its items with a counter that all tasks share: only one lane with one slot gets it right.
 */

/** What reports call it. */
export const title = "number the orders";

/** The orders. */
export const items: readonly string[] = Array.from({ length: 100 }, (_, order) => `order ${order}`);

let last = 0;

/** Gives an order the next number. */
export default async function number(order: string): Promise<string> {
  const before = last;
  // Whoever else runs meanwhile has read the same number: the update is lost.
  await new Promise((resolve) => setTimeout(resolve, 3));
  last = before + 1;
  return `${order}: ${last}`;
}
