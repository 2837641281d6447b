/** The options of executors, model by model. */

import type { LanePermissions } from "./lanes/permissions.ts";

/** Options that all executors share. */
export interface SharedOptions {
  /**
   * The value that all tasks find as `context.shared`, for example a lookup table: anything that can be cloned.
   * It is cloned when the executor is opened, which throws a {@linkcode CloneError} if that isn't possible, and
   * sent to each lane once, not with each item.
   */
  readonly shared?: unknown;
  /**
   * How many calls of `run` may wait, for a slot or for their next attempt. The next one is rejected at once
   * with a `QueueFullError`. Default Infinity.
   */
  readonly maxQueued?: number | undefined;
  /**
   * A lane gets no more tasks after this many: once they have ended it is closed, and the resources that were
   * set up in it are disposed; the next task gets a new lane. For tasks that leak, or connections that should
   * not get old. Default Infinity.
   */
  readonly tasksPerLane?: number | undefined;
  /**
   * A lane that has been idle for this many milliseconds is closed in the same way, until there is more to do;
   * no lane is closed while `pause()` holds back tasks. Default Infinity.
   */
  readonly idleMs?: number | undefined;
}

/** Options of an executor in this event loop. */
export interface EventLoopOptions extends SharedOptions {
  /**
   * How long a task that was asked to stop may go on before it is given up, and how long disposing resources
   * may take, in milliseconds; default 250.
   */
  readonly graceMs?: number | undefined;
}

/** Options of {@linkcode limited}. */
export interface LimitedOptions extends EventLoopOptions {
  /** How many tasks are in flight at most; default 5. */
  readonly slots?: number | undefined;
}

/** Options of {@linkcode workers}. */
export interface WorkersOptions extends SharedOptions {
  /** How many threads, at most 4096; default one for each core. */
  readonly lanes?: number | undefined;
  /** How many tasks are in flight on each thread, at most 65,536; default 1. */
  readonly slots?: number | undefined;
  /**
   * How long a task that was asked to stop may go on before its thread is ended, and how long disposing the
   * thread's resources may take, in milliseconds; default 250.
   */
  readonly graceMs?: number | undefined;
  /**
   * Permissions of the threads, which then have no others; the tasks' own modules need none. By default threads
   * have the program's permissions, because only a Deno that was started with `--unstable-worker-options` can
   * narrow them; without it opening throws a {@linkcode LaneStartError}.
   */
  readonly permissions?: Deno.PermissionOptions | undefined;
  /**
   * Whether this program was started with `--unstable-worker-options`, for programs that can't see it: only a
   * program with all permissions may read its own command line. Default false.
   */
  readonly unstableWorkerOptions?: boolean | undefined;
}

/** Options of {@linkcode gpu}. */
export interface GpuOptions extends Omit<SharedOptions, "shared"> {
  /** How many items are in flight, at most 65,536; default 8,192. Up to a quarter are computed together. */
  readonly slots?: number | undefined;
  /** How long items that were asked to stop may go on before their thread is ended; default 250 ms. */
  readonly graceMs?: number | undefined;
}

/** Options of {@linkcode auto}. */
export interface AutoOptions extends EventLoopOptions {
  /** How many tasks are in flight at most, on all lanes together; default 1,024. */
  readonly maxSlots?: number | undefined;
  /**
   * How many lanes, at most 4,095; default four for each core. Only tasks that block their lanes get more than
   * one for each core.
   */
  readonly maxLanes?: number | undefined;
  /** If this process has more resident memory than this, in bytes, slots are reduced; default no limit. */
  readonly memoryBytes?: number | undefined;
  /**
   * The size to begin with instead of one slot in this event loop: slots there, or lanes with slots on each; or
   * advice, which is cut to the bounds. Advice from another machine is only a guess.
   */
  readonly start?: { readonly lanes?: number; readonly slots?: number } | StartAdvice;
  /** Whether lanes are subprocesses instead of threads; the first tasks run in this event loop either way. */
  readonly isolate?: boolean | undefined;
  /** Permissions of the subprocesses, with `isolate`; none by default. */
  readonly permissions?: LanePermissions | undefined;
  /**
   * `"loop"` keeps every task in this event loop: for tasks that change shared state, or read values that this
   * program has set outside their items. `{ because }` does the same, and its reason is listed among the
   * decisions at the point where lanes would be started.
   */
  readonly stay?: "loop" | { readonly because: string };
  /**
   * Whether a task whose results or errors are of its own classes stays in this event loop; default true. If
   * false, lanes return them without these classes, as those of {@linkcode workers} do.
   */
  readonly keepClasses?: boolean | undefined;
}

/**
 * Advice that {@linkcode auto} can begin with: the output of `deno task advise --json`, or this part of it.
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
  /** The machine on which the advice was given: cores, versions and platform. */
  readonly environment: {
    readonly lanesAvailable: number;
    readonly deno: string;
    readonly os: string;
    readonly arch: string;
  };
  /** The advice. */
  readonly advice: {
    /** The fixed model that is recommended; slots are null for all items at once. */
    readonly recommended: {
      readonly model: string;
      readonly lanes: number;
      readonly slots: number | null;
    };
  };
}

/** Options of {@linkcode processes}. */
export interface ProcessesOptions extends SharedOptions {
  /**
   * How many subprocesses, at most 4096; default one for each core. There is one more for a moment while one is
   * replaced because a task's file wasn't known when it started.
   */
  readonly lanes?: number | undefined;
  /** How many tasks are in flight on each subprocess at most; default 1. */
  readonly slots?: number | undefined;
  /**
   * How long a task that was asked to stop may go on before its process is killed, and how long disposing the
   * process's resources may take, in milliseconds; default 250.
   */
  readonly graceMs?: number | undefined;
  /** Permissions of the tasks; none by default. Their own modules need none. */
  readonly permissions?: LanePermissions | undefined;
  /** Flags for each child's V8, such as `"--max-old-space-size=256"`. */
  readonly v8Flags?: readonly string[] | undefined;
  /**
   * The deno.json that maps the tasks' imports. By default it is the one that this program was started with, if
   * that can be seen, or else the one nearest to the first task's module, if this program may read there.
   */
  readonly config?: string | undefined;
  /** Where the tasks' output goes: shown on this program's stderr (the default), or kept for error messages. */
  readonly stderr?: "show" | "keep" | undefined;
}

/** Options of {@linkcode cluster}. */
export interface ClusterOptions extends SharedOptions {
  /** The address of the NATS server, such as `"nats://127.0.0.1:4222"`, or of all servers of a cluster. */
  readonly servers: string | readonly string[];
  /** How many of the lanes that have joined are used at most; default 64. */
  readonly lanes?: number | undefined;
  /** How many tasks are in flight on each lane at most, if its operator allows that many; default 1. */
  readonly slots?: number | undefined;
  /**
   * How long a task that was asked to stop may go on before its process is killed, and how long disposing the
   * lane's resources may take, in milliseconds; default 1000.
   */
  readonly graceMs?: number | undefined;
  /** The user name for the server. */
  readonly user?: string | undefined;
  /** The password for the server. */
  readonly password?: string | undefined;
  /** Path of a credentials file, instead of user name and password. */
  readonly creds?: string | undefined;
  /** Path of the CA certificates that check the server's certificate; the system's unless given. */
  readonly tlsCa?: string | undefined;
  /**
   * If a machine isn't heard from for this many milliseconds, it is considered lost, and its tasks run
   * elsewhere; default 10,000.
   */
  readonly silenceMs?: number | undefined;
}
