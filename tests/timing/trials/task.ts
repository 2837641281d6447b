/** Tasks and items for trials in separate processes. */

import type { TaskContext } from "../../../lib/mod.ts";
import { shout } from "../fake_import.ts";

export default function double(n: number): number {
  return 2 * n;
}

export function noisy(n: number): number {
  console.log(`item ${n}\nand a second line`);
  // The line has no end, and the messages after it must still be understood.
  Deno.stdout.writeSync(new TextEncoder().encode(shout("half a line")));
  return n;
}

export function hang(): never {
  while (true);
}

export function exit(): never {
  console.error("about to leave");
  Deno.exit(7);
}

export async function fetchPort(port: number): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${port}/`)).text();
}

export function busy(n: number): number {
  let state = n;
  for (let step = 0; step < 2_000_000; step++) state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return state;
}

export function bigint(n: bigint): bigint {
  return n * n;
}

export const bigints = [1n, 2n ** 70n];

export const slow = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

export const placed = [0, 1, 2, 3, 4, 5, 6, 7];

/** Returns its item only if that equals its index. */
export function place(item: number, { index }: TaskContext): number {
  if (item === index) return item;
  throw new RangeError(`item ${item} is told that it is item ${index}`);
}
