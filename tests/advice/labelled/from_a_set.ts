/** Waits, for the items of a Set. @module */
import { numbers, wait } from "./compute.ts";

export const items = new Set(numbers(120));

export default async function (item: number): Promise<number> {
  await wait(10 + item % 5);
  return item;
}
