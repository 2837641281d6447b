/**
 * What awaiting every call costs: `fib` and `fib-async` make the same calls, so their times differ by
 * the awaiting alone.
 *
 * @module
 */

import { CPU_TASKS, type CpuTask } from "./catalogue.ts";

/** What a call takes, in milliseconds. */
export interface AwaitCost {
  /** A plain call. */
  readonly plainMs: number;
  /** One of an async function, awaited. */
  readonly awaitedMs: number;
}

/** Measures both on this thread; `calibrate` gives milliseconds a unit of a task's work, here a call. */
export async function awaitCost(
  calibrate: (task: CpuTask) => Promise<number>,
): Promise<AwaitCost> {
  const plainMs = await calibrate(CPU_TASKS.fib);
  return { plainMs, awaitedMs: await calibrate(CPU_TASKS["fib-async"]) };
}
