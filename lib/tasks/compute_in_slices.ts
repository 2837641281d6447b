/**
 * Task: computes for a given time in slices, and after each slice awaits something or nothing.
 *
 * What it awaits decides what else can run. An `await` of a settled value continues through the microtask
 * queue, which the event loop empties before anything else; an `await` of a timer lets the loop turn, so that
 * other timers and connections get their turn.
 */

import type { TaskContext } from "../lanes/task.ts";
import { stopIfCancelled } from "./stop_if_cancelled.ts";

export type Awaited = "nothing" | "what is ready" | "a timer";

export interface SlicedItem {
  readonly ms: number;
  readonly sliceMs: number;
  readonly awaits: Awaited;
}

export default async function computeInSlices(
  { ms, sliceMs, awaits }: SlicedItem,
  context: TaskContext,
): Promise<void> {
  for (let left = ms; left > 0; left -= sliceMs) {
    spin(Math.min(left, sliceMs), context);
    if (awaits === "what is ready") await undefined;
    if (awaits === "a timer") await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** Steps between two checks of the clock and the cancel flag: they take some microseconds. */
const STEPS_BETWEEN_LOOKS = 2_000;

function steps(seed: number): number {
  let x = seed;
  for (let step = 0; step < STEPS_BETWEEN_LOOKS; step++) x = (Math.imul(x, 1_664_525) + 1) | 0;
  return x;
}

/** Computes for a given number of milliseconds without ever yielding, as a tight loop does. */
export function spin(item: number, context: TaskContext): number {
  if (!(item >= 0 && item < Infinity)) {
    throw new RangeError(`Cannot spin: ${item} is no time in milliseconds`);
  }
  const end = performance.now() + item;
  let x = 1;
  while (performance.now() < end) {
    stopIfCancelled(context);
    x = steps(x);
  }
  // The result depends on the steps, so that the compiler can't remove them.
  return x === 0.5 ? -1 : item;
}
