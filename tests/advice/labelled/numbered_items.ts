/** Waits, and returns its index in the run, which must be the same under every model. @module */
import { numbers, wait } from "./compute.ts";

export const items = numbers(100);

export default async function (item: number, context: { index: number }): Promise<number> {
  await wait(10 + item % 3);
  return context.index;
}
