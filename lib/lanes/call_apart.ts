/**
 * Calls tasks so that V8 compiles them by themselves.
 *
 * @module
 */

import type { TaskContext, TaskFunction } from "./task.ts";

/**
 * Calls a task whose code stays apart from the caller's.
 *
 * Called directly in a loop, a task is compiled into the loop, with all that it calls itself. Whether
 * that comes out as fast as the task alone is luck: of twenty runs of a 25 µs task in two threads, seven
 * took 42 or 57 µs in one thread or both for the whole run. A call site that has seen several functions
 * isn't inlined (V8's call feedback is then megamorphic), so the task is compiled as it would be in the
 * program's own loop.
 */
export function callApart(fn: TaskFunction, item: unknown, context: TaskContext): unknown {
  return fn(item, context);
}

// V8 begins to note what a call site sees only after some hundred bytes of code.
const CALLS = 500;
const others: readonly TaskFunction[] = [() => 0, () => 1, () => 2];
const nothing: TaskContext = {
  resource: undefined,
  shared: undefined,
  signal: AbortSignal.abort(),
  index: 0,
  attempt: 1,
  cancelled: () => false,
};
for (let i = 0; i < CALLS; i++) callApart(others[i % others.length]!, undefined, nothing);
