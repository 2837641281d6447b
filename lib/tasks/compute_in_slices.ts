/**
 * Task: computes for a given time in slices, and awaits something after each, or nothing at all.
 *
 * What it awaits decides who gets a turn. An `await` of what is ready comes back through the queue of
 * microtasks, which the event loop empties before anything else; an `await` of a timer lets the loop
 * go round, so that other timers and connections have their turn.
 */

import type { TaskContext } from "../lanes/task.ts";
import spin from "./spin.ts";

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
