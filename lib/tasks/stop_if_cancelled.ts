/** Helpers of tasks that compute: refusing an item, and stopping. */

import type { TaskContext } from "../lanes/task.ts";

/**
 * Throws if the task must stop. A loop that never yields doesn't see its AbortSignal change, so this calls
 * `context.cancelled()`, which works there, too.
 */
export function stopIfCancelled(context: TaskContext): void {
  if (context.cancelled()) {
    throw new DOMException("The task was asked to stop, and stopped", "AbortError");
  }
}

/** Throws unless the value is a whole number within bounds. */
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
