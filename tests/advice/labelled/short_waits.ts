/** Waits 1 ms and computes for about 0.2 ms. @module */
import { compute, numbers, wait } from "./compute.ts";

export const items = numbers(1000);

export default async function (item: number): Promise<number> {
  await wait(1);
  return compute(150, item);
}
