/** Waits for the first half of its items, and computes for the second. @module */
import { compute, numbers, wait } from "./compute.ts";

export const items = numbers(120);

export default async function (item: number): Promise<number> {
  if (item > 60) return compute(12_000, item);
  await wait(12);
  return item;
}
