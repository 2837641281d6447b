/** The table of concurrency models, as code: one constructor a model, all of one interface. */

import type { Decision, Shape } from "./adaptive/controller.ts";
import { Guide } from "./adaptive/guide.ts";
import { LanePool, type RunningTask } from "./dispatch/lane_pool.ts";
import type { LaneFactory } from "./dispatch/places.ts";
import { Calls } from "./dispatch/calls.ts";
import { checkedTask } from "./dispatch/checked_task.ts";
import { startMap } from "./dispatch/map.ts";
import {
  checker,
  isCount,
  isTime,
  type Items,
  type MapOptions,
  type RunOptions,
} from "./dispatch/options.ts";
import type { Outcome } from "./dispatch/outcome.ts";
import type { QuarantinedItem } from "./dispatch/recovery.ts";
import type { Results } from "./dispatch/output.ts";
import { UnusedResults } from "./dispatch/unused_results.ts";
import type {
  AutoOptions,
  ClusterOptions,
  EventLoopOptions,
  GpuOptions,
  LimitedOptions,
  ProcessesOptions,
  SharedOptions,
  WorkersOptions,
} from "./executor_options.ts";
import type { BatchLimits } from "./dispatch/batch_size.ts";
import type { Broker } from "./lanes/cluster/broker.ts";
import { Cluster } from "./lanes/cluster/cluster.ts";
import { ClusterChannel } from "./lanes/cluster/cluster_channel.ts";
import type { ServerOptions } from "./lanes/cluster/server_options.ts";
import { EventLoopLane } from "./lanes/event_loop.ts";
import { LaneStartError } from "./lanes/errors.ts";
import type { Device } from "./lanes/lane.ts";
import { importModule } from "./lanes/load_task.ts";
import { needsPreload } from "./lanes/preloads.ts";
import { ofOneProject } from "./lanes/project.ts";
import { GpuChannel } from "./lanes/gpu/gpu_channel.ts";
import { RemoteLane } from "./lanes/remote/remote_lane.ts";
import { decode, encodeAlone, type Encoded } from "./lanes/remote/values.ts";
import { threads, type Way } from "./lanes/remote/way.ts";
import { faultOf } from "./lanes/subprocess/permissions.ts";
import { SubprocessChannel, way as frames } from "./lanes/subprocess/subprocess_channel.ts";
import type { Task, TaskFunction } from "./lanes/task.ts";
import { checkNarrowing, WorkerChannel } from "./lanes/worker/worker_channel.ts";
import { defaultLanes, type Model, MODEL_TABLE } from "./models.ts";

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
  /** How many tasks each lane has in flight at most: concurrency. Infinity under `concurrent`. */
  readonly slots: number;
  /**
   * Runs `task` on every item and gives its values; fails with the first failure and stops the rest.
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
  /** Runs `task` on every item and gives an outcome for each, whatever became of it. */
  mapSettled<Item, Result>(
    task: Task<Item, Result>,
    items: Items<Item>,
    options?: MapOptions<NoInfer<Item>>,
  ): Results<Outcome<Result, Item>>;
  /**
   * Starts nothing more until `resume()`: items and calls wait. What runs goes on, and tiny tasks that
   * travel together go on to the end of their chunk.
   */
  pause(): void;
  /** Goes on after `pause()`. */
  resume(): void;
  /** What runs at this moment, and since when, lane by lane. */
  running(): RunningTask[];
  /** Starts every lane now instead of when it is first needed, and waits until all can take tasks. */
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

/** A task for an executor in this event loop: named by its module, or the function itself. */
export type LocalTask<Item, Result> = Task<Item, Result> | TaskFunction<Item, Result>;

/**
 * An executor whose lane is this event loop. Nothing travels there, so it takes a plain function beside a
 * task, a closure too; only a module can have a `setup`, so its `context.resource` is undefined.
 *
 * @example
 * ```ts
 * import { limited } from "./executor.ts";
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
 * import { limited } from "./executor.ts";
 *
 * await using executor = limited({ slots: 2 });
 * executor.slots = 20; // from now on; what runs beyond fewer slots goes on
 * ```
 */
export interface LimitedExecutor extends EventLoopExecutor {
  /** How many tasks are in flight at most: concurrency. It may be changed at any time. */
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
  /** The line of code that opens it. */
  readonly code: string;
}

/**
 * An executor that finds out while it runs what its tasks need. Its `lanes` and `slots` are those of now.
 *
 * @example
 * ```ts
 * import { auto } from "./executor.ts";
 *
 * await using executor = auto({ maxSlots: 100 });
 * await executor.map((n: number) => n * n, [1, 2, 3]).toArray();
 * console.log(executor.recommended.code); // await using executor = sequential();
 * ```
 */
export interface AutoExecutor extends EventLoopExecutor {
  /** What it decided so far, and from what figures. */
  readonly decisions: readonly Decision[];
  /** What to use next time, if the job is the same. */
  readonly recommended: Recommended;
}

const GRACE_MS = 250;
/** Unless told, `auto` has no more tasks in flight. */
const MOST_AUTO_SLOTS = 1024;
/** More lanes than any machine has use for: threads and subprocesses take megabytes each. */
const MOST_LANES = 4096;
/** How long `ready(task)` waits for the task's module. */
const READY_LOAD_MS = 30_000;

/** What each model's lanes are like. */
interface LaneKind {
  readonly remote: boolean;
  readonly takesAhead: boolean;
  readonly moves: boolean;
  /** How many batches run on a lane at once, if a slot isn't room for one. */
  readonly slots?: number;
  readonly batches?: BatchLimits;
  readonly makeLane: LaneFactory;
  readonly lanesThere?: () => number | undefined;
  readonly onQuarantined?: (item: QuarantinedItem) => void;
  /** Closes what its lanes share, once all are closed. */
  readonly close?: () => Promise<void>;
  readonly guide?: Guide;
}

class PooledExecutor implements LimitedExecutor, AutoExecutor {
  readonly model: Model;
  #slots: number;
  readonly #pool: LanePool;
  readonly #guide: Guide | undefined;
  readonly #unused = new UnusedResults();
  readonly #calls: Calls;
  readonly #kind: LaneKind;

  constructor(
    model: Model,
    options: LimitedOptions & { readonly lanes?: number },
    kind: LaneKind,
  ) {
    const row = MODEL_TABLE[model];
    const { lanes = defaultLanes(model, "cpu"), slots = row.slots } = options;
    const { maxQueued = Infinity, tasksPerLane = Infinity, idleMs = Infinity } = options;
    const graceMs = graceOf(options);
    const opening = `open ${model}()`;
    const check = checker(opening);
    checkCount(opening, "lanes", lanes, MOST_LANES);
    checkCount(opening, "slots", slots, row.mostSlots);
    const aTime = "a number of milliseconds from 0";
    check("graceMs", graceMs, isTime(graceMs), aTime);
    check("maxQueued", maxQueued, isCount(maxQueued, 0), "a whole number from 0");
    check("tasksPerLane", tasksPerLane, isCount(tasksPerLane, 1), "a whole number from 1");
    check("idleMs", idleMs, isTime(idleMs), aTime);
    this.model = model;
    this.#slots = slots;
    this.#pool = new LanePool({ lanes, slots, graceMs, tasksPerLane, idleMs, ...kind });
    this.#guide = kind.guide;
    this.#guide?.lead(this.#pool);
    this.#calls = new Calls(this.#pool, maxQueued);
    this.#kind = kind;
  }

  get lanes(): number {
    return this.#guide?.shape.lanes ?? this.#pool.lanes;
  }

  get slots(): number {
    return this.#guide?.shape.slots ?? this.#slots;
  }

  set slots(slots: number) {
    if (this.model !== "limited") {
      throw new TypeError(
        `Cannot change the slots of ${this.model}(): only those of limited() can be changed`,
      );
    }
    checkCount("change limited()", "slots", slots, MODEL_TABLE.limited.mostSlots);
    this.#slots = slots;
    this.#pool.resize(() => slots);
  }

  get decisions(): readonly Decision[] {
    return this.#guide?.decisions ?? [];
  }

  get recommended(): Recommended {
    return recommendedFor(this.#guide!.shape, this.#guide!.isolated);
  }

  map<Item, Result>(
    task: LocalTask<Item, Result>,
    items: Items<Item>,
    options?: MapOptions<NoInfer<Item>>,
  ): Results<Result> {
    return this.#start(task, items, options, true) as Results<Result>;
  }

  mapSettled<Item, Result>(
    task: LocalTask<Item, Result>,
    items: Items<Item>,
    options?: MapOptions<NoInfer<Item>>,
  ): Results<Outcome<Result, Item>> {
    return this.#start(task, items, options, false) as Results<Outcome<Result, Item>>;
  }

  run<Item, Result>(
    task: LocalTask<Item, Result>,
    item: Item,
    options?: RunOptions,
  ): Promise<Result> {
    return this.#calls.run(task, item, options) as Promise<Result>;
  }

  #start(
    task: unknown,
    items: Items<unknown>,
    options: MapOptions<never> | undefined,
    failFast: boolean,
  ): Results<unknown> {
    return startMap({ pool: this.#pool, unused: this.#unused }, task, items, options, failFast);
  }

  pause(): void {
    this.#pool.pause();
  }

  resume(): void {
    this.#pool.resume();
  }

  running(): RunningTask[] {
    return this.#pool.running;
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

function graceOf({ graceMs = GRACE_MS }: { readonly graceMs?: number | undefined }): number {
  return graceMs;
}

/** What the caller gives to all lanes, as it is now, in the form that travels. */
function sharedOf({ shared }: SharedOptions, way: Way): Encoded | undefined {
  return shared === undefined ? undefined : encodeAlone("the option shared", shared, way);
}

function checkCount(what: string, name: string, value: unknown, most: number): void {
  const holds = isCount(value as number, 1) && value as number <= most;
  const wanted = most === Infinity ? "a whole number from 1" : `a whole number from 1 to ${most}`;
  checker(what)(name, value, holds, wanted);
}

function checkKnown(model: Model, options: object): void {
  const { sizes, options: names } = MODEL_TABLE[model];
  checker(`open ${model}()`).known(options, new Set<string>([...sizes, ...names]));
}

/**
 * One task after another in this event loop: the plain loop that all others are measured against.
 *
 * @param options How long a task that ignores its deadline is waited for.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { sequential } from "./executor.ts";
 * import { task } from "./lanes/task.ts";
 *
 * const double = task<{ default: (n: number) => number }>("data:text/javascript,export default (n) => 2 * n");
 * await using executor = sequential();
 * console.log(await executor.map(double, [1, 2, 3]).toArray()); // [2, 4, 6]
 * ```
 */
export function sequential(options: EventLoopOptions = {}): EventLoopExecutor {
  checkKnown("sequential", options);
  return eventLoop("sequential", options);
}

/**
 * All tasks at once in this event loop, as `Promise.all` does it. For tasks that wait; for many items,
 * {@linkcode limited} is kinder to whoever answers.
 *
 * @param options How long a task that ignores its deadline is waited for.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { concurrent } from "./executor.ts";
 * import { task } from "./lanes/task.ts";
 *
 * const slow = task<{ default: (n: number) => Promise<number> }>(
 *   "data:text/javascript,export default (n) => new Promise((done) => setTimeout(done, 5, n))",
 * );
 * await using executor = concurrent();
 * console.log(await executor.map(slow, [1, 2, 3]).toArray()); // [1, 2, 3], after 5 ms
 * ```
 */
export function concurrent(options: EventLoopOptions = {}): EventLoopExecutor {
  checkKnown("concurrent", options);
  return eventLoop("concurrent", options);
}

/**
 * At most so many tasks at once in this event loop.
 *
 * @param options How many slots; 5 unless given.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { limited } from "./executor.ts";
 *
 * await using executor = limited({ slots: 8 });
 * console.log(executor.lanes, executor.slots); // 1 8
 * ```
 */
export function limited(options: LimitedOptions = {}): LimitedExecutor {
  checkKnown("limited", options);
  return eventLoop("limited", options);
}

const IN_LOOP = { remote: false, takesAhead: false, moves: false } as const;

function eventLoop(model: Model, options: LimitedOptions): LimitedExecutor {
  return new PooledExecutor(model, options, { ...IN_LOOP, makeLane: loopLanes(options) });
}

function loopLanes(options: EventLoopOptions): LaneFactory {
  const encoded = sharedOf(options, threads);
  const shared = encoded && decode(encoded.special, encoded.payload).values?.[0];
  return (_number, events) => new EventLoopLane(events, { shared, graceMs: graceOf(options) });
}

/**
 * Tasks in worker threads: for tasks that compute, or that must not hold up this event loop.
 *
 * @param options How many threads, slots on each, and what they may do.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { workers } from "./executor.ts";
 * import { task } from "./lanes/task.ts";
 *
 * const double = task<{ default: (n: number) => number }>("data:text/javascript,export default (n) => 2 * n");
 * await using executor = workers({ lanes: 2 });
 * console.log(await executor.map(double, [1, 2, 3]).toArray()); // [2, 4, 6]
 * ```
 */
export function workers(options: WorkersOptions = {}): Executor {
  checkKnown("workers", options);
  return new PooledExecutor("workers", options, {
    remote: true,
    takesAhead: true,
    moves: true,
    makeLane: threadLanes(options),
  });
}

function threadLanes(options: WorkersOptions): LaneFactory {
  const { slots = 1, unstableWorkerOptions = false } = options;
  // A copy: what a lane may do is settled now, whatever becomes of the caller's object.
  const permissions = structuredClone(options.permissions);
  const narrows = permissions !== undefined && permissions !== "inherit";
  if (narrows) checkNarrowing(unstableWorkerOptions);
  const shared = sharedOf(options, threads);
  return (number, events, tasks) => {
    const modules = tasks.map(({ module }) => module);
    return new RemoteLane(
      events,
      (channel) =>
        new WorkerChannel(channel, { number, slots, modules, ...(narrows && { permissions }) }),
      {
        // A thread that may do less may not read the modules of tasks that it wasn't started with.
        accepts: ({ module }) => !narrows || !needsPreload(module) || modules.includes(module),
        shared,
        graceMs: graceOf(options),
      },
    );
  };
}

/**
 * Tasks in subprocesses: for tasks that compute and may crash, run out of memory or never end, or
 * that must be kept from touching anything.
 *
 * @param options How many subprocesses, slots on each, and what they may touch.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { processes } from "./executor.ts";
 * import { task } from "./lanes/task.ts";
 *
 * const double = task<{ default: (n: number) => number }>("data:text/javascript,export default (n) => 2 * n");
 * await using executor = processes({ lanes: 2 });
 * console.log(await executor.map(double, [1, 2, 3]).toArray()); // [2, 4, 6]
 * ```
 */
export function processes(options: ProcessesOptions = {}): Executor {
  checkKnown("processes", options);
  return new PooledExecutor("processes", options, {
    remote: true,
    takesAhead: false,
    moves: false,
    makeLane: processLanes("processes", options),
  });
}

function processLanes(model: Model, options: ProcessesOptions): LaneFactory {
  const { shared: given, slots = 1, permissions, v8Flags, config, stderr } = options;
  const child = structuredClone({ permissions, v8Flags, config, stderr });
  const fault = faultOf(child.permissions);
  if (fault !== undefined) checker(`open ${model}()`)(fault[0], fault[1], false, fault[2]);
  const shared = sharedOf({ shared: given }, frames);
  return (_number, events, tasks) => {
    const modules = ofOneProject(tasks.map(({ module }) => module), child.config);
    return new RemoteLane(
      events,
      (channel) => new SubprocessChannel(channel, { ...child, slots, modules }),
      {
        // It may read nothing, so it can only run what it was started with.
        accepts: ({ module }) => !needsPreload(module) || modules.includes(module),
        shared,
        graceMs: graceOf(options),
      },
    );
  };
}

/** How long a batch of tiny tasks is to take on another machine: long against its way there and back. */
const CLUSTER_BATCH_MS = 10;
/** As many numbers are far from what a message may hold. */
const MOST_CLUSTER_ITEMS = 16_384;
const CLUSTER_GRACE_MS = 1000;
const SILENCE_MS = 10_000;
/** A machine may be late by a beat or two. */
const LEAST_SILENCE_MS = 3000;
const NATS = new URL("./lanes/cluster/nats_broker.ts", import.meta.url).href;

/**
 * Tasks on other machines, which meet this program at a NATS server with JetStream: its lanes are those
 * that joined with `deno task lane`. They run only modules that their operators allow, with the very
 * content that they have here. NATS is loaded when the first lane is asked for, so the program needs
 * `--allow-read`, and `--allow-net` of the server.
 *
 * @param options Where the server is, and how many lanes are used at most.
 * @returns The executor; close it, or open it with `await using`. While no machine has joined, its runs
 * fail with a {@linkcode LaneStartError}.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts ignore
 * import { task } from "./lanes/task.ts";
 * import { cluster } from "./executor.ts";
 *
 * const score = task<typeof import("./score.ts")>(new URL("./score.ts", import.meta.url));
 * await using executor = cluster({ servers: "nats://127.0.0.1:4222" });
 * console.log(await executor.map(score, ["a", "b"]).toArray());
 * ```
 */
export function cluster(options: ClusterOptions): Executor {
  checkKnown("cluster", options);
  const { servers, slots = 1, graceMs = CLUSTER_GRACE_MS, silenceMs = SILENCE_MS } = options;
  const check = checker("open cluster()");
  const list = typeof servers === "string" ? servers.split(",") : servers;
  const areServers = Array.isArray(list) && list.length > 0 &&
    list.every((server) => typeof server === "string" && server !== "");
  check("servers", servers, areServers, 'an address such as "nats://127.0.0.1:4222"');
  const isLong = isTime(silenceMs) && silenceMs >= LEAST_SILENCE_MS;
  check("silenceMs", silenceMs, isLong, `a number of milliseconds from ${LEAST_SILENCE_MS}`);
  const server = { ...options, servers: [...list] };
  const shared = sharedOf(options, frames);
  const machines = new Cluster({
    silenceMs,
    connect: async () => {
      const { openNats } = await importModule(NATS) as {
        openNats: (options: ServerOptions) => Promise<Broker>;
      };
      return await openNats(server);
    },
  });
  return new PooledExecutor("cluster", { ...options, graceMs }, {
    remote: true,
    takesAhead: false,
    moves: false,
    batches: { targetMs: CLUSTER_BATCH_MS, firstItems: 1, mostItems: MOST_CLUSTER_ITEMS },
    makeLane: (_number, events, tasks) => {
      if (machines.isFull) throw new LaneStartError("all lanes that have joined are in use");
      const modules = tasks.map(({ module }) => module);
      return new RemoteLane(
        events,
        (channel) => new ClusterChannel(channel, machines, { slots, tasks }),
        {
          accepts: ({ module }) => !needsPreload(module) || modules.includes(module),
          shared,
          graceMs,
        },
      );
    },
    lanesThere: () => machines.lanes,
    onQuarantined: (item) => machines.bury(item),
    close: () => machines.close(),
  });
}

/** How long a batch of items is to take on a GPU, in milliseconds: long against its way back, 10 ms. */
const GPU_BATCH_MS = 100;
/** One batch is computed while the results of others are on their way. */
const GPU_BATCHES = 4;
/** A GPU is given so many items at first, of which nothing is known: they run side by side anyway. */
const FIRST_GPU_ITEMS = 64;

/**
 * Tasks on a graphics card, through WebGPU: for thousands of items that compute alike, or for a few that
 * can be cut into thousands of pieces. The task's module exports a {@linkcode Kernel} beside it. One
 * thread keeps the card busy; `map` sends it up to a quarter of its `slots` at a time, which are computed
 * together, while the results of the others are on their way. A call of `run` is computed alone.
 * Where there is no card, a driver in software does the work, on the cores that everything else uses:
 * `usage()` says which it is. Mesa's prints a line on stderr unless `XDG_RUNTIME_DIR` is set.
 *
 * @param options How many items are in flight at most.
 * @returns The executor; close it, or open it with `await using`. Without any adapter its runs fail with a
 * {@linkcode LaneStartError} that says what is missing.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { gpu } from "./executor.ts";
 * import { task } from "./lanes/task.ts";
 *
 * const sumSquares = task<typeof import("./tasks/sum_squares.ts")>(
 *   new URL("./tasks/sum_squares.ts", import.meta.url),
 * );
 * await using executor = gpu();
 * const sums = executor.map(sumSquares, [10, 100]);
 * await sums.toArray().then(console.log, ({ message }) => console.log(message)); // [285n, 328350n]
 * ```
 */
export function gpu(options: GpuOptions = {}): Executor {
  checkKnown("gpu", options);
  const { slots = MODEL_TABLE.gpu.slots } = options;
  const batches = Math.min(slots, GPU_BATCHES);
  const mostItems = Math.floor(slots / batches);
  return new PooledExecutor("gpu", options, {
    remote: true,
    takesAhead: true,
    moves: true,
    slots: batches,
    batches: { targetMs: GPU_BATCH_MS, firstItems: FIRST_GPU_ITEMS, mostItems },
    makeLane: (number, events) =>
      new RemoteLane(
        events,
        (channel) => new GpuChannel(channel, { number, slots: batches }),
        { graceMs: graceOf(options) },
      ),
  });
}

/**
 * Tasks wherever they turn out to gain, while they run: it begins in this event loop with one slot, gives
 * tasks that wait more slots for as long as more gets done, and those that compute threads, or
 * subprocesses, up to one for each core. Nothing runs twice to find out. What can't be sent elsewhere as
 * it is, such as a function or an object of a class of one's own, stays in this event loop.
 *
 * @param options Its bounds, and what it begins with.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range, or two contradict each other.
 *
 * @example
 * ```ts
 * import { auto } from "./executor.ts";
 * import { task } from "./lanes/task.ts";
 *
 * const double = task<{ default: (n: number) => number }>("data:text/javascript,export default (n) => 2 * n");
 * await using executor = auto();
 * console.log(await executor.map(double, [1, 2, 3]).toArray()); // [2, 4, 6]
 * ```
 */
export function auto(options: AutoOptions = {}): AutoExecutor {
  checkKnown("auto", options);
  const start = checkedStart(options);
  const { maxSlots = MOST_AUTO_SLOTS, memoryBytes = Infinity, isolate = false, stay } = options;
  const maxLanes = stay === "loop" ? 0 : options.maxLanes ?? navigator.hardwareConcurrency;
  const here = loopLanes(options);
  const slots = Math.min(maxSlots, MODEL_TABLE.workers.mostSlots);
  const elsewhere = isolate
    ? processLanes("auto", { ...options, slots })
    : threadLanes({ ...options, permissions: undefined, slots });
  const way = isolate ? frames : threads;
  return new PooledExecutor("auto", { ...options, lanes: 1 + maxLanes, slots: 1 }, {
    ...IN_LOOP,
    makeLane: (number, ...rest) => (number === 0 ? here : elsewhere)(number, ...rest),
    guide: new Guide({ maxSlots, maxLanes, memoryBytes, start, way, isolated: isolate }),
  });
}

/** What it begins with, if its bounds don't contradict each other. */
function checkedStart(
  { maxSlots = MOST_AUTO_SLOTS, maxLanes, memoryBytes, start, isolate, permissions, stay }:
    AutoOptions,
): Shape {
  const opening = "open auto()";
  const check = checker(opening);
  checkCount(opening, "maxSlots", maxSlots, MODEL_TABLE.auto.mostSlots);
  if (maxLanes !== undefined) checkCount(opening, "maxLanes", maxLanes, MOST_LANES - 1);
  check(
    "memoryBytes",
    memoryBytes,
    memoryBytes === undefined || memoryBytes > 0,
    "a number above 0",
  );
  check("stay", stay, stay === undefined || stay === "loop", `"loop", or left out`);
  check("isolate", isolate, isolate === undefined || typeof isolate === "boolean", "true or false");
  const stays = stay === "loop";
  check("isolate", isolate, !(isolate && stays), `left out, for stay is "loop"`);
  check("maxLanes", maxLanes, maxLanes === undefined || !stays, `left out, for stay is "loop"`);
  check(
    "permissions",
    permissions,
    !permissions || isolate === true,
    "left out, unless isolate is true",
  );
  const { lanes, slots = 1 } = start ?? {};
  checkCount(opening, "start.slots", slots, maxSlots);
  if (lanes === undefined) return { place: "event loop", lanes: 1, slots };
  checkCount(opening, "start.lanes", lanes, maxLanes ?? navigator.hardwareConcurrency);
  check("start.lanes", lanes, !stays, `left out, for stay is "loop"`);
  check(
    "start.slots",
    slots,
    lanes * slots <= maxSlots,
    `at most maxSlots on all lanes, ${maxSlots}`,
  );
  return { place: "lanes", lanes, slots };
}

function recommendedFor({ place, lanes, slots }: Shape, isolated: boolean): Recommended {
  const [model, size]: [Model, string] = place === "event loop"
    ? (slots === 1 ? ["sequential", ""] : ["limited", `{ slots: ${slots} }`])
    : [
      isolated ? "processes" : "workers",
      `{ lanes: ${lanes}${slots === 1 ? "" : `, slots: ${slots}`} }`,
    ];
  return { model, lanes, slots, code: `await using executor = ${model}(${size});` };
}
