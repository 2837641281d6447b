/** Computes, each item shorter than the one before; a generator yields the items. @module */
import { compute } from "./compute.ts";

export function* items(): Generator<number> {
  for (let item = 60; item > 0; item--) yield item;
}

export default function (item: number): number {
  return compute(600 + 12 * item * item, item);
}
