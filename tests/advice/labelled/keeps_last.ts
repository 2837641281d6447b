/** Computes a table per ten neighbours and keeps the last; another order computes more tables. @module */
import { compute, numbers } from "./compute.ts";

let last = -1;
let table = 0;

export const items = numbers(240).map((n) => ({ key: Math.floor(n / 10), n }));

export default function ({ key, n }: typeof items[number]): number {
  if (key !== last) [last, table] = [key, compute(40_000, key)];
  return (table + n) % 1009;
}
