/** Fills 48 MB and sorts part of it. @module */
import { numbers } from "./compute.ts";

export const items = numbers(60);

export default function (item: number): number {
  const held = new Float64Array(6_000_000);
  for (let at = 0; at < held.length; at++) held[at] = (at * item) % 9973;
  held.subarray(0, 200_000).sort();
  return held[100_000]!;
}
