/** Waits for a random time that differs in each run. @module */
import { numbers, wait } from "./compute.ts";

export const items = numbers(60);

export default async function (item: number): Promise<number> {
  await wait(30 * Math.random());
  return item;
}
