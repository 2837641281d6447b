/** Task: waits and computes nothing, like a program that asks a slow server. */

import type { TaskContext } from "../lanes/task.ts";

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
