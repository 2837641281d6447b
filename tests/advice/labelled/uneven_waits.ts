/** Waits: most items a short time, some long, like answers from a distant server. @module */
import { numbers, wait } from "./compute.ts";

export const items = numbers(200);

export default async function (item: number): Promise<number> {
  // The waits have a heavy tail from 2 ms to about 150 ms, the same in every run.
  const even = (item * 0.6180339887) % 1;
  await wait(Math.min(150, 2 / (1.01 - even)));
  return item;
}
