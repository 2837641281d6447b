/** Adds one to 500 numbers. @module */
import { numbers } from "./compute.ts";

export const items = numbers(500);

export default function (item: number): number {
  return item + 1;
}
