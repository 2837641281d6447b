/** Measures how fast this machine does a task's work, and what awaiting every call costs. */

import type { TaskContext, TaskFunction } from "../lanes/task.ts";
import { CPU_TASKS, type CpuTask, type Size } from "./catalogue.ts";

/** The shortest duration of the sample, in milliseconds: far above the clock's resolution. */
const SAMPLE_MS = 60;

interface CalibrateOptions {
  readonly signal?: AbortSignal;
  /** Returns milliseconds; this process's CPU time unless given. */
  readonly now?: () => number;
  /** The task's function; its module's default export unless given. */
  readonly run?: TaskFunction;
}

/** How many milliseconds a unit of a task's work takes on this thread once its code is compiled. */
export async function calibrate(task: CpuTask, options: CalibrateOptions = {}): Promise<number> {
  const { signal = new AbortController().signal, now = cpuClockMs } = options;
  const run: TaskFunction = options.run ?? (await import(task.module)).default;
  const measure = async (size: Size): Promise<number> => {
    const started = now();
    for (const [index, item] of task.items(size).entries()) {
      signal.throwIfAborted();
      const context: TaskContext = {
        ...{ signal, index, attempt: 1, cancelled: () => signal.aborted },
        ...{ resource: undefined, shared: undefined },
      };
      await run(item, context);
    }
    return (now() - started) / task.work(size);
  };
  const { defaults } = task;
  // The first run doesn't count: until it is compiled, the same loop takes several times as long.
  await measure(defaults);
  const started = now();
  let fastest = Infinity;
  do {
    fastest = Math.min(fastest, await measure(defaults));
  } while (now() - started < SAMPLE_MS);
  return fastest;
}

/** The time of one call, in milliseconds. */
export interface AwaitCost {
  readonly plainMs: number;
  /** For a call of an async function that is awaited. */
  readonly awaitedMs: number;
}

/** Measures both on this thread: `fib` and `fib-async` make the same calls, which are their units of work. */
export async function awaitCost(
  signal: AbortSignal,
  measure = (task: CpuTask) => calibrate(task, { signal }),
): Promise<AwaitCost> {
  const plainMs = await measure(CPU_TASKS.fib);
  return { plainMs, awaitedMs: await measure(CPU_TASKS["fib-async"]) };
}

/** This process's CPU time, in milliseconds, which other programs don't slow down as they do elapsed time. */
function cpuClockMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
