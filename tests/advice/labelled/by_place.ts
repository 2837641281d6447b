/** Waits, and needs its index in the list: a sample in another order must pass the right one. @module */
import type { TaskContext } from "../../../lib/mod.ts";
import { numbers, wait } from "./compute.ts";

export const items = numbers(60).map((n) => `item ${n}`);

export default async function (item: string, { index }: TaskContext): Promise<string> {
  await wait(8);
  if (item !== items[index]) throw new Error(`${item} is not at place ${index}`);
  return `${index}: ${item}`;
}
