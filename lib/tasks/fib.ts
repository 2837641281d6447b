/**
 * Task: the n-th Fibonacci number by the recursion that defines it, fib(n − 1) + fib(n − 2), which
 * calls itself millions of times. Work for a CPU, almost without memory: what is measured is calls.
 *
 * @module
 */

import type { TaskContext } from "../lanes/task.ts";
import { checkedFib, SMALL_FIB } from "./fibonacci.ts";
import { stopIfCancelled } from "./stop_if_cancelled.ts";

function plain(n: number): number {
  return n < 2 ? n : plain(n - 1) + plain(n - 2);
}

function stoppable(n: number, context: TaskContext): number {
  if (n < SMALL_FIB) return plain(n);
  stopIfCancelled(context);
  return stoppable(n - 1, context) + stoppable(n - 2, context);
}

/**
 * Computes fib(n).
 *
 * @throws {RangeError} If n is out of range or has a fraction.
 * @throws {DOMException} Named `AbortError`, if it was asked to stop.
 */
export default function fib(item: number, context: TaskContext): number {
  return stoppable(checkedFib(item), context);
}
