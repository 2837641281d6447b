/** Computes: most items a short time, every tenth ten times as long. @module */
import { compute, numbers } from "./compute.ts";

export const items = numbers(150);

export default function (item: number): number {
  return compute(item % 10 === 0 ? 30_000 : 3_000, item);
}
