/**
 * Task: waits and computes nothing, like a program that asks a slow server.
 *
 * @module
 */

import type { TaskContext } from "../lanes/task.ts";

/**
 * Waits.
 *
 * @param item How long, in milliseconds, from 0 to 2³¹ − 1.
 * @param context Its signal ends the wait.
 * @returns The item.
 * @throws {RangeError} If the time is out of range.
 * @throws The signal's reason, if it was asked to stop.
 *
 * @example
 * ```ts
 * import sleep from "./sleep.ts";
 *
 * const context = {
 *   signal: new AbortController().signal,
 *   index: 0,
 *   attempt: 1,
 *   cancelled: () => false,
 * };
 * console.log(await sleep(1, context)); // 1
 * ```
 */
export default function sleep(item: number, context: TaskContext): Promise<number> {
  const { signal } = context;
  return new Promise((resolve, reject) => {
    if (!(item >= 0 && item < 2 ** 31)) {
      throw new RangeError(`Cannot sleep: ${item} is no time from 0 to ${2 ** 31 - 1} ms`);
    }
    signal.throwIfAborted();
    const wake = () => {
      signal.removeEventListener("abort", stop);
      resolve(item);
    };
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(wake, item);
    signal.addEventListener("abort", stop, { once: true });
  });
}
