import type { TaskContext } from "../../lib/lanes/task.ts";

/** A context like a lane's; `cancelled()` is true after `cancelAfter` calls. */
export function contextOf(
  options: { signal?: AbortSignal; attempt?: number; cancelAfter?: number } = {},
): TaskContext & { looks: number } {
  const { signal = new AbortController().signal, attempt = 1, cancelAfter = Infinity } = options;
  return {
    resource: undefined,
    shared: undefined,
    signal,
    index: 0,
    attempt,
    looks: 0,
    cancelled() {
      return this.looks++ >= cancelAfter || signal.aborted;
    },
  };
}
