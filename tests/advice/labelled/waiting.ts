/** Waits 15 ms and computes nothing. @module */
import { numbers, wait } from "./compute.ts";

export const items = numbers(120);

export default async function (item: number): Promise<number> {
  await wait(15);
  return item;
}
