/** Executors: `run`, `map` and `mapSettled` over a pool of lanes, the same under each model. */

import type { Decision } from "./adaptive/controller.ts";
import type { Guide } from "./adaptive/guide.ts";
import { Calls } from "./dispatch/calls.ts";
import { Checker } from "./dispatch/checker.ts";
import type { RunningTask } from "./dispatch/in_flight.ts";
import { LanePool, type PoolOptions } from "./dispatch/lane_pool.ts";
import {
  checkedTask,
  type Items,
  type MapOptions,
  type RunOptions,
} from "./dispatch/map_options.ts";
import { type Outcome, type Results, UnusedResults } from "./dispatch/output.ts";
import type { LaneFactory } from "./dispatch/places.ts";
import { type MapCall, startMap } from "./dispatch/run.ts";
import type { SharedOptions } from "./executor_options.ts";
import { EventLoopLane } from "./lanes/event_loop.ts";
import type { Device } from "./lanes/lane.ts";
import type { Task, TaskContext } from "./lanes/task.ts";
import { decode, encodeAlone, type Payload } from "./lanes/remote/channel.ts";
import { type Cloning, structuredCloning } from "./lanes/remote/clone.ts";
import { defaultLanes, type Model, MODEL_TABLE, MOST_LANES } from "./models.ts";

/** One lane's CPU time and peak memory, as far as they can be measured. */
export interface LaneUsage {
  /** The lane's number, from 0. */
  readonly lane: number;
  /** How long the lane took from its request until it could take tasks, in milliseconds. */
  readonly startMs: number;
  /** CPU time of the lane's own thread or process, in milliseconds; undefined if it can't be measured alone. */
  readonly cpuMs: number | undefined;
  /** Peak resident memory of the lane's own process, in bytes; undefined if it runs in the caller's process. */
  readonly peakRssBytes: number | undefined;
  /** The device on which the lane computes, if that is a GPU or a software driver in its place. */
  readonly device?: Device;
  /** The name of the lane's machine, under {@linkcode cluster}. */
  readonly machine?: string;
}

/** Runs tasks under one concurrency model. */
export interface Executor extends AsyncDisposable {
  /** The model's name. */
  readonly model: Model;
  /** How many lanes there are at most: parallelism. */
  readonly lanes: number;
  /**
   * How many tasks each lane has in flight at most: concurrency. Infinity under `concurrent`. Under `cluster`,
   * once lanes have started, the number on the machine that allows the most.
   */
  readonly slots: number;
  /**
   * Runs `task` on every item and yields the values; fails with the first failure and stops the rest.
   *
   * @throws {RangeError} If an option is out of its range, or unknown.
   * @throws {TypeError} If `task` isn't named by its module and export, or `items` can't be iterated.
   */
  map<Item, Result>(
    task: Task<Item, Result>,
    items: Items<Item>,
    options?: MapOptions<NoInfer<Item>>,
  ): Results<Result>;
  /**
   * Runs `task` on one item: the promise fulfils with its value, or rejects with what the task threw, or with
   * an error that says why the task was stopped or lost. It starts at once if a slot is free. Calls wait for
   * slots in the order in which they come, and take turns with every `map` under way. `context.index` is 0. If
   * the task returns a value although its call was aborted, the promise fulfils.
   *
   * @param task The task's name.
   * @param item The task's item.
   * @param options When the task must stop, and whether it is tried again.
   * @returns A promise that settles once everything of the call that can be stopped has ended.
   *
   * @example A server that computes on threads, a request at a time
   * ```ts
   * import { task, workers } from "./mod.ts";
   *
   * const double = task<{ default: (n: number) => number }>("data:text/javascript,export default (n) => 2 * n");
   * await using executor = workers({ lanes: 2, maxQueued: 100 });
   * const answers = [1, 2, 3].map((n) => executor.run(double, n, { timeoutMs: 10_000 }));
   * console.log(await Promise.all(answers)); // [2, 4, 6]
   * ```
   */
  run<Item, Result>(
    task: Task<Item, Result>,
    item: NoInfer<Item>,
    options?: RunOptions,
  ): Promise<Result>;
  /** Runs `task` on every item and yields an outcome for each, failed or not; throws as `map` does. */
  mapSettled<Item, Result>(
    task: Task<Item, Result>,
    items: Items<Item>,
    options?: MapOptions<NoInfer<Item>>,
  ): Results<Outcome<Result, Item>>;
  /**
   * Starts no more tasks until `resume()`: items and calls wait. Running tasks go on, and so do the tiny tasks
   * that were sent together as one chunk. A subprocess with several slots also goes on with the tasks that it
   * was already sent, since they can't be taken back while one of its tasks computes.
   */
  pause(): void;
  /** Starts tasks again after `pause()`. */
  resume(): void;
  /** The tasks that run at this moment, and since when, lane by lane. */
  running(): RunningTask[];
  /**
   * Starts every lane now instead of when it is first needed, and waits until all can take tasks, or this task
   * if it is given. Rejects with a {@linkcode LaneStartError} if none can be started, and with a
   * {@linkcode TaskLoadError} if none can load and set up the task, or not within 30 seconds.
   */
  ready(task?: Task): Promise<void>;
  /** Reports what each lane has used so far. */
  usage(): Promise<LaneUsage[]>;
  /**
   * Stops everything and leaves nothing behind, as the end of an `await using` block does. The resources that
   * the task modules' `setup` made are disposed in every lane that is still alive; if that fails, or takes
   * longer than the grace time, this rejects with a `TeardownError` once everything else has ended.
   */
  close(): Promise<void>;
}

/** A task for an executor in this event loop: named by its module, or a plain function without a `setup`. */
export type LocalTask<Item, Result> =
  | Task<Item, Result>
  // deno-lint-ignore no-explicit-any
  | ((item: Item, context: TaskContext<undefined, any>) => Result | PromiseLike<Result>);

/**
 * An executor whose lane is this event loop. Nothing is sent anywhere, so it also takes a plain function, even
 * a closure, as a task. Only a module can have a `setup`, so a function's `context.resource` is undefined.
 *
 * @example
 * ```ts
 * import { limited } from "./mod.ts";
 *
 * await using executor = limited({ slots: 2 });
 * const seen: number[] = [];
 * const squares = executor.map((n, { index }) => (seen.push(index), n * n), [2, 3]);
 * console.log(await squares.toArray(), seen); // [4, 9] [0, 1]
 * ```
 */
export interface EventLoopExecutor extends Executor {
  /** Same as {@linkcode Executor.run}, with a task or a function. */
  run<Item, Result>(
    task: LocalTask<Item, Result>,
    item: Item,
    options?: RunOptions,
  ): Promise<Result>;
  /** Same as {@linkcode Executor.map}, with a task or a function. */
  map<Item, Result>(
    task: LocalTask<Item, Result>,
    items: Items<Item>,
    options?: MapOptions<NoInfer<Item>>,
  ): Results<Result>;
  /** Same as {@linkcode Executor.mapSettled}, with a task or a function. */
  mapSettled<Item, Result>(
    task: LocalTask<Item, Result>,
    items: Items<Item>,
    options?: MapOptions<NoInfer<Item>>,
  ): Results<Outcome<Result, Item>>;
}

/**
 * An executor in this event loop whose slots can be changed.
 *
 * @example
 * ```ts
 * import { limited } from "./mod.ts";
 *
 * await using executor = limited({ slots: 2 });
 * executor.slots = 20; // from now on; what runs beyond fewer slots goes on
 * ```
 */
export interface LimitedExecutor extends EventLoopExecutor {
  /** How many tasks are in flight at most, from 1: concurrency. It can be changed at any time. */
  slots: number;
}

/** The fixed model that is closest to where {@linkcode auto} ended up. */
export interface Recommended {
  /** The model's name. */
  readonly model: Model;
  /** The number of lanes. */
  readonly lanes: number;
  /** The number of slots on each lane. */
  readonly slots: number;
  /** The line of code that opens the model, with the rate to keep if the server limits it. */
  readonly code: string;
}

/**
 * An executor that finds out what its tasks need while it runs. `lanes` and `slots` are the current ones.
 *
 * @example
 * ```ts
 * import { auto } from "./mod.ts";
 *
 * await using executor = auto({ maxSlots: 100 });
 * await executor.map((n: number) => n * n, [1, 2, 3]).toArray();
 * console.log(executor.recommended.code); // await using executor = sequential();
 * ```
 */
export interface AutoExecutor extends EventLoopExecutor {
  /** The decisions so far, each with the figures that led to it. */
  readonly decisions: readonly Decision[];
  /** The model to use next time for the same job; with lanes only if tasks that ended there show a gain. */
  readonly recommended: Recommended;
}

/** How long `ready(task)` waits for the task's module, in milliseconds. */
const READY_LOAD_MS = 30_000;

export type PoolSize = Pick<PoolOptions, "lanes" | "slots" | "graceMs">;

interface PoolKind
  extends Pick<PoolOptions, "batches" | "makeLane" | "lanesThere" | "onQuarantined"> {
  /** How many batches run on a lane at once, if that isn't one for each slot. */
  readonly slots?: number;
  /** Closes what the lanes share, once all are closed. */
  readonly close?: () => Promise<void>;
  readonly guide?: Guide;
}

/** A model's size from its options, or else from the table of models. */
export function modelSize(
  model: Model,
  options: { readonly [Name in keyof PoolSize]?: number | undefined },
): PoolSize {
  const { sizes, options: names, ...usual } = MODEL_TABLE[model];
  new Checker(`open ${model}()`).known(options, [...sizes, ...names]);
  const { lanes = defaultLanes(model, "cpu") } = options;
  const { slots = usual.slots, graceMs = usual.graceMs } = options;
  return { lanes, slots, graceMs };
}

/** The caller's `shared` as it is now, in the form in which it is sent to all lanes. */
export function sharedOf({ shared }: SharedOptions, cloning: Cloning): Payload {
  return shared === undefined ? undefined : encodeAlone("the option shared", shared, cloning);
}

/** Makes the lane that is this event loop. */
export function loopLanes(options: SharedOptions, { graceMs }: PoolSize): LaneFactory {
  const shared = decode(sharedOf(options, structuredCloning)).values?.[0];
  return (_number, events) => new EventLoopLane(events, { shared, graceMs });
}

export class PooledExecutor implements LimitedExecutor, AutoExecutor {
  readonly model: Model;
  #slots: number;
  readonly #pool: LanePool;
  readonly #guide: Guide | undefined;
  readonly #unused = new UnusedResults();
  readonly #calls: Calls;
  readonly #kind: PoolKind;

  constructor(
    model: Model,
    options: SharedOptions,
    { lanes, slots, graceMs }: PoolSize,
    kind: PoolKind,
  ) {
    const { laneKind, mostSlots } = MODEL_TABLE[model];
    const { maxQueued = Infinity, tasksPerLane = Infinity, idleMs = Infinity } = options;
    const check = new Checker(`open ${model}()`);
    check.count("lanes", lanes, 1, MOST_LANES);
    check.count("slots", slots, 1, mostSlots);
    check.time("graceMs", graceMs);
    check.count("maxQueued", maxQueued, 0);
    check.count("tasksPerLane", tasksPerLane, 1);
    check.time("idleMs", idleMs);
    this.model = model;
    this.#slots = slots;
    const remote = laneKind !== "event loop" && laneKind !== "where it gains";
    const inThreads = laneKind === "thread" || laneKind === "graphics card";
    // Only on these lanes can waiting batches be taken back while the lane is busy.
    const takesAhead = inThreads || laneKind === "machine" || kind.guide?.isolated === false;
    const travel = { remote, takesAhead, moves: inThreads };
    this.#pool = new LanePool({ lanes, slots, graceMs, tasksPerLane, idleMs, ...travel, ...kind });
    this.#guide = kind.guide;
    this.#guide?.lead(this.#pool);
    this.#calls = new Calls(this.#pool, maxQueued);
    this.#kind = kind;
  }

  get lanes(): number {
    return this.#guide?.shape.lanes ?? this.#pool.lanes;
  }

  get slots(): number {
    return this.#guide?.shape.slots ?? this.#pool.givenSlots ?? this.#slots;
  }

  set slots(slots: number) {
    if (this.model !== "limited") {
      throw new TypeError(
        `Cannot change the slots of ${this.model}(): only those of limited() can be changed`,
      );
    }
    new Checker("change limited()").count("slots", slots, 1, MODEL_TABLE.limited.mostSlots);
    this.#slots = slots;
    this.#pool.resize(() => slots);
  }

  get decisions(): readonly Decision[] {
    return this.#guide?.decisions ?? [];
  }

  get recommended(): Recommended {
    // By its type a fixed executor lacks this property, but code that reads all properties reads it, too.
    const guide = this.#guide;
    return (guide && recommendedFor(guide.outcome, guide.isolated)) as Recommended;
  }

  map<I, R>(task: LocalTask<I, R>, items: Items<I>, options?: MapOptions<NoInfer<I>>): Results<R> {
    return this.#start({ task, items, options, failFast: true }) as Results<R>;
  }

  mapSettled<I, R>(
    task: LocalTask<I, R>,
    items: Items<I>,
    options?: MapOptions<NoInfer<I>>,
  ): Results<Outcome<R, I>> {
    return this.#start({ task, items, options, failFast: false }) as Results<Outcome<R, I>>;
  }

  #start(call: MapCall): Results<unknown> {
    return startMap(this.#pool, this.#unused, call);
  }

  run<I, R>(task: LocalTask<I, R>, item: I, options?: RunOptions): Promise<R> {
    return this.#calls.run(task, item, options) as Promise<R>;
  }

  pause(): void {
    this.#pool.pause();
  }

  resume(): void {
    this.#pool.resume();
  }

  running(): RunningTask[] {
    return this.#pool.inFlight.running;
  }

  async ready(task?: Task): Promise<void> {
    const { remote } = this.#pool.options;
    const checked = task && checkedTask(task, "start lanes", remote);
    await this.#pool.openAll(checked, READY_LOAD_MS);
  }

  usage(): Promise<LaneUsage[]> {
    return Promise.all(
      this.#pool.openLanes.map(async ({ number, startMs = 0, lane }) => ({
        lane: number,
        startMs,
        ...await lane.usage(),
      })),
    );
  }

  async close(): Promise<void> {
    this.#unused.close();
    await this.#pool.close().finally(this.#kind.close);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export function recommendedFor(
  { place, lanes, slots, gapMs }: Guide["outcome"],
  isolated: boolean,
): Recommended {
  const [model, size]: [Model, string] = place === "event loop"
    ? (slots === 1 ? ["sequential", ""] : ["limited", `{ slots: ${slots} }`])
    : [
      isolated ? "processes" : "workers",
      `{ lanes: ${lanes}${slots === 1 ? "" : `, slots: ${slots}`} }`,
    ];
  const pace = gapMs === 0 ? "" : ` // map with rate: { limit: 1, perMs: ${Math.ceil(gapMs)} }`;
  return { model, lanes, slots, code: `await using executor = ${model}(${size});${pace}` };
}
