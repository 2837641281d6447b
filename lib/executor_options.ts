/**
 * How each model's executor is opened.
 *
 * @module
 */

import type { LanePermissions } from "./lanes/subprocess_permissions.ts";

/** How an executor in this event loop is opened. */
export interface EventLoopOptions {
  /** How long a task that was asked to stop may go on before it is given up; default 250 ms. */
  readonly graceMs?: number;
}

/** How {@linkcode limited} is opened. */
export interface LimitedOptions extends EventLoopOptions {
  /** Tasks in flight at most; default 5. */
  readonly slots?: number;
}

/** How {@linkcode workers} is opened. */
export interface WorkersOptions {
  /** Threads, at most 4096; default one for each core. */
  readonly lanes?: number;
  /** Tasks in flight on each thread at most, up to 65,536; default 1. */
  readonly slots?: number;
  /** How long a task that was asked to stop may go on before its thread is ended; default 250 ms. */
  readonly graceMs?: number;
  /**
   * Narrower permissions for the threads. Needs `--unstable-worker-options`; by default they have
   * those of the program, because without that flag Deno can't narrow them. Their tasks' folders
   * they may read in any case, for the modules are imported there.
   */
  readonly permissions?: Deno.PermissionOptions;
}

/** How {@linkcode processes} is opened. */
export interface ProcessesOptions {
  /** Subprocesses, at most 4096; default one for each core. */
  readonly lanes?: number;
  /** Tasks in flight on each subprocess at most; default 1. */
  readonly slots?: number;
  /** How long a task that was asked to stop may go on before its process is killed; default 250 ms. */
  readonly graceMs?: number;
  /** What the tasks may touch; nothing by default. Their own modules need no permission. */
  readonly permissions?: LanePermissions;
  /** Flags for each child's V8, such as `"--max-old-space-size=256"`. */
  readonly v8Flags?: readonly string[];
  /**
   * The deno.json that the tasks' imports go by; by default the one nearest to the first task's
   * module, if this program may read there.
   */
  readonly config?: string;
  /** What becomes of what tasks print: shown on this program's stderr, the default, or only kept for errors. */
  readonly stderr?: "show" | "keep";
  /**
   * Whether SIGINT, SIGTERM and SIGHUP end this program, after killing the subprocesses; default true.
   * Pass false if the program handles these signals itself, and close the executor then.
   */
  readonly exitOnSignal?: boolean;
}
