/** What an executor does, under each model: a pool of lanes with `run`, `map` and `mapSettled`. */

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
import { type MapCall, startMap } from "./dispatch/run.ts";
import type { SharedOptions } from "./executor_options.ts";
import type { Device } from "./lanes/lane.ts";
import type { Task, TaskContext } from "./lanes/task.ts";
import { type Model, MODEL_TABLE, MOST_LANES } from "./models.ts";

/** What one lane used, as far as it could be told. */
export interface LaneUsage {
  /** The lane's number, from 0. */
  readonly lane: number;
  /** How long it took from being asked for until it could take tasks, in milliseconds. */
  readonly startMs: number;
  /** CPU time of the lane's own thread or process; undefined where it can't be told apart. */
  readonly cpuMs: number | undefined;
  /** Peak resident memory of the lane's own process; undefined where it shares the caller's. */
  readonly peakRssBytes: number | undefined;
  /** What the lane computes on, where that is a GPU, or a program in its place. */
  readonly device?: Device;
  /** The name of the machine that the lane is on, under {@linkcode cluster}. */
  readonly machine?: string;
}

/** Runs tasks under one concurrency model. */
export interface Executor extends AsyncDisposable {
  /** The model's name. */
  readonly model: Model;
  /** How many lanes there are at most: parallelism. */
  readonly lanes: number;
  /**
   * How many tasks each lane has in flight at most: concurrency. Infinity under `concurrent`. Under
   * `cluster`, once lanes have started, as many as the machine that allows the most of them.
   */
  readonly slots: number;
  /**
   * Runs `task` on every item and gives its values; fails with the first failure and stops the rest.
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
   * Runs `task` on one item: the promise fulfils with its value, or rejects with what the task threw, or
   * with an error that says what befell it. It starts at once if a slot is free. Calls wait for slots in
   * the order in which they come, and take turns with every `map` that is under way. `context.index` is
   * 0. A task that gives its value though its call was aborted has given it: the promise fulfils.
   *
   * @param task The task's name.
   * @param item What it works on.
   * @param options When it is to be stopped, and whether it is tried again.
   * @returns A promise that settles when nothing of the call goes on any more that can be stopped.
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
  /** Runs `task` on every item and gives an outcome for each, whatever became of it; throws as `map` does. */
  mapSettled<Item, Result>(
    task: Task<Item, Result>,
    items: Items<Item>,
    options?: MapOptions<NoInfer<Item>>,
  ): Results<Outcome<Result, Item>>;
  /**
   * Starts nothing more until `resume()`: items and calls wait. What runs goes on, and tiny tasks that
   * travel together go on to the end of their chunk; so does what a subprocess with several slots was
   * sent already, and can't be asked for while one of its tasks computes.
   */
  pause(): void;
  /** Goes on after `pause()`. */
  resume(): void;
  /** What runs at this moment, and since when, lane by lane. */
  running(): RunningTask[];
  /**
   * Starts every lane now instead of when it is first needed, and waits until all can take tasks, this one
   * if it is given. Rejects with a {@linkcode LaneStartError} if none can be started, and with a
   * {@linkcode TaskLoadError} if the task can't be loaded and set up, or not within 30 seconds.
   */
  ready(task?: Task): Promise<void>;
  /** What each lane has used so far. */
  usage(): Promise<LaneUsage[]>;
  /**
   * Stops everything and leaves nothing behind. The same as leaving an `await using` block. What the
   * `setup` of tasks' modules made is disposed in every lane that still lives; if that fails, or takes
   * longer than the grace time, this rejects with a `TeardownError` once all else has ended.
   */
  close(): Promise<void>;
}

/** A task for an executor in this event loop: named by its module, or the function itself, without a `setup`. */
export type LocalTask<Item, Result> =
  | Task<Item, Result>
  // deno-lint-ignore no-explicit-any
  | ((item: Item, context: TaskContext<undefined, any>) => Result | PromiseLike<Result>);

/**
 * An executor whose lane is this event loop. Nothing travels there, so it takes a plain function beside a
 * task, a closure too; only a module can have a `setup`, so its `context.resource` is undefined.
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
  /** As {@linkcode Executor.run}, of a task or a function. */
  run<Item, Result>(
    task: LocalTask<Item, Result>,
    item: Item,
    options?: RunOptions,
  ): Promise<Result>;
  /** As {@linkcode Executor.map}, of a task or a function. */
  map<Item, Result>(
    task: LocalTask<Item, Result>,
    items: Items<Item>,
    options?: MapOptions<NoInfer<Item>>,
  ): Results<Result>;
  /** As {@linkcode Executor.mapSettled}, of a task or a function. */
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
  /** How many tasks are in flight at most, from 1: concurrency. It may be changed at any time. */
  slots: number;
}

/** The fixed model that comes nearest to what {@linkcode auto} came to. */
export interface Recommended {
  /** The model's name. */
  readonly model: Model;
  /** Its lanes. */
  readonly lanes: number;
  /** Its slots on each lane. */
  readonly slots: number;
  /** The line of code that opens it, and the rate to keep, if one is limited. */
  readonly code: string;
}

/**
 * An executor that finds out while it runs what its tasks need. Its `lanes` and `slots` are those of now.
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
  /** What it decided so far, and from what figures. */
  readonly decisions: readonly Decision[];
  /** What to use next time, if the job is the same; lanes only if what ended there shows that they gain. */
  readonly recommended: Recommended;
}

/** How long `ready(task)` waits for the task's module. */
const READY_LOAD_MS = 30_000;

export type PoolSize = Pick<PoolOptions, "lanes" | "slots" | "graceMs">;

interface PoolKind
  extends Pick<PoolOptions, "batches" | "makeLane" | "lanesThere" | "onQuarantined"> {
  /** How many batches run on a lane at once, if a slot isn't room for one. */
  readonly slots?: number;
  /** Closes what its lanes share, once all are closed. */
  readonly close?: () => Promise<void>;
  readonly guide?: Guide;
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
    // Only there can they be taken back while it is busy.
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
    // What has a fixed size has no such property by its type, but whoever reads all of them asks for it.
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
