/** Waits, and gives its place in the run, which every model must tell alike. @module */
import { numbers, wait } from "./compute.ts";

export const items = numbers(100);

export default async function (item: number, context: { index: number }): Promise<number> {
  await wait(10 + item % 3);
  return context.index;
}
