/**
 * Task: the same recursion as fib.ts with every call an async function that is awaited, though
 * nothing in it ever waits. Each call makes a promise, and each `await` saves the function's state
 * and comes back through the queue of microtasks; that is all it adds. No slot gets it back, for
 * there is nothing to wait for, and timers don't even get a turn: microtasks come before them.
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
