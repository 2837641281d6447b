/** What a caller may give as a task. */

import { isLoadingProgram, taskOfFunction } from "../lanes/load_task.ts";
import type { Task, TaskFunction } from "../lanes/task.ts";

const checked = new WeakSet<Task>();

/**
 * The task that a caller named, or gave as a function where tasks don't travel.
 *
 * @param what What can't be done with another one.
 * @param travels Whether its lanes are elsewhere.
 * @throws {TypeError} If it is neither.
 */
export function checkedTask(given: unknown, what: string, travels: boolean): Task {
  if (isLoadingProgram()) {
    throw new TypeError(
      `Cannot ${what} while this program is loaded in a lane, for a task of its own file: put what is ` +
        "not to run there behind import.meta.main",
    );
  }
  if (typeof given === "function" && !travels) return ofFunction(given, what);
  if (checked.has(given as Task)) return given as Task;
  const { module, export: name } = (given ?? {}) as Partial<Record<keyof Task, unknown>>;
  if (typeof module !== "string" || !URL.canParse(module) || typeof name !== "string") {
    throw new TypeError(
      `Cannot ${what}: task must be named by an absolute module URL and an export, but is ` +
        wrong(given, module, name),
    );
  }
  checked.add(given as Task);
  return given as Task;
}

function ofFunction(fn: unknown, what: string): Task {
  const task = taskOfFunction(fn as TaskFunction);
  if (task !== undefined) return task;
  throw new TypeError(
    `Cannot ${what}: task is a generator function, whose body nobody would run; write a function that ` +
      "returns its result",
  );
}

function wrong(given: unknown, module: unknown, name: unknown): string {
  const remedy = `use task(new URL("./my_task.ts", import.meta.url))`;
  if (typeof given === "function") {
    return `a function, which can't travel to another lane; export it from a module of its own and ` +
      `${remedy}, or open sequential, concurrent or limited, which take a function too`;
  }
  const what = module === undefined
    ? String(given)
    : `of module ${JSON.stringify(module)} and export ${JSON.stringify(name)}`;
  return `${what}; ${remedy}`;
}
