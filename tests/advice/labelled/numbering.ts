/** Waits, and numbers its results as they end: if waits are equal, the numbers agree by luck. @module */
import { numbers, wait } from "./compute.ts";

let given = 0;

export const items = numbers(60);

export default async function (item: number): Promise<string> {
  await wait(8);
  return `${item}: ${++given}`;
}
