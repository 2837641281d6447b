/** Computes, and adds to a total that all tasks share. @module */
import { compute, numbers } from "./compute.ts";

let total = 0;

export const items = numbers(80);

export default function (item: number): number {
  total += compute(9_000, item) & 0xff;
  return total;
}
