/**
 * Task: the recursion of fib.ts, but every call is an async function that is awaited, though nothing ever
 * waits. Each call makes a promise, and each `await` saves the function's state and continues through the
 * microtask queue; that is all it adds. More slots don't make up for it, because nothing waits, and even timers
 * get no turn, because microtasks come before them.
 */

import type { TaskContext } from "../lanes/task.ts";
import { checkedFib, SMALL_FIB } from "./fib.ts";
import { stopIfCancelled } from "./stop_if_cancelled.ts";

async function plain(n: number): Promise<number> {
  return n < 2 ? n : await plain(n - 1) + await plain(n - 2);
}

async function stoppable(n: number, context: TaskContext): Promise<number> {
  if (n < SMALL_FIB) return await plain(n);
  stopIfCancelled(context);
  return await stoppable(n - 1, context) + await stoppable(n - 2, context);
}

export default async function fibAsync(item: number, context: TaskContext): Promise<number> {
  return await stoppable(checkedFib(item), context);
}
