/** How a computing task stops: it asks between blocks of work and leaves by an error. */

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
