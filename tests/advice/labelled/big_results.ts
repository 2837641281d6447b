/** Computes 20 ms and returns 2 MB. @module */
import { compute, numbers } from "./compute.ts";

export const items = numbers(80);

export default function (item: number): Uint8Array {
  return new Uint8Array(2 << 20).fill(compute(15_000, item));
}
