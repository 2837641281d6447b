/** What executors may be given, model by model. */

import type { LanePermissions } from "./lanes/permissions.ts";

/** What every executor may be given. */
export interface SharedOptions {
  /**
   * What all tasks find as `context.shared`, such as a table to look things up in: anything that can be
   * cloned. It is cloned when the executor is opened, which throws a {@linkcode CloneError} if it can't be,
   * and sent to each lane once, not with each item.
   */
  readonly shared?: unknown;
  /**
   * How many calls of `run` may wait, for a slot or for their next try. One more is rejected at once, with
   * a `QueueFullError`. Default Infinity.
   */
  readonly maxQueued?: number | undefined;
  /**
   * After so many tasks a lane gets no more: once they have ended it is closed, and what its tasks'
   * modules set up there is disposed; the next task has a new one. For tasks that leak, or connections
   * that age. Default Infinity.
   */
  readonly tasksPerLane?: number | undefined;
  /**
   * A lane that has had nothing to do for so many milliseconds is closed likewise, until there is more
   * to do; none while `pause()` holds back what there is. Default Infinity.
   */
  readonly idleMs?: number | undefined;
}

/** How an executor in this event loop is opened. */
export interface EventLoopOptions extends SharedOptions {
  /**
   * How long a task that was asked to stop may go on before it is given up, and how long disposing what
   * was set up may take; default 250 ms.
   */
  readonly graceMs?: number | undefined;
}

/** How {@linkcode limited} is opened. */
export interface LimitedOptions extends EventLoopOptions {
  /** Tasks in flight at most; default 5. */
  readonly slots?: number | undefined;
}

/** How {@linkcode workers} is opened. */
export interface WorkersOptions extends SharedOptions {
  /** Threads, at most 4096; default one for each core. */
  readonly lanes?: number | undefined;
  /** Tasks in flight on each thread at most, up to 65,536; default 1. */
  readonly slots?: number | undefined;
  /**
   * How long a task that was asked to stop may go on before its thread is ended, and how long disposing
   * what was set up in it may take; default 250 ms.
   */
  readonly graceMs?: number | undefined;
  /**
   * Narrower permissions for the threads, which have just these: their tasks' own modules need none.
   * By default they have those of the program, because only a Deno that was started with
   * `--unstable-worker-options` can narrow them; without it opening throws a {@linkcode LaneStartError}.
   */
  readonly permissions?: Deno.PermissionOptions | undefined;
  /**
   * Says that this program was started with `--unstable-worker-options`, where that can't be seen:
   * only a program with all permissions may read its own command line. Default false.
   */
  readonly unstableWorkerOptions?: boolean | undefined;
}

/** How {@linkcode gpu} is opened. */
export interface GpuOptions extends Omit<SharedOptions, "shared"> {
  /** Items in flight at most, up to 65,536; default 8,192. Up to a quarter are computed together. */
  readonly slots?: number | undefined;
  /** How long items that were asked to stop may go on before their thread is ended; default 250 ms. */
  readonly graceMs?: number | undefined;
}

/** How {@linkcode auto} is opened. */
export interface AutoOptions extends EventLoopOptions {
  /** Tasks in flight at most, on all lanes together; default 1,024. */
  readonly maxSlots?: number | undefined;
  /**
   * Lanes at most, up to 4,095; default four for each core. Only tasks that block their lanes get more
   * than one for each core.
   */
  readonly maxLanes?: number | undefined;
  /** Above so much resident memory of this process there are fewer slots; without a limit by default. */
  readonly memoryBytes?: number | undefined;
  /**
   * What it begins with instead of one slot in this event loop: slots there, or lanes with so many slots
   * each; or advice, of which its bounds leave what they may. Advice from another machine is only a guess.
   */
  readonly start?: { readonly lanes?: number; readonly slots?: number } | StartAdvice;
  /** Whether its lanes are subprocesses instead of threads; the first tasks run in this event loop anyway. */
  readonly isolate?: boolean | undefined;
  /** What the tasks may touch in subprocesses, with `isolate`; nothing by default. */
  readonly permissions?: LanePermissions | undefined;
  /**
   * `"loop"` keeps every task in this event loop: for tasks that share what they change, or read what this
   * program has set elsewhere than in their items. So does
   * `{ because }`, whose reason stands among the decisions once lanes would be started.
   */
  readonly stay?: "loop" | { readonly because: string };
  /**
   * Whether a task whose results or errors are of classes of its own stays in this event loop; default true.
   * Otherwise lanes give them back without these classes, as those of {@linkcode workers} do.
   */
  readonly keepClasses?: boolean | undefined;
}

/**
 * Advice that {@linkcode auto} may begin with: what `deno task advise --json` wrote, or this much of it.
 *
 * @example
 * ```ts ignore
 * import { auto } from "./mod.ts";
 * import advice from "./advice.json" with { type: "json" };
 *
 * await using executor = auto({ start: advice });
 * ```
 */
export interface StartAdvice {
  /** What it was given on: cores, versions and platform. */
  readonly environment: {
    readonly lanesAvailable: number;
    readonly deno: string;
    readonly os: string;
    readonly arch: string;
  };
  /** The advice. */
  readonly advice: {
    /** The fixed model that it recommends; slots are null for all items at once. */
    readonly recommended: {
      readonly model: string;
      readonly lanes: number;
      readonly slots: number | null;
    };
  };
}

/** How {@linkcode processes} is opened. */
export interface ProcessesOptions extends SharedOptions {
  /**
   * Subprocesses, at most 4096; default one for each core. While one is replaced, for the task of a file
   * that it doesn't know, there is one more.
   */
  readonly lanes?: number | undefined;
  /** Tasks in flight on each subprocess at most; default 1. */
  readonly slots?: number | undefined;
  /**
   * How long a task that was asked to stop may go on before its process is killed, and how long
   * disposing what was set up in it may take; default 250 ms.
   */
  readonly graceMs?: number | undefined;
  /** What the tasks may touch; nothing by default. Their own modules need no permission. */
  readonly permissions?: LanePermissions | undefined;
  /** Flags for each child's V8, such as `"--max-old-space-size=256"`. */
  readonly v8Flags?: readonly string[] | undefined;
  /**
   * The deno.json that the tasks' imports go by; by default the one that this program was started
   * with, if that can be seen, or else the one nearest to the first task's module, if this program
   * may read there.
   */
  readonly config?: string | undefined;
  /** What becomes of what tasks print: shown on this program's stderr, the default, or only kept for errors. */
  readonly stderr?: "show" | "keep" | undefined;
}

/** How {@linkcode cluster} is opened. */
export interface ClusterOptions extends SharedOptions {
  /** Addresses of the NATS server, such as `"nats://127.0.0.1:4222"`, or of several that belong together. */
  readonly servers: string | readonly string[];
  /** Lanes used at most, of those that have joined; default 64. */
  readonly lanes?: number | undefined;
  /** Tasks in flight on each lane at most, if its operator allows so many; default 1. */
  readonly slots?: number | undefined;
  /**
   * How long a task that was asked to stop may go on before its process is killed, and how long
   * disposing what was set up in it may take; default 1000 ms.
   */
  readonly graceMs?: number | undefined;
  /** The name by which the server knows this program. */
  readonly user?: string | undefined;
  /** The password that belongs to it. */
  readonly password?: string | undefined;
  /** Path of a file of credentials, in their place. */
  readonly creds?: string | undefined;
  /** Path of the certificates by which the server's is checked; the system's unless given. */
  readonly tlsCa?: string | undefined;
  /**
   * A machine that isn't heard of for so long is taken to be lost, and what it ran runs elsewhere;
   * default 10,000 ms.
   */
  readonly silenceMs?: number | undefined;
}
