/**
 * The tasks of one lane: each module is loaded and set up once, before its first task, and what its
 * set-up made is disposed when the lane closes.
 */

import { wordsOf } from "./attempt.ts";
import { TaskLoadError, TeardownError } from "./errors.ts";
import { type Hooks, hooksOf, loadTask } from "./load_task.ts";
import type { PlacedTask, Task, TaskContext, TaskFunction } from "./task.ts";

/** What the tasks of a module are given besides their items. */
export interface Given {
  /** What the module's `setup` gave; undefined without one. */
  readonly resource: unknown;
  /** What the caller gave to all lanes. */
  readonly shared: unknown;
  /** Where its items lie in their job, if they are taken in another order. */
  readonly places?: readonly number[];
}

/** A task that may run in this lane. */
export interface ReadyTask {
  readonly task: Task;
  readonly fn: TaskFunction;
  readonly given: Given;
}

/** How a lane's tasks are made ready. */
interface LaneTasksOptions {
  readonly shared?: unknown;
  /** Told when a module's set-up begins: there will be something to dispose. */
  readonly onSetup?: (module: string) => void;
  /** Loads a task; {@linkcode loadTask} unless given. */
  readonly load?: (task: Task) => TaskFunction | Promise<TaskFunction>;
}

/** A module with hooks. */
interface SetUp {
  readonly hooks: Hooks;
  readonly signal: AbortController;
  /** Settles when its set-up has ended; rejects with {@linkcode TaskLoadError}. */
  readonly settingUp: Promise<Given>;
  /** Once it has. */
  given: Given | undefined;
}

/** Makes tasks ready, and closes what was set up for them. */
export class LaneTasks {
  readonly #load: (task: Task) => TaskFunction | Promise<TaskFunction>;
  readonly #onSetup: ((module: string) => void) | undefined;
  /** By the task itself, for this is asked for every batch. */
  readonly #ready = new WeakMap<Task, ReadyTask>();
  readonly #setUp = new Map<string, SetUp>();
  readonly #bare: Given;
  #isClosed = false;

  constructor({ shared, onSetup, load = loadTask }: LaneTasksOptions = {}) {
    this.#bare = { resource: undefined, shared };
    this.#onSetup = onSetup;
    this.#load = load;
  }

  /**
   * A task that may run: at once if its module was loaded and set up before, else a promise, which
   * rejects with {@linkcode TaskLoadError} if that can't be done.
   */
  ready(task: Task): ReadyTask | Promise<ReadyTask> {
    const known = this.#ready.get(task);
    if (known !== undefined) return known;
    const fn = this.#load(task);
    return typeof fn === "function"
      ? this.#withSetup(task, fn)
      : fn.then((fn) => this.#withSetup(task, fn));
  }

  /** Whether a module's set-up is under way. */
  isSettingUp(module: string): boolean {
    const found = this.#setUp.get(module);
    return found !== undefined && found.given === undefined;
  }

  #withSetup(task: Task, fn: TaskFunction): ReadyTask | Promise<ReadyTask> {
    const given = this.#givenTo(task.module);
    return given instanceof Promise
      ? given.then((given) => this.#keep(task, fn, given))
      : this.#keep(task, fn, given);
  }

  #keep(task: Task, fn: TaskFunction, given: Given): ReadyTask {
    const { places } = task as PlacedTask;
    const ready = { task, fn, given: places === undefined ? given : { ...given, places } };
    this.#ready.set(task, ready);
    return ready;
  }

  #givenTo(module: string): Given | Promise<Given> {
    const hooks = hooksOf(module);
    if (hooks === undefined) return this.#bare;
    const known = this.#setUp.get(module);
    if (known !== undefined) return known.given ?? known.settingUp;
    if (this.#isClosed) {
      return Promise.reject(
        new TaskLoadError(`Cannot set up task module ${module}: its lane was closed`),
      );
    }
    const signal = new AbortController();
    const found: SetUp = {
      hooks,
      signal,
      settingUp: this.#start(module, hooks, signal.signal).then((given) => found.given = given),
      given: undefined,
    };
    this.#setUp.set(module, found);
    // Not kept if it fails: what it needs may be there before the next run.
    found.settingUp.catch(() => this.#setUp.delete(module));
    return found.settingUp;
  }

  async #start(module: string, { setup }: Hooks, signal: AbortSignal): Promise<Given> {
    const { shared } = this.#bare;
    this.#onSetup?.(module);
    if (setup === undefined) return this.#bare;
    try {
      return { resource: await setup({ shared, signal }), shared };
    } catch (cause) {
      throw new TaskLoadError(
        `Cannot set up task module ${module}: its setup failed: ${wordsOf(cause)}`,
        { cause },
      );
    }
  }

  /**
   * Disposes what was set up, the last first, and then what a set-up under way still gives. Nothing is
   * set up any more.
   */
  async close(): Promise<TeardownError[]> {
    this.#isClosed = true;
    const all = [...this.#setUp].reverse();
    const failures: TeardownError[] = [];
    for (const [, { signal, given }] of all) if (given === undefined) signal.abort();
    const isUnderWay = ([, { given }]: typeof all[number]) => given === undefined;
    for (const one of all.toSorted((a, b) => Number(isUnderWay(a)) - Number(isUnderWay(b)))) {
      const [module, { hooks, settingUp }] = one;
      try {
        const given = await settingUp.catch(() => undefined);
        if (given !== undefined) await dispose(given.resource, hooks);
      } catch (cause) {
        failures.push(
          new TeardownError(`The teardown of task module ${module} failed: ${wordsOf(cause)}`, {
            cause,
          }),
        );
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

/** The module's own `teardown` knows best; without it, the resource may know how it is disposed. */
async function dispose(resource: unknown, { teardown }: Hooks): Promise<void> {
  if (teardown !== undefined) return void await teardown(resource);
  const { [Symbol.asyncDispose]: later, [Symbol.dispose]: now } = Object(resource) as Partial<
    AsyncDisposable & Disposable
  >;
  if (typeof later === "function") await later.call(resource as AsyncDisposable);
  else if (typeof now === "function") now.call(resource as Disposable);
}

const NOTHING: Given = { resource: undefined, shared: undefined };

/** The context of the first try of an item; as in a lane it has no properties of its own that could be copied. */
export function plainContext(
  index: number,
  signal: AbortSignal,
  { resource, shared }: Given = NOTHING,
): TaskContext {
  const cancelled = () => signal.aborted;
  return Object.create({ index, attempt: 1, signal, resource, shared, cancelled });
}

/** A longer wait doesn't fit into a timer, and would end at once. */
const MOST_TIMER_MS = 2 ** 31 - 1;

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
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<readonly TeardownError[]>((resolve) => {
    const end = () => resolve(holds() ? [tooLate(graceMs)] : []);
    timer = setTimeout(end, Math.min(graceMs, MOST_TIMER_MS));
  });
  const failures = await Promise.race([dispose(), late]).finally(() => clearTimeout(timer));
  if (failures.length > 0) throw allAsOne(failures);
}

function tooLate(graceMs: number): TeardownError {
  return new TeardownError(
    `The teardown of a lane has not ended after its grace time of ${graceMs} ms and was given up; ` +
      "give it longer with graceMs",
  );
}

/** The first, which says how many others there are. */
export function allAsOne(failures: readonly TeardownError[]): TeardownError {
  const [first] = failures;
  if (failures.length === 1) return first!;
  return new TeardownError(`${first!.message} (the first of ${failures.length} such failures)`, {
    cause: first!.cause,
  });
}
