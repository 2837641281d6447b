/** Computes with a table that `items` makes: other lanes don't have it. @module */
import { compute, numbers } from "./compute.ts";

let table: { readonly factor: number } | undefined;

export function items(): number[] {
  table = { factor: 3 };
  return numbers(80);
}

export default function (item: number): number {
  return compute(9_000 * table!.factor / 3, item);
}
