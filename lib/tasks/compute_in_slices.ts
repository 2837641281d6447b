/**
 * Task: computes for a given time in slices, and awaits something after each, or nothing at all.
 *
 * What it awaits decides who gets a turn. An `await` of what is ready comes back through the queue of
 * microtasks, which the event loop empties before anything else; an `await` of a timer lets the loop
 * go round, so that other timers and connections have their turn.
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

/** Steps between two looks at clock and cancel flag: some microseconds. */
const STEPS_BETWEEN_LOOKS = 2_000;

function steps(seed: number): number {
  let x = seed;
  for (let step = 0; step < STEPS_BETWEEN_LOOKS; step++) x = (Math.imul(x, 1_664_525) + 1) | 0;
  return x;
}

/** Computes for a given time without ever yielding, like a tight loop in anyone's program. */
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
  // The result depends on the steps, so that no compiler may leave them out.
  return x === 0.5 ? -1 : item;
}
