/** Waits, and returns an error as its value if more than six tasks are in flight. @module */
import { numbers, wait } from "./compute.ts";

let inFlight = 0;

export const items = numbers(100);

export default async function (item: number): Promise<{ ok: boolean; item?: number }> {
  if (inFlight >= 6) return { ok: false };
  inFlight++;
  await wait(10);
  inFlight--;
  return { ok: true, item };
}
