/** Waits, and adds to its neighbour's sum: if waits are equal, the sums agree by luck. @module */
import { numbers, wait } from "./compute.ts";

interface Link {
  readonly before: Link | undefined;
  readonly value: number;
  sum: number;
}

export const items: Link[] = [];
for (const value of numbers(60)) items.push({ before: items.at(-1), value, sum: 0 });

export default async function (link: Link): Promise<number> {
  await wait(8);
  return link.sum = (link.before?.sum ?? 0) + link.value;
}
