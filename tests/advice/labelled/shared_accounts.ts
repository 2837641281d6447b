/** Waits, and books on one of ten accounts; the balance depends on the order of tasks. @module */
import { numbers, wait } from "./compute.ts";

const held = new Map<number, number>();

export const items = numbers(60);

export default async function (item: number): Promise<number> {
  await wait(8);
  const account = item % 10;
  const balance = 2 * (held.get(account) ?? 100) + item;
  held.set(account, balance);
  return balance;
}
