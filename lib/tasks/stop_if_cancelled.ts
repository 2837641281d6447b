/**
 * How a computing task stops: it asks between blocks of work and leaves by an error.
 *
 * @module
 */

import type { TaskContext } from "../lanes/task.ts";

/**
 * Throws if the task is to stop. A loop that never yields sees no AbortSignal change; this asks
 * `context.cancelled()`, which is true there too.
 *
 * @param context The task's context.
 * @throws {DOMException} Named `AbortError`, if the task is to stop.
 *
 * @example
 * ```ts
 * import { stopIfCancelled } from "./stop_if_cancelled.ts";
 *
 * const context = {
 *   signal: AbortSignal.abort(),
 *   index: 0,
 *   attempt: 1,
 *   cancelled: () => true,
 * };
 * try {
 *   stopIfCancelled(context);
 * } catch (error) {
 *   console.log(error instanceof DOMException); // true
 * }
 * ```
 */
export function stopIfCancelled(context: TaskContext): void {
  if (context.cancelled()) {
    throw new DOMException("The task was asked to stop, and stopped", "AbortError");
  }
}
