/** What tasks that compute share: how they refuse an item, and how they stop. */

import type { TaskContext } from "../lanes/task.ts";

/**
 * Throws if the task is to stop. A loop that never yields sees no AbortSignal change; this asks
 * `context.cancelled()`, which is true there too.
 */
export function stopIfCancelled(context: TaskContext): void {
  if (context.cancelled()) {
    throw new DOMException("The task was asked to stop, and stopped", "AbortError");
  }
}

/** Refuses what isn't a whole number within bounds. */
export function checkWhole(
  doing: string,
  name: string,
  value: unknown,
  greatest: number,
  least = 0,
): asserts value is number {
  if (Number.isInteger(value) && value as number >= least && value as number <= greatest) return;
  throw new RangeError(
    `Cannot ${doing}: ${name} is ${value}, not a whole number from ${least} to ${greatest}`,
  );
}
