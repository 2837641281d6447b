/** Computes for about 12 ms and never waits. @module */
import { compute, numbers } from "./compute.ts";

export const items = numbers(160);

export default function (item: number): number {
  return compute(10_000, item);
}
