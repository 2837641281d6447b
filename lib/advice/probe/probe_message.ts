/** What a probe is told and what it says. Plain data: it travels as lines of JSON. */

import type { EqualItems } from "./equal_items.ts";

export interface ProfileOrder {
  readonly stride: number;
  readonly targetMs: number;
  /** So many tasks whatever they take. */
  readonly least: number;
}

export interface ProfiledRun {
  readonly tasks: number;
  readonly tasksMs: number;
}

export interface ProbeOrder {
  /** The job's module, as an absolute URL, and its task's export. */
  readonly module: string;
  readonly export: string;
  /** Only loads the module and says what it exports; runs nothing of it. */
  readonly dry?: boolean;
  readonly limit: number;
  /** How long the tasks are to run together, in milliseconds; a few more items if there are few. */
  readonly targetMs: number;
  readonly metered?: boolean;
  readonly profile?: ProfileOrder;
  /** Takes the items of a list in the order of timing/job_items.ts, of which `first` belong to the job. */
  readonly spread?: boolean | undefined;
  readonly first?: number | undefined;
  /** Whether its tasks share something: a list is taken in its own order then, unless items come again in it. */
  readonly shares?: boolean | undefined;
}

export type ItemsKind =
  | "missing"
  | "not iterable"
  | "string"
  | "empty"
  | "iterable"
  | "async iterable"
  | "function";

/** What a job's module may export beside its task and its items. */
export const HOOKS = ["prepare", "setup", "teardown", "reset", "comparable"] as const;

export interface Exports {
  readonly title?: string;
  readonly items: ItemsKind;
  /** The type of the task's export, such as `"function"` or `"a generator function"`. */
  readonly task: string;
  readonly hooks: readonly (typeof HOOKS[number])[];
  /** A hook that is no function that can be called. */
  readonly wrongHook?: string | undefined;
  readonly hasKernel: boolean;
  readonly functions: readonly string[];
}

/** A few consecutive items, measured together: one clock reading each would distort tiny tasks. */
export interface Stretch {
  readonly count: number;
  /** Wall time of their tasks, and CPU time of the whole process meanwhile. */
  readonly wallMs: number;
  readonly cpuMs: number;
  /** What it took before to get the items from their source. */
  readonly sourceMs: number;
  /** The part until the tasks returned; of several it is known, and not 0, only if none gave a promise. */
  readonly syncMs: number;
  readonly syncCpuMs: number;
}

export interface Thrown {
  readonly name: string;
  readonly message: string;
  readonly causes: readonly string[];
  /** The status of an HTTP answer that it tells of, and how long a server asked to be left alone. */
  readonly status?: number;
  readonly retryAfterMs?: number;
}

export interface FailedItem extends Thrown {
  readonly index: number;
  /** Why it failed, in a word. */
  readonly reason: string;
}

export interface TransferCost {
  /** Mean sizes, as `v8.serialize` writes them. */
  readonly itemBytes: number;
  readonly resultBytes: number;
  /** Mean time to write and read an item and its result once. */
  readonly cloneMs: number;
  readonly uncloneable?: string;
  /** What of an item does not arrive. */
  readonly classLost?: string;
  /** The same of a result. */
  readonly resultLost?: string;
}

export interface ProbeDone {
  readonly type: "done";
  readonly items: number;
  readonly failed: number;
  readonly total: number | null;
  readonly transfer: TransferCost;
  /** CPU time of the event loop's thread alone during the tasks; in 10 ms steps. */
  readonly threadCpuMs: number;
  /** CPU time just after the last task: much only if tasks start what they don't wait for. */
  readonly leftMs?: number;
  /** CPU time over wall time of loops that only compute: below 1 if others use the CPUs. */
  readonly available: number;
  /** Peak resident memory before the first task, after it (undefined for tiny ones), and after the last. */
  readonly rssBeforeBytes: number;
  readonly rssFirstBytes?: number;
  readonly rssAfterBytes: number;
  /** Items that a server refused with 429, 503, 509 or `Retry-After`, and what went through a second then. */
  readonly refused?: { readonly count: number; readonly pacePerSecond: number | null };
  /** Of how many of the first results there are digests. */
  readonly kept: number;
  /** How a list's items repeat each other; undefined if they don't, or it isn't known. */
  readonly equal?: EqualItems | undefined;
  /** Whether all of these are undefined, so that nothing can be compared. */
  readonly isVoid: boolean;
}

export type ProbeMessage =
  | { readonly type: "loaded"; readonly exports: Exports }
  | {
    readonly type: "phase";
    /** `item` while the next item is waited for. */
    readonly phase: "prepare" | "setup" | "items" | "item" | "tasks";
    /** How many items are taken in the order of timing/job_items.ts; undefined for those that aren't. */
    readonly spread?: number | undefined;
    readonly total?: number | undefined;
    /** Of items that are run together: how many have ended, and how many of the next may be running. */
    readonly at?: number;
    readonly together?: number;
    /** How long loading and setting up took, once it has; whether what `prepare` gave can be disposed. */
    readonly lane?: {
      readonly loadMs: number;
      readonly laneMs: number;
      readonly isDisposable: boolean;
    };
  }
  /** What `items()` gave can't be taken. */
  | { readonly type: "refused"; readonly items: ItemsKind }
  | { readonly type: "generator"; readonly index: number }
  | { readonly type: "finished"; readonly teardownMs: number }
  | {
    readonly type: "stretch";
    readonly stretch: Stretch;
    readonly failures: readonly FailedItem[];
  }
  /** Waits for a line: meanwhile the meter is read. */
  | { readonly type: "meter" }
  | { readonly type: "profiled" } & ProfiledRun
  | ProbeDone
  /** What of the first results must be equal, in the order in which they ran. */
  | { readonly type: "digests"; readonly digests: readonly string[] }
  | { readonly type: "broken"; readonly where: string; readonly error: Thrown };
