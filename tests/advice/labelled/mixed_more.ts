/** Waits 4 ms and computes, a share that is neither little nor nearly all. @module */
import { compute, numbers, wait } from "./compute.ts";

export const items = numbers(120);

export default async function (item: number): Promise<number> {
  await wait(4);
  return compute(6_500, item);
}
