/** Waits 20 ms; a limit in the module lets three tasks run at once, whatever the slots. @module */
import { numbers, wait } from "./compute.ts";

let free = 3;
const waiting: (() => void)[] = [];

export const items = numbers(120);

export default async function (item: number): Promise<number> {
  if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
  else free--;
  await wait(20);
  const next = waiting.shift();
  if (next === undefined) free++;
  else next();
  return item;
}
