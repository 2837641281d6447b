/**
 * What a probe is told and what it says. Plain data: it travels as lines of JSON.
 *
 * @module
 */

import type { ProfiledRun, ProfileOrder } from "../profile/profiled_run.ts";

/** What a probe's process is told first. */
export interface ProbeOrder {
  /** The job's module, as an absolute URL. */
  readonly module: string;
  /** The name of the task's export. */
  readonly export: string;
  /** Only loads the module and says what it exports; runs nothing of it. */
  readonly dry: boolean;
  /** How many items to run at most. */
  readonly limit: number;
  /** How long the tasks are to run together, in milliseconds; a few more items if there are few. */
  readonly targetMs: number;
  /** Whether a meter is to be read before the first task and after the last. */
  readonly metered?: boolean;
  /** Runs the first `limit` items from last to first instead, and says only their checksum. */
  readonly backwards?: boolean;
  /** Runs a part of the first `limit` items for a profile instead. */
  readonly profile?: ProfileOrder;
  /** Takes the items of a list in the order of timing/job_items.ts. */
  readonly spread?: boolean;
  /** With `spread`: how many of the first items belong to the job. */
  readonly first?: number;
}

/** What a probe's process is told once its sample is complete. */
export type ProbeCommand =
  /** Tell the checksum of so many first results. */
  | { readonly checksum: number }
  /** Take down what was set up, tell how long that took, and end. */
  | { readonly finish: true };

/** What a job's items are. */
export type ItemsKind =
  | "missing"
  | "not iterable"
  | "string"
  | "empty"
  | "iterable"
  | "async iterable"
  | "function";

/** What a job's module exports. */
export interface Exports {
  /** Its `title`, if it has one. */
  readonly title?: string;
  /** What `items` is. */
  readonly items: ItemsKind;
  /** The type of the task's export, such as `"function"` or `"a generator function"`. */
  readonly task: string;
  /** A hook that is no function that can be called. */
  readonly wrongHook?: string | undefined;
  /** Whether there is a `prepare`. */
  readonly prepare?: boolean;
  /** Whether there is a `setup`. */
  readonly setup: boolean;
  /** Whether there is a `teardown`. */
  readonly teardown: boolean;
  /** Whether there is a `reset`, which undoes what tasks left behind. */
  readonly reset?: boolean;
  /** The names of all exported functions. */
  readonly functions: readonly string[];
}

/** A few consecutive items, measured together: one clock reading each would distort tiny tasks. */
export interface Stretch {
  /** How many items. */
  readonly count: number;
  /** Wall time of their tasks, in milliseconds. */
  readonly wallMs: number;
  /** CPU time of the whole process meanwhile, in milliseconds. */
  readonly cpuMs: number;
  /** What it took before to get the items from their source, in milliseconds. */
  readonly sourceMs: number;
  /**
   * The part of `wallMs` until the tasks returned, a promise or a value: nothing else could run on the
   * event loop meanwhile. Of several tasks it is known only if none returned a promise; 0 otherwise.
   */
  readonly syncMs: number;
  /** CPU time of the process in `syncMs`, in milliseconds. */
  readonly syncCpuMs: number;
}

/** An error that a task or a module threw. */
export interface Thrown {
  /** The error's name. */
  readonly name: string;
  /** Its message. */
  readonly message: string;
  /** Messages of its causes, outermost first. */
  readonly causes: readonly string[];
  /** The status of an HTTP answer that it tells of. */
  readonly status?: number;
  /** How long a server asked to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** What sending items and results to another lane takes, from a few of them. */
export interface TransferCost {
  /** How many items were looked at. */
  readonly items: number;
  /** Mean size of an item and of a result, as `v8.serialize` writes them. */
  readonly itemBytes: number;
  /** Mean size of a result. */
  readonly resultBytes: number;
  /** Mean time to write and read an item and its result once, in milliseconds. */
  readonly cloneMs: number;
  /** Why an item or result can't be sent, if one can't. */
  readonly uncloneable?: string;
}

/** What a probe says when its sample is complete. */
export interface ProbeDone {
  /** Which message it is. */
  readonly type: "done";
  /** How many items were run. */
  readonly items: number;
  /** How many of them failed. */
  readonly failed: number;
  /** How many items the job has; null if that can't be told. */
  readonly total: number | null;
  /** What sending items and results takes. */
  readonly transfer: TransferCost;
  /** CPU time of the event loop's thread alone during the tasks; in 10 ms steps. */
  readonly threadCpuMs: number;
  /** CPU time over wall time of loops that only compute: below 1 if others use the CPUs. */
  readonly available: number;
  /** CPU time of one bare wait, in milliseconds; 0 if the tasks hardly wait. */
  readonly wakeMs: number;
  /** Peak resident memory before the first task and after the last, in bytes. */
  readonly rssBeforeBytes: number;
  /** Peak resident memory after the first task alone; undefined where tasks are too tiny to tell. */
  readonly rssFirstBytes?: number;
  /** Peak resident memory after the last task, in bytes. */
  readonly rssAfterBytes: number;
  /** Items that a server refused with 429, 503 or `Retry-After`; undefined for none. */
  readonly refused?: {
    readonly count: number;
    /** Items a second that went through once it refused; null if too few to tell. */
    readonly pacePerSecond: number | null;
  };
  /** How many of the first results are kept, so that a checksum can be asked for. */
  readonly kept: number;
}

/** What a probe says. */
export type ProbeMessage =
  | { readonly type: "loaded"; readonly exports: Exports }
  | {
    readonly type: "phase";
    /** `item` while the next item is waited for. */
    readonly phase: "prepare" | "setup" | "items" | "item" | "tasks" | "teardown";
    /** How many items are taken in the order of timing/job_items.ts; undefined for those that aren't. */
    readonly spread?: number | undefined;
    /** How many items there are, where the input tells. */
    readonly total?: number | undefined;
    /** Of items that are run together: how many have ended, and how many of the next may be running. */
    readonly at?: number;
    readonly together?: number;
  }
  /** What `items()` gave can't be taken. */
  | { readonly type: "refused"; readonly items: ItemsKind }
  /** A task gave a generator. */
  | { readonly type: "generator"; readonly index: number }
  | {
    readonly type: "ready";
    /** Loading the module and setting it up, in milliseconds. */
    readonly laneMs: number;
    /** Whether what `prepare` gave can be disposed. */
    readonly isDisposable: boolean;
  }
  /** All is taken down, which took so many milliseconds. */
  | { readonly type: "finished"; readonly teardownMs: number }
  | {
    readonly type: "stretches";
    readonly stretches: readonly Stretch[];
    readonly failures: readonly (Thrown & { readonly index: number })[];
  }
  /** Waits for a line: meanwhile the meter is read. */
  | { readonly type: "meter" }
  | { readonly type: "profiled" } & ProfiledRun
  | ProbeDone
  | { readonly type: "checksum"; readonly checksum: string }
  | { readonly type: "broken"; readonly where: string; readonly error: Thrown };
