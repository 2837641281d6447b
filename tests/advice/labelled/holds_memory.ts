/** Holds 120 MB while it waits. @module */
import { wait } from "./compute.ts";

export const items = [1, 2, 3, 4, 5, 6, 7, 8];

export default async function (item: number): Promise<number> {
  const held = new Uint8Array(120e6);
  for (let at = 0; at < held.length; at += 4096) held[at] = item;
  await wait(300);
  return held[4096 * item]!;
}
