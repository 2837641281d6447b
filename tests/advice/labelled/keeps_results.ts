/** Computes what it has not computed before: each lane has to do all of that by itself. @module */
import { compute, numbers } from "./compute.ts";

const known = new Map<number, number>();

export const items = numbers(240).map((n) => n % 40);

export default function (item: number): number {
  return known.getOrInsertComputed(item, () => compute(25_000, item));
}
