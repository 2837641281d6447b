/** Waits for a value that three neighbours share and keeps it; in flight together each waits. @module */
import { numbers, wait } from "./compute.ts";

const known = new Map<number, number>();

export const items = numbers(120);

export default async function (item: number): Promise<number> {
  const key = Math.floor(item / 3);
  let value = known.get(key);
  if (value === undefined) {
    await wait(20);
    known.set(key, value = 2 * key);
  }
  return value + item;
}
