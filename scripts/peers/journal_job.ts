/** A job of endless numbers, for what a journal of it costs. */

export { busy } from "./tasks.ts";

export function same(item: number): number {
  return item;
}

export function* items(): Generator<number> {
  for (let item = 1;; item++) yield item;
}
