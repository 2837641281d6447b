/** Waits 4 ms and computes for a share of its time that is neither small nor nearly all. @module */
import { compute, numbers, wait } from "./compute.ts";

export const items = numbers(120);

export default async function (item: number): Promise<number> {
  await wait(4);
  return compute(6_500, item);
}
