/**
 * Task: the n-th Fibonacci number by its recursive definition, fib(n − 1) + fib(n − 2), which calls itself
 * millions of times. It is CPU work that needs almost no memory: it measures calls.
 */

import type { TaskContext } from "../lanes/task.ts";
import { checkWhole, stopIfCancelled } from "./stop_if_cancelled.ts";

/** The greatest n: fib(78) is the last of these numbers below 2⁵³. */
export const FIB_LIMIT = 78;

/** Below this n, all calls take a fraction of a millisecond, so they don't check whether to stop. */
export const SMALL_FIB = 16;

export function checkedFib(item: unknown): number {
  checkWhole("compute fib(n)", "n", item, FIB_LIMIT);
  return item;
}

/** How many calls the recursion makes for n: 2 · fib(n + 1) − 1, since each is a leaf or makes two more. */
export function fibCalls(n: number): number {
  let fib = 0;
  let next = 1;
  for (let step = 0; step <= n; step++) [fib, next] = [next, fib + next];
  return 2 * fib - 1;
}

function plain(n: number): number {
  return n < 2 ? n : plain(n - 1) + plain(n - 2);
}

function stoppable(n: number, context: TaskContext): number {
  if (n < SMALL_FIB) return plain(n);
  stopIfCancelled(context);
  return stoppable(n - 1, context) + stoppable(n - 2, context);
}

export default function fib(item: number, context: TaskContext): number {
  return stoppable(checkedFib(item), context);
}
