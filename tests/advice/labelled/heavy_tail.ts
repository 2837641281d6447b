/** Waits: most items a short time, a few of them very long. @module */
import { numbers, wait } from "./compute.ts";

export const items = numbers(150);

export default async function (item: number): Promise<number> {
  await wait(item % 25 === 0 ? 200 : 5 + item % 7);
  return item;
}
