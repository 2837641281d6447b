/** Computes, and keeps a count and a list that nothing reads: each lane can have its own. @module */
import { compute, numbers } from "./compute.ts";

const seen: number[] = [];
let count = 0;

export const items = numbers(140);

export default function (item: number): number {
  seen.push(item);
  count++;
  return compute(10_000, item);
}
