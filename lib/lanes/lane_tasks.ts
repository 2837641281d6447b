/**
 * The tasks of one lane: each module is loaded and set up once, before its first task, and its resource is
 * disposed when the lane closes.
 */

import dynamicImport from "data:text/javascript,export default (/** @type {string} */ url) => import(url)";
import { attempt, isPromise, propertyOf, wordsOf } from "./attempt.ts";
import { TaskLoadError, TeardownError } from "./errors.ts";
import type { LoadingStage } from "./lane.ts";
import {
  inShort,
  type PlacedTask,
  type SetupContext,
  type Task,
  type TaskContext,
  type TaskFunction,
  taskName,
} from "./task.ts";
import { clock, within } from "./timers.ts";

/** The values that a module's tasks get besides their items. */
export interface Given {
  /** The value that the module's `setup` returned; undefined without one. */
  readonly resource: unknown;
  /** The value that the caller gave to all lanes as `shared`. */
  readonly shared: unknown;
  /** Each item's index in the job, if the items are taken in another order. */
  readonly places?: readonly number[];
}

export interface ReadyTask {
  readonly task: Task;
  readonly fn: TaskFunction;
  readonly given: Given;
}

interface LaneTasksOptions {
  readonly shared?: unknown;
  /** Called when a set-up begins, after which there may be a resource to dispose, and if it leaves none. */
  readonly onSetup?: (module: string, mayHold: boolean) => void;
}

interface SetUp {
  readonly hooks: Hooks;
  readonly signal: AbortController;
  /** Settles when the set-up has ended; rejects with {@linkcode TaskLoadError}. */
  readonly settingUp: Promise<Given>;
  /** Undefined until the set-up has ended. */
  given: Given | undefined;
}

export class LaneTasks {
  /** Keyed by the task object, because every batch looks it up. */
  readonly #ready = new WeakMap<Task, ReadyTask>();
  readonly #setUp = new Map<string, SetUp>();
  readonly #bare: Given;
  #isClosed = false;

  constructor(private readonly options: LaneTasksOptions = {}) {
    this.#bare = { resource: undefined, shared: options.shared };
  }

  /**
   * Returns a task that can run: at once if its module was loaded and set up before, else as a promise, which
   * rejects with {@linkcode TaskLoadError} if loading or set-up fails.
   */
  ready(task: Task): ReadyTask | Promise<ReadyTask> {
    return this.#ready.get(task) ?? soon(
      loadTask(task),
      (fn) => soon(this.#givenTo(task.module), (given) => this.#keep(task, fn, given)),
    );
  }

  stageOf(task: Task): LoadingStage {
    if (this.#ready.has(task)) return "loaded";
    const found = this.#setUp.get(task.module);
    return found !== undefined && found.given === undefined ? "setting up" : "loading";
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
    // A failed set-up isn't kept, so that a later run can try it again.
    settingUp.catch(() => this.#setUp.delete(module));
    return settingUp;
  }

  async #start(module: string, { setup, teardown }: Hooks, signal: AbortSignal): Promise<Given> {
    const { shared } = this.#bare;
    this.options.onSetup?.(module, true);
    if (setup === undefined) return this.#bare;
    try {
      const resource = await setup({ shared, signal });
      const disposes = teardown ?? attempt(() => disposerOf(resource), resource);
      if (disposes === undefined) this.options.onSetup?.(module, false);
      return { resource, shared };
    } catch (cause) {
      const error = notSetUp(module, `its setup failed: ${wordsOf(cause)}`, { cause });
      throw Object.assign(error, { retryable: true });
    }
  }

  /**
   * Disposes all resources, the last one first, then those that set-ups under way still return. Nothing can be
   * set up after this.
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
        failures.push(new TeardownError(inShort(what, module), { cause }));
      }
      this.#setUp.delete(module);
    }
    return failures;
  }

  /** Whether a resource has not been disposed yet. */
  get holds(): boolean {
    return [...this.#setUp.values()].some(({ given }) => given !== undefined);
  }
}

/** Calls `next` with the value, at once or when its promise is fulfilled. */
function soon<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return isPromise(value) ? value.then(next) : next(value);
}

/** Disposes a resource by the module's `teardown`, or else by the resource's own dispose method. */
async function dispose(resource: unknown, { teardown }: Hooks): Promise<void> {
  if (teardown !== undefined) return void await teardown(resource);
  await disposerOf(resource)?.();
}

/** The resource's own dispose method, the asynchronous one if it has both; undefined if it has none. */
export function disposerOf(resource: unknown): (() => unknown) | undefined {
  const { [Symbol.asyncDispose]: later, [Symbol.dispose]: now } = Object(resource);
  const dispose: unknown = typeof later === "function" ? later : now;
  return typeof dispose === "function" ? () => dispose.call(resource) : undefined;
}

export const GIVEN_NOTHING: Given = { resource: undefined, shared: undefined };

/** The context of an item's first attempt. As in a lane, it has no properties of its own to be copied. */
export function plainContext(
  index: number,
  signal: AbortSignal,
  { resource, shared }: Given = GIVEN_NOTHING,
): TaskContext {
  const cancelled = () => signal.aborted;
  return Object.create({ index, attempt: 1, signal, resource, shared, cancelled });
}

/**
 * Waits until everything is disposed, but no longer than the grace time.
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
  const [first] = failures;
  if (first !== undefined) throw allAsOne(first, failures.length);
}

/** The first failure, with a message that says how many there are. */
export function allAsOne(first: TeardownError, count: number): TeardownError {
  if (count === 1) return first;
  const { message, cause } = first;
  return new TeardownError(`${message} (the first of ${count} such failures)`, { cause });
}

/**
 * Imports a task's module by its absolute URL. The import is made by a data URL, because for `import(url)` here
 * a registry would warn that it can't rewrite it, which an absolute URL doesn't need. The default export of a
 * CommonJS module is the `default` of its exports, not the whole exports object.
 */
export async function importModule(url: string): Promise<Record<string, unknown>> {
  const module: Record<string, unknown> = await importAnew(url);
  if (!("module.exports" in module)) return module;
  const { "module.exports": exported, ...named } = module;
  return typeof exported === "object" ? { ...named, ...exported } : named;
}

/** A module that has failed to load. */
interface FailedModule {
  error: unknown;
  /** How many further copies were read, and when the last one was, in milliseconds. */
  copies: number;
  readAtMs: number;
}

/** Modules that have failed to load, and the addresses by which they were loaded later. */
const failed = new Map<string, FailedModule>();
const addresses = new Map<string, string>();
let lastAddress = 0;
/** Deno never frees a copy of a module, so after this many one is read only every so often. */
const MOST_COPIES_AT_ONCE = 8;
const COPY_MS = 10_000;

/** Deno reads and runs a module once, and keeps its failure: by another address it does so anew. */
async function importAnew(url: string): Promise<Record<string, unknown>> {
  try {
    return await dynamicImport(addresses.get(url) ?? url);
  } catch (error) {
    const nowMs = clock.now();
    const before = failed.get(url);
    if (before === undefined) {
      failed.set(url, { error, copies: 0, readAtMs: nowMs });
      throw error;
    }
    const isOften = before.copies >= MOST_COPIES_AT_ONCE && nowMs < before.readAtMs + COPY_MS;
    if (isOften) throw before.error;
    before.copies++;
    before.readAtMs = nowMs;
    const address = `${url}#${++lastAddress}`;
    try {
      const module = await dynamicImport(address);
      addresses.set(url, address);
      return module;
    } catch (later) {
      // A subprocess may read its modules by their own addresses alone.
      before.error = later instanceof Deno.errors.NotCapable ? error : later;
      throw before.error;
    }
  }
}

const loaded = new Map<string, TaskFunction | Promise<TaskFunction>>();
/** Functions of this isolate, by the tasks that stand for them. */
const functions = new WeakMap<Task, TaskFunction>();

/**
 * Returns the function that a task names: at once if it was loaded before, else as a promise, which rejects
 * with {@linkcode TaskLoadError} if the module can't be imported or exports no such function.
 */
export function loadTask(task: Task): TaskFunction | Promise<TaskFunction> {
  const fn = functions.get(task);
  if (fn !== undefined) return fn;
  return loaded.getOrInsertComputed(taskName(task), (key) =>
    importTask(task).then((fn) => {
      loaded.set(key, fn);
      return fn;
    }, (error) => {
      // A failure isn't kept: a permission may be granted before the next run.
      loaded.delete(key);
      throw error;
    }));
}

const byFunction = new WeakMap<TaskFunction, Task>();

/**
 * Returns a task for a function of this isolate, the same each time; only this isolate can run it.
 * @throws {TypeError} If calling the function would not run its body.
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

/** A task module's optional exports that set it up in a lane and take it down again. */
interface Hooks {
  readonly setup?: (context: SetupContext) => unknown;
  readonly teardown?: (resource: unknown) => unknown;
}

/** The hooks by module URL, for modules that have any and of which a task was loaded. */
const hooksOf = new Map<string, Hooks>();

let programLoads = 0;

/** Whether this isolate is a lane that is loading the program itself, for a task in the program's own file. */
export function isLoadingProgram(): boolean {
  return programLoads > 0;
}

/** Loads a task, as {@linkcode loadTask} does, that is in the program's own file, in a lane. */
export async function loadFromProgram(task: Task): Promise<TaskFunction> {
  programLoads++;
  try {
    return await loadTask(task);
  } finally {
    programLoads--;
  }
}

export function unloadable(module: string, why: string, options?: ErrorOptions): TaskLoadError {
  return unusable(module, `Cannot load task module ${module}: ${why}`, options);
}

export function notSetUp(module: string, why: string, options?: ErrorOptions): TaskLoadError {
  return unusable(module, `Cannot set up task module ${module}: ${why}`, options);
}

/** The error of a task that can't be run as its module is; the text names the module. */
export function unusable(module: string, text: string, options?: ErrorOptions): TaskLoadError {
  return new TaskLoadError(inShort(text, module), options);
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
    throw unusable(
      task.module,
      `Cannot find function ${JSON.stringify(task.export)} in task module ${task.module}: ` +
        (has.length > 0 ? `it exports ${has.join(", ")}` : "it exports no function"),
    );
  }
  const is = notCallable(fn);
  if (is !== undefined) {
    const what = `${JSON.stringify(task.export)} of task module ${task.module}`;
    throw unusable(task.module, `Cannot run ${what}: it is ${is}; ${A_FUNCTION}`);
  }
  findHooks(task.module, module);
  const named = fn as TaskFunction;
  // A function with a `then` would be awaited when a promise returns it, so it is wrapped.
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

/** Says why calling a function would run nothing of it; undefined if calling runs it. */
export function notCallable(fn: unknown): string | undefined {
  if (isGenerator(fn)) return "a generator function, whose body nobody would run";
  const isClass = typeof fn === "function" && /^class\b/.test(Function.prototype.toString.call(fn));
  return isClass ? "a class, which only new can call" : undefined;
}

/** Whether it is a generator function or a generator: a call would not run its body. */
export function isGenerator(fn: unknown): boolean {
  return attempt(() => /Generator/.test(Object.prototype.toString.call(fn)), false);
}
