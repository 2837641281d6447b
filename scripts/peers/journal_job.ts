/** A job of endless numbers, to measure what a journal costs. */

export { busy } from "./tasks.ts";

export function same(item: number): number {
  return item;
}

export function* items(): Generator<number> {
  for (let item = 1;; item++) yield item;
}
