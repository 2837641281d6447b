/** Opens an executor of each model. */

import { Guide } from "./adaptive/guide.ts";
import { checkAutoOptions } from "./auto_options.ts";
import { Checker, isTime } from "./dispatch/checker.ts";
import type { LaneFactory } from "./dispatch/places.ts";
import {
  type AutoExecutor,
  type Executor,
  loopLanes,
  modelSize,
  PooledExecutor,
  type PoolSize,
  sharedOf,
} from "./executor.ts";
import type {
  AutoOptions,
  ClusterOptions,
  GpuOptions,
  ProcessesOptions,
  WorkersOptions,
} from "./executor_options.ts";
import type { Broker, ServerOptions } from "./lanes/cluster/broker.ts";
import { Cluster } from "./lanes/cluster/cluster.ts";
import { ClusterChannel } from "./lanes/cluster/cluster_channel.ts";
import { GpuChannel } from "./lanes/gpu/gpu_channel.ts";
import { importModule } from "./lanes/lane_tasks.ts";
import {
  checkNarrowing,
  copyOf,
  deniedHere,
  faultOf,
  type LanePermissions,
  whyDenied,
} from "./lanes/permissions.ts";
import {
  fromHere,
  needsPreload,
  ofOneProject,
  THREAD_FOLDERS,
  THREADS_NEED,
} from "./lanes/project.ts";
import type { ChannelEvents } from "./lanes/remote/channel.ts";
import { structuredCloning } from "./lanes/remote/clone.ts";
import { RemoteLane } from "./lanes/remote/remote_lane.ts";
import { lackOfDeno } from "./lanes/subprocess/child.ts";
import { frameCloning, SubprocessChannel } from "./lanes/subprocess/subprocess_channel.ts";
import type { Task } from "./lanes/task.ts";
import { WorkerChannel } from "./lanes/worker/worker_channel.ts";
import { type Model, MODEL_TABLE } from "./models.ts";

export { concurrent, limited, sequential } from "./loop.ts";

/** Says, for an error, where a lane's permissions are given. */
function grantingOf(model: Model): string {
  return `which ${model}() is given as permissions: { $1: … }`;
}

/** A lane that may not read every file can only run the modules that it was started with. */
function onlyOf(modules: readonly string[]): (task: Task) => boolean {
  return ({ module }) => !needsPreload(module) || modules.includes(module);
}

function checkPermissions(model: Model, permissions: unknown, where: "thread" | "process"): void {
  const [name, value, wanted] = faultOf(permissions, where) ?? [];
  if (name !== undefined) new Checker(`open ${model}()`).is(name, value, false, wanted!);
}

/**
 * Tasks in worker threads: for tasks that compute, or that must not hold up this event loop. A task that runs
 * out of memory ends the program, as Deno can't end its thread alone: use {@linkcode processes} for that.
 *
 * @param options How many threads, how many slots on each, and the threads' permissions.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { workers, task } from "./mod.ts";
 *
 * const double = task<{ default: (n: number) => number }>("data:text/javascript,export default (n) => 2 * n");
 * await using executor = workers({ lanes: 2 });
 * console.log(await executor.map(double, [1, 2, 3]).toArray()); // [2, 4, 6]
 * ```
 */
export function workers(options: WorkersOptions = {}): Executor {
  const size = modelSize("workers", options);
  return new PooledExecutor("workers", options, size, { makeLane: threadLanes(options, size) });
}

function threadLanes(options: WorkersOptions, { slots, graceMs }: PoolSize): LaneFactory {
  const { unstableWorkerOptions = false } = options;
  new Checker("open workers()").flag("unstableWorkerOptions", unstableWorkerOptions);
  // Copied, so that later changes to the caller's object don't change what a lane may do.
  const permissions = copyOf(options.permissions);
  checkPermissions("workers", permissions, "thread");
  const narrows = permissions !== undefined && permissions !== "inherit";
  if (narrows) checkNarrowing(unstableWorkerOptions);
  const shared = sharedOf(options, structuredCloning);
  return (number, events, tasks) => {
    const modules = tasks.map(({ module }) => module);
    const thread = { number, slots, modules, ...(narrows && { permissions }) };
    const more = narrows && { accepts: onlyOf(modules), granting: grantingOf("workers") };
    const open = (told: ChannelEvents) => new WorkerChannel(told, thread);
    return new RemoteLane(events, open, { shared, graceMs, ...more });
  };
}

/**
 * Tasks in subprocesses: for tasks that compute and may crash, run out of memory or never end, or that must not
 * reach files, network or anything else.
 *
 * @param options How many subprocesses, how many slots on each, and their permissions.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { processes, task } from "./mod.ts";
 *
 * const double = task<{ default: (n: number) => number }>("data:text/javascript,export default (n) => 2 * n");
 * await using executor = processes({ lanes: 2 });
 * console.log(await executor.map(double, [1, 2, 3]).toArray()); // [2, 4, 6]
 * ```
 */
export function processes(options: ProcessesOptions = {}): Executor {
  const size = modelSize("processes", options);
  const makeLane = processLanes("processes", options, size);
  return new PooledExecutor("processes", options, size, { makeLane });
}

function processLanes(model: Model, options: ProcessesOptions, size: PoolSize): LaneFactory {
  const { slots, graceMs } = size;
  const { permissions, v8Flags = [], config, stderr = "show" } = options;
  const check = new Checker(`open ${model}()`);
  const areFlags = Array.isArray(v8Flags) && v8Flags.every((flag) => typeof flag === "string");
  check.is("v8Flags", v8Flags, areFlags, 'a list such as ["--max-old-space-size=256"]');
  check.is("config", config, config === undefined || typeof config === "string", "a path");
  check.is("stderr", stderr, stderr === "show" || stderr === "keep", '"show" or "keep"');
  checkPermissions(model, permissions, "process");
  const child = {
    permissions: copyOf(permissions),
    v8Flags: [...v8Flags],
    config: config && fromHere(config),
    stderr,
  };
  const shared = sharedOf(options, frameCloning);
  return (_number, events, tasks) => {
    const modules = ofOneProject(tasks.map(({ module }) => module), child.config);
    const open = (told: ChannelEvents) => new SubprocessChannel(told, { ...child, slots, modules });
    const granting = grantingOf(model);
    return new RemoteLane(events, open, { accepts: onlyOf(modules), shared, graceMs, granting });
  };
}

/** Target duration of a batch of tiny tasks on another machine: long against a message's round trip. */
const CLUSTER_BATCH_MS = 10;
/** The most items of a batch: as many numbers take far less than a message can hold. */
const MOST_CLUSTER_ITEMS = 16_384;
/** With shorter tasks, batches are sent ahead: on busy machines a round trip takes about 1 % of this time. */
const CLUSTER_AHEAD_BELOW_MS = 1000;
/** Tasks longer than this report each start: the message costs a millisecond or two in all, 1 % of this. */
const CLUSTER_LONG_MS = 100;
const SILENCE_MS = 10_000;
/** A machine's sign of life may come late by one or two of its intervals, so silence must last longer. */
const LEAST_SILENCE_MS = 3000;
const NATS = new URL("./lanes/cluster/nats_broker.ts", import.meta.url).href;

/**
 * Tasks on other machines, which meet this program at a NATS server with JetStream: the lanes are those that
 * joined with `deno task lane`. They run only modules that their operators allow, and only if the content there
 * is exactly the same as here. NATS is loaded when the first lane is needed, so the program needs
 * `--allow-read`, and `--allow-net` for the server.
 *
 * @param options Where the server is, and how many lanes are used at most.
 * @returns The executor; close it, or open it with `await using`. While no machine has joined, its runs fail
 * with a {@linkcode LaneStartError}.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts ignore
 * import { cluster, task } from "./mod.ts";
 *
 * const score = task<typeof import("./score.ts")>(new URL("./score.ts", import.meta.url));
 * await using executor = cluster({ servers: "nats://127.0.0.1:4222" });
 * console.log(await executor.map(score, ["a", "b"]).toArray());
 * ```
 */
export function cluster(options: ClusterOptions): Executor {
  const size = modelSize("cluster", options);
  const { slots, graceMs } = size;
  const { servers, user, password, creds, tlsCa, silenceMs = SILENCE_MS } = options;
  const check = new Checker("open cluster()");
  const list = typeof servers === "string" ? servers.split(",") : servers;
  const areServers = Array.isArray(list) && list.length > 0 &&
    list.every((server) => typeof server === "string" && server !== "");
  check.is("servers", servers, areServers, 'an address such as "nats://127.0.0.1:4222"');
  for (const [name, value] of Object.entries({ user, password, creds, tlsCa })) {
    check.is(name, value, value === undefined || typeof value === "string", "a string");
  }
  const isLong = isTime(silenceMs) && silenceMs >= LEAST_SILENCE_MS;
  check.is("silenceMs", silenceMs, isLong, `a number of milliseconds from ${LEAST_SILENCE_MS}`);
  const server: ServerOptions = { servers: [...list], user, password, creds, tlsCa };
  const shared = sharedOf(options, frameCloning);
  const machines = new Cluster({
    silenceMs,
    connect: async () => {
      const { openNats } = await importModule(NATS) as {
        openNats: (options: ServerOptions) => Promise<Broker>;
      };
      return await openNats(server);
    },
  });
  return new PooledExecutor("cluster", options, size, {
    batches: {
      targetMs: CLUSTER_BATCH_MS,
      firstItems: 1,
      mostItems: MOST_CLUSTER_ITEMS,
      aheadBelowMs: CLUSTER_AHEAD_BELOW_MS,
      longMs: CLUSTER_LONG_MS,
    },
    makeLane: (_number, events, tasks) => {
      const modules = ofOneProject(tasks.map(({ module }) => module));
      const open = (told: ChannelEvents) => new ClusterChannel(told, machines, { slots, modules });
      const granting = "given to deno task lane on its machine";
      return new RemoteLane(events, open, { accepts: onlyOf(modules), shared, graceMs, granting });
    },
    lanesThere: () => machines.lanes,
    onQuarantined: (item) => machines.bury(item),
    close: () => machines.close(),
  });
}

/** Target duration of a batch on a GPU, in milliseconds: long against the 10 ms until its results are back. */
const GPU_BATCH_MS = 100;
/** One batch is computed while the results of the others are on their way back. */
const GPU_BATCHES = 4;
/** Size of the first batches, when nothing is known of the items: a GPU runs them side by side anyway. */
const FIRST_GPU_ITEMS = 64;

/**
 * Tasks on a graphics card, through WebGPU: for thousands of items that compute alike, or for a few that can be
 * cut into thousands of pieces. The task's module exports a {@linkcode Kernel} beside the task. One thread
 * keeps the card busy: `map` sends up to a quarter of its `slots` at a time, which are computed together while
 * the results of other batches are on their way back. A call of `run` is computed alone. If there is no card, a
 * software driver computes on the CPU cores; `usage()` says which it is. Mesa's driver prints a line on stderr
 * unless `XDG_RUNTIME_DIR` is set.
 *
 * @param options How many items are in flight at most.
 * @returns The executor; close it, or open it with `await using`. Without any adapter its runs fail with a
 * {@linkcode LaneStartError} that says what is missing.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { gpu, task } from "./mod.ts";
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
  const size = modelSize("gpu", options);
  const { slots, graceMs } = size;
  const batches = Math.min(slots, GPU_BATCHES);
  const mostItems = Math.floor(slots / batches);
  return new PooledExecutor("gpu", options, size, {
    slots: batches,
    batches: { targetMs: GPU_BATCH_MS, firstItems: FIRST_GPU_ITEMS, mostItems },
    makeLane(number, events) {
      const open = (told: ChannelEvents) => new GpuChannel(told, { number, slots: batches });
      return new RemoteLane(events, open, { graceMs });
    },
  });
}

/**
 * Tasks wherever they turn out to run fastest, decided while they run. It begins in this event loop with one
 * slot. Tasks that wait get more slots for as long as more gets done; tasks that compute get threads or
 * subprocesses, up to one for each core, or up to four for each core if tasks block them. No task runs twice to
 * find this out. A task stays in this event loop if its items, results or errors can't be sent unchanged, for
 * example a function or an object of your own class, or if it fails on a lane but not here. If only a lane
 * finds that out, the item fails with a {@linkcode CloneError}, or runs here if it may be retried.
 *
 * @param options The bounds, and the model and size to begin with.
 * @returns The executor; close it, or open it with `await using`.
 * @throws {RangeError} If an option is out of its range, or two contradict each other.
 *
 * @example
 * ```ts
 * import { auto, task } from "./mod.ts";
 *
 * const double = task<{ default: (n: number) => number }>("data:text/javascript,export default (n) => 2 * n");
 * await using executor = auto();
 * console.log(await executor.map(double, [1, 2, 3]).toArray()); // [2, 4, 6]
 * ```
 */
export function auto(options: AutoOptions = {}): AutoExecutor {
  const size = modelSize("auto", options);
  const { isolate, keepClasses, because, ...bounds } = checkAutoOptions(options);
  const { maxSlots, maxLanes } = bounds;
  const here = loopLanes(options, size);
  const most = { ...size, slots: Math.min(maxSlots, MODEL_TABLE.workers.mostSlots) };
  const { shared } = options;
  const elsewhere = isolate ? processLanes("auto", options, most) : threadLanes({ shared }, most);
  return new PooledExecutor("auto", options, { ...size, lanes: 1 + maxLanes }, {
    makeLane: (number, ...rest) => (number === 0 ? here : elsewhere)(number, ...rest),
    guide: new Guide({
      ...bounds,
      cloning: isolate ? frameCloning : structuredCloning,
      fidelity: keepClasses ? "classes" : "data",
      isolated: isolate,
      refusal: () => because ?? laneRefusal(isolate, options.permissions),
    }),
  });
}

/** The permission that lanes need and this program lacks, looked up without a prompt; undefined if none. */
function laneRefusal(isolate: boolean, permissions: LanePermissions = {}): string | undefined {
  const may = (what: Deno.PermissionDescriptor) =>
    Deno.permissions.querySync(what).state === "granted";
  if (isolate) {
    const command = Deno.execPath();
    const lack = may({ name: "run", command }) ? undefined : `--allow-run=${command}`;
    const denied = deniedHere(permissions);
    return lackOfDeno() ?? (lack && `subprocesses need ${lack}`) ?? (denied && whyDenied(denied));
  }
  const files = THREAD_FOLDERS.filter(({ protocol }) => protocol === "file:");
  return files.every((path) => may({ name: "read", path })) ? undefined : THREADS_NEED;
}
