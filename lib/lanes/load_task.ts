/**
 * Finds a task's function: its module is imported once in each isolate.
 *
 * @module
 */

import { TaskLoadError } from "./errors.ts";
import type { Task, TaskFunction } from "./task.ts";

const loaded = new Map<string, TaskFunction | Promise<TaskFunction>>();
/** The same by the task itself, for this is asked for every chunk. */
const known = new WeakMap<Task, TaskFunction>();

/**
 * The function that a task names: at once if it was loaded before, else a promise of it.
 *
 * @param task The task's module and export.
 * @returns The function, or a promise of it that rejects with {@linkcode TaskLoadError} if the module
 * can't be imported or doesn't export such a function.
 *
 * @example
 * ```ts
 * import { loadTask } from "./load_task.ts";
 *
 * const double = await loadTask({ module: "data:text/javascript,export default (n) => 2 * n", export: "default" });
 * console.log(double(21, undefined as never)); // 42
 * ```
 */
export function loadTask(task: Task): TaskFunction | Promise<TaskFunction> {
  const fn = known.get(task);
  if (fn !== undefined) return fn;
  const key = `${task.export} ${task.module}`;
  let found = loaded.get(key);
  if (found === undefined) {
    found = importTask(task).then((fn) => {
      loaded.set(key, fn);
      return fn;
    }, (error) => {
      // Not kept: a file may be mended, or a permission granted, before the next run.
      loaded.delete(key);
      throw error;
    });
    loaded.set(key, found);
  }
  if (typeof found === "function") known.set(task, found);
  return found;
}

async function importTask(task: Task): Promise<TaskFunction> {
  let module: Record<string, unknown>;
  try {
    module = await import(task.module);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TaskLoadError(`Cannot load task module ${task.module}: ${why}`, { cause });
  }
  const fn = module[task.export];
  if (typeof fn !== "function") {
    const has = Object.keys(module).filter((name) => typeof module[name] === "function");
    throw new TaskLoadError(
      `Cannot find function ${JSON.stringify(task.export)} in task module ${task.module}: ` +
        (has.length > 0 ? `it exports ${has.join(", ")}` : "it exports no function"),
    );
  }
  return fn as TaskFunction;
}
