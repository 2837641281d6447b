/**
 * The tasks of one lane: each module is loaded and set up once, before its first task, and what its
 * set-up made is disposed when the lane closes.
 */

import dynamicImport from "data:text/javascript,export default (/** @type {string} */ url) => import(url)";
import { attempt, isPromise, propertyOf, wordsOf } from "./attempt.ts";
import { TaskLoadError, TeardownError } from "./errors.ts";
import {
  nameOf,
  type PlacedTask,
  type SetupContext,
  type Task,
  type TaskContext,
  type TaskFunction,
} from "./task.ts";
import { within } from "./timers.ts";

/** What the tasks of a module are given besides their items. */
export interface Given {
  /** What the module's `setup` gave; undefined without one. */
  readonly resource: unknown;
  /** What the caller gave to all lanes. */
  readonly shared: unknown;
  /** Where its items lie in their job, if they are taken in another order. */
  readonly places?: readonly number[];
}

export interface ReadyTask {
  readonly task: Task;
  readonly fn: TaskFunction;
  readonly given: Given;
}

interface LaneTasksOptions {
  readonly shared?: unknown;
  /** Told when a module's set-up begins: there will be something to dispose. */
  readonly onSetup?: (module: string) => void;
}

interface SetUp {
  readonly hooks: Hooks;
  readonly signal: AbortController;
  /** Settles when its set-up has ended; rejects with {@linkcode TaskLoadError}. */
  readonly settingUp: Promise<Given>;
  /** Once it has. */
  given: Given | undefined;
}

export class LaneTasks {
  /** By the task itself, for this is asked for every batch. */
  readonly #ready = new WeakMap<Task, ReadyTask>();
  readonly #setUp = new Map<string, SetUp>();
  readonly #bare: Given;
  #isClosed = false;

  constructor(private readonly options: LaneTasksOptions = {}) {
    this.#bare = { resource: undefined, shared: options.shared };
  }

  /**
   * A task that may run: at once if its module was loaded and set up before, else a promise, which
   * rejects with {@linkcode TaskLoadError} if that can't be done.
   */
  ready(task: Task): ReadyTask | Promise<ReadyTask> {
    return this.#ready.get(task) ?? soon(
      loadTask(task),
      (fn) => soon(this.#givenTo(task.module), (given) => this.#keep(task, fn, given)),
    );
  }

  isSettingUp(module: string): boolean {
    const found = this.#setUp.get(module);
    return found !== undefined && found.given === undefined;
  }

  #keep(task: Task, fn: TaskFunction, given: Given): ReadyTask {
    const { places } = task as PlacedTask;
    const ready = { task, fn, given: places === undefined ? given : { ...given, places } };
    this.#ready.set(task, ready);
    return ready;
  }

  #givenTo(module: string): Given | Promise<Given> {
    const hooks = hooksOf.get(module);
    if (hooks === undefined) return this.#bare;
    const known = this.#setUp.get(module);
    if (known !== undefined) return known.given ?? known.settingUp;
    if (this.#isClosed) return Promise.reject(notSetUp(module, "its lane was closed"));
    const signal = new AbortController();
    const settingUp = this.#start(module, hooks, signal.signal)
      .then((given) => found.given = given);
    const found: SetUp = { hooks, signal, settingUp, given: undefined };
    this.#setUp.set(module, found);
    // Not kept if it fails: what it needs may be there before the next run.
    settingUp.catch(() => this.#setUp.delete(module));
    return settingUp;
  }

  async #start(module: string, { setup }: Hooks, signal: AbortSignal): Promise<Given> {
    const { shared } = this.#bare;
    this.options.onSetup?.(module);
    if (setup === undefined) return this.#bare;
    try {
      return { resource: await setup({ shared, signal }), shared };
    } catch (cause) {
      const error = notSetUp(module, `its setup failed: ${wordsOf(cause)}`, { cause });
      throw Object.assign(error, { retryable: true });
    }
  }

  /**
   * Disposes what was set up, the last first, and then what a set-up under way still gives. Nothing is
   * set up any more.
   */
  async close(): Promise<TeardownError[]> {
    this.#isClosed = true;
    const failures: TeardownError[] = [];
    const all = [...this.#setUp].reverse();
    const underWay = all.filter(([, { given }]) => given === undefined);
    for (const [, { signal }] of underWay) signal.abort();
    const ended = all.filter(([, { given }]) => given !== undefined);
    for (const [module, { hooks, settingUp }] of [...ended, ...underWay]) {
      try {
        const given = await settingUp.catch(() => undefined);
        if (given !== undefined) await dispose(given.resource, hooks);
      } catch (cause) {
        const what = `The teardown of task module ${module} failed: ${wordsOf(cause)}`;
        failures.push(new TeardownError(what, { cause }));
      }
      this.#setUp.delete(module);
    }
    return failures;
  }

  /** Whether something that was set up has not been disposed. */
  get holds(): boolean {
    return [...this.#setUp.values()].some(({ given }) => given !== undefined);
  }
}

/** Goes on with what is there, or will be. */
function soon<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return isPromise(value) ? value.then(next) : next(value);
}

/** The module's own `teardown` knows best; without it, the resource may know how it is disposed. */
async function dispose(resource: unknown, { teardown }: Hooks): Promise<void> {
  if (teardown !== undefined) return void await teardown(resource);
  await disposerOf(resource)?.();
}

/** What disposes a resource that knows how. */
export function disposerOf(resource: unknown): (() => unknown) | undefined {
  const { [Symbol.asyncDispose]: later, [Symbol.dispose]: now } = Object(resource);
  const dispose: unknown = typeof later === "function" ? later : now;
  return typeof dispose === "function" ? () => dispose.call(resource) : undefined;
}

export const NOTHING: Given = { resource: undefined, shared: undefined };

/** The context of the first try of an item; as in a lane it has no properties of its own that could be copied. */
export function plainContext(
  index: number,
  signal: AbortSignal,
  { resource, shared }: Given = NOTHING,
): TaskContext {
  const cancelled = () => signal.aborted;
  return Object.create({ index, attempt: 1, signal, resource, shared, cancelled });
}

/**
 * Waits until everything is disposed, but not for longer than the grace time.
 *
 * @throws {TeardownError} If something failed, or didn't end in time.
 */
export async function closeWithin(
  graceMs: number,
  dispose: () => Promise<readonly TeardownError[]>,
  holds: () => boolean,
): Promise<void> {
  const late = `has not ended after its grace time of ${graceMs} ms and was given up`;
  const failures = await within(graceMs, dispose(), () => {
    return holds() ? [new TeardownError(`The teardown of a lane ${late}`)] : [];
  });
  if (failures.length > 0) throw allAsOne(failures);
}

/** The first, which says how many others there are. */
export function allAsOne(failures: readonly TeardownError[]): TeardownError {
  const [first] = failures;
  if (failures.length === 1) return first!;
  return new TeardownError(`${first!.message} (the first of ${failures.length} such failures)`, {
    cause: first!.cause,
  });
}

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
  return loaded.getOrInsertComputed(nameOf(task), (key) =>
    importTask(task).then((fn) => {
      loaded.set(key, fn);
      return fn;
    }, (error) => {
      // Not kept: a permission may be granted before the next run.
      loaded.delete(key);
      throw error;
    }));
}

const byFunction = new WeakMap<TaskFunction, Task>();

/**
 * A task for a function that is there already, the same each time; only this isolate can run it.
 * @throws {TypeError} If a call runs nothing of it.
 */
export function taskOfFunction(fn: TaskFunction, what: string): Task {
  let task = byFunction.get(fn);
  if (task === undefined) {
    const is = notCallable(fn);
    if (is !== undefined) throw new TypeError(`Cannot ${what}: task is ${is}; ${A_FUNCTION}`);
    const name = propertyOf(fn, "name");
    task = { module: "function:", export: typeof name === "string" ? name : "" };
    byFunction.set(fn, task);
    functions.set(task, fn);
  }
  return task;
}

/** What a task module may export to be set up in a lane, and taken down again. */
interface Hooks {
  readonly setup?: (context: SetupContext) => unknown;
  readonly teardown?: (resource: unknown) => unknown;
}

/** Those of modules of which a task was loaded. */
const hooksOf = new Map<string, Hooks>();

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

export function unloadable(module: string, why: string, options?: ErrorOptions): TaskLoadError {
  return new TaskLoadError(`Cannot load task module ${module}: ${why}`, options);
}

export function notSetUp(module: string, why: string, options?: ErrorOptions): TaskLoadError {
  return new TaskLoadError(`Cannot set up task module ${module}: ${why}`, options);
}

async function importTask(task: Task): Promise<TaskFunction> {
  let module: Record<string, unknown>;
  try {
    module = await importModule(task.module);
  } catch (cause) {
    throw unloadable(task.module, wordsOf(cause), { cause });
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
  const is = notCallable(fn);
  if (is !== undefined) {
    const what = `${JSON.stringify(task.export)} of task module ${task.module}`;
    throw new TaskLoadError(`Cannot run ${what}: it is ${is}; ${A_FUNCTION}`);
  }
  findHooks(task.module, module);
  const named = fn as TaskFunction;
  // One that has a `then` would be awaited on its way.
  const isPlain = attempt(() => (fn as { then?: unknown }).then === undefined, false);
  return isPlain ? named : (item, context) => named(item, context);
}

const HOOKS = ["setup", "teardown"];

function findHooks(name: string, module: Record<string, unknown>): void {
  const { setup, teardown } = module;
  for (const [hook, found] of [["setup", setup], ["teardown", teardown]] as const) {
    const not = found === null ? "null" : notCallable(found);
    if (found === undefined || (typeof found === "function" && not === undefined)) continue;
    const is = not ?? `of type ${typeof found}`;
    throw notSetUp(name, `its export ${hook} is no function that can be called, but ${is}`);
  }
  if ((setup ?? teardown) !== undefined) hooksOf.set(name, { setup, teardown } as Hooks);
}

const A_FUNCTION = "write a function that returns its result";

/** What a function is of which a call runs nothing; undefined of any other. */
export function notCallable(fn: unknown): string | undefined {
  if (isGenerator(fn)) return "a generator function, whose body nobody would run";
  const isClass = typeof fn === "function" && /^class\b/.test(Function.prototype.toString.call(fn));
  return isClass ? "a class, which only new can call" : undefined;
}

/** Whether it is a generator, or makes one: nobody would run its body. */
export function isGenerator(fn: unknown): boolean {
  return attempt(() => /Generator/.test(Object.prototype.toString.call(fn)), false);
}
