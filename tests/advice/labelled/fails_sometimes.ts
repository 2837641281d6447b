/** Waits; every ninth item fails, whatever the model. @module */
import { numbers, wait } from "./compute.ts";

export const items = numbers(120);

export default async function (item: number): Promise<number> {
  await wait(10);
  if (item % 9 === 0) throw new RangeError(`item ${item} is out of range`);
  return item;
}
