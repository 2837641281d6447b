/** The items never end, and each task waits 5 ms. @module */
import { wait } from "./compute.ts";

export function* items(): Generator<number> {
  for (let item = 0;; item++) yield item;
}

export default async function (item: number): Promise<number> {
  await wait(5);
  return item;
}
