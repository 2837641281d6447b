/** Finds a task's function: its module is imported once in each isolate. */

import dynamicImport from "data:text/javascript,export default (url) => import(url)";
import { wordsOf } from "./attempt.ts";
import { TaskLoadError } from "./errors.ts";
import type { SetupContext, Task, TaskFunction } from "./task.ts";

/**
 * Imports a task's module by its absolute URL. Written as `import(url)` here, a registry would warn that it
 * can't rewrite it, which an absolute URL doesn't need. What a CommonJS module exports as `default` is its
 * default, as its author means it, and not all that it exports.
 */
export async function importModule(url: string): Promise<Record<string, unknown>> {
  const module: Record<string, unknown> = await dynamicImport(url);
  if (!("module.exports" in module)) return module;
  const { "module.exports": exported, ...named } = module;
  return typeof exported === "object" ? { ...named, ...exported } : named;
}

const loaded = new Map<string, TaskFunction | Promise<TaskFunction>>();
/** Tasks that are functions of this isolate. */
const functions = new WeakMap<Task, TaskFunction>();

/**
 * The function that a task names: at once if it was loaded before, else a promise of it, which
 * rejects with {@linkcode TaskLoadError} if the module can't be imported or exports no such function.
 */
export function loadTask(task: Task): TaskFunction | Promise<TaskFunction> {
  const fn = functions.get(task);
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
  return found;
}

const byFunction = new WeakMap<TaskFunction, Task>();

/**
 * A task for a function that is there already, the same each time; only this isolate can run it.
 * Undefined if it is a generator function, whose body nobody would run.
 */
export function taskOfFunction(fn: TaskFunction): Task | undefined {
  let task = byFunction.get(fn);
  if (task === undefined && !isGenerator(fn)) {
    task = { module: "function:", export: fn.name };
    byFunction.set(fn, task);
    functions.set(task, fn);
  }
  return task;
}

/** What a task module may export to be set up in a lane, and taken down again. */
export interface Hooks {
  readonly setup?: (context: SetupContext) => unknown;
  readonly teardown?: (resource: unknown) => unknown;
}

const hooks = new Map<string, Hooks>();

/** The hooks of a module of which a task was loaded; undefined if it has none. */
export function hooksOf(module: string): Hooks | undefined {
  return hooks.get(module);
}

let programLoads = 0;

/** Whether this isolate is a lane that loads the program itself, for a task of its own file. */
export function isLoadingProgram(): boolean {
  return programLoads > 0;
}

/** The same as {@linkcode loadTask}, in a lane, of a task that stands in the program's own file. */
export async function loadFromProgram(task: Task): Promise<TaskFunction> {
  programLoads++;
  try {
    return await loadTask(task);
  } finally {
    programLoads--;
  }
}

async function importTask(task: Task): Promise<TaskFunction> {
  let module: Record<string, unknown>;
  try {
    module = await importModule(task.module);
  } catch (cause) {
    throw new TaskLoadError(`Cannot load task module ${task.module}: ${wordsOf(cause)}`, { cause });
  }
  const fn = module[task.export];
  if (typeof fn !== "function") {
    const has = Object.keys(module).filter((name) =>
      typeof module[name] === "function" && !HOOKS.includes(name)
    );
    throw new TaskLoadError(
      `Cannot find function ${JSON.stringify(task.export)} in task module ${task.module}: ` +
        (has.length > 0 ? `it exports ${has.join(", ")}` : "it exports no function"),
    );
  }
  if (isGenerator(fn)) {
    throw new TaskLoadError(
      `Cannot run ${
        JSON.stringify(task.export)
      } of task module ${task.module}: it is a generator ` +
        "function, whose body nobody would run; write a function that returns its result",
    );
  }
  findHooks(task.module, module);
  return fn as TaskFunction;
}

const HOOKS = ["setup", "teardown"];

function findHooks(name: string, module: Record<string, unknown>): void {
  const { setup, teardown } = module;
  for (const [hook, found] of [["setup", setup], ["teardown", teardown]] as const) {
    if (found === undefined || (typeof found === "function" && !isGenerator(found))) continue;
    throw new TaskLoadError(
      `Cannot set up task module ${name}: its export ${hook} is no function that can be called, but ` +
        (typeof found === "function" ? "a generator function" : kindOf(found)),
    );
  }
  if (setup !== undefined || teardown !== undefined) hooks.set(name, { setup, teardown } as Hooks);
}

function kindOf(value: unknown): string {
  return value === null ? "null" : `of type ${typeof value}`;
}

/** Whether calling it would run nothing of it. */
export function isGenerator(fn: unknown): boolean {
  return /Generator/.test(Object.prototype.toString.call(fn));
}
