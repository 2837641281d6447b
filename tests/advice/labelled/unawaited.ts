/** Starts about 3 ms of computing, and settles without waiting for it. @module */
import { compute, numbers } from "./compute.ts";

export const items = numbers(200);

export default function (item: number): number {
  setTimeout(() => compute(2_500, item), 0);
  return item;
}
