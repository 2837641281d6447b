/** Computes, each item longer than the one before. @module */
import { compute, numbers } from "./compute.ts";

export const items = numbers(60);

export default function (item: number): number {
  return compute(600 + 12 * item * item, item);
}
