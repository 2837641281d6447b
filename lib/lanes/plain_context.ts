/**
 * The context of a task that is called without a lane, to measure it alone.
 *
 * @module
 */

import type { Given } from "./lane_tasks.ts";
import type { TaskContext } from "./task.ts";

const NOTHING: Given = { resource: undefined, shared: undefined };

/** The context of the first try of an item. */
export function plainContext(
  index: number,
  signal: AbortSignal,
  { resource, shared }: Given = NOTHING,
): TaskContext {
  return { index, attempt: 1, signal, resource, shared, cancelled: () => signal.aborted };
}
