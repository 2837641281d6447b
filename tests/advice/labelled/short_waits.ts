/** Waits 1 ms and computes a fifth of one. @module */
import { compute, numbers, wait } from "./compute.ts";

export const items = numbers(1000);

export default async function (item: number): Promise<number> {
  await wait(1);
  return compute(150, item);
}
