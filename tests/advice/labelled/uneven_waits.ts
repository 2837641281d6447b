/** Waits: most items shortly, some long, as answers from afar do. @module */
import { numbers, wait } from "./compute.ts";

export const items = numbers(200);

export default async function (item: number): Promise<number> {
  // A heavy tail, the same every time: from 2 ms to some 150.
  const even = (item * 0.6180339887) % 1;
  await wait(Math.min(150, 2 / (1.01 - even)));
  return item;
}
