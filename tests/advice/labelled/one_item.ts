/** Computes one item, so nothing can run at the same time. @module */
import { compute } from "./compute.ts";

export const items = [1];

export default function (item: number): number {
  return compute(200_000, item);
}
