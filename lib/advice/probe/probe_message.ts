/** The orders and messages of a probe, plain data that travels as lines of JSON. */

import type { HttpSigns } from "../../tasks/http_signs.ts";
import type { TransferMeter } from "./transfer_meter.ts";

export interface ProfileOrder {
  readonly stride: number;
  readonly targetMs: number;
  /** The fewest tasks to run, however long they take. */
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
  /** Only loads the module and reports what it exports, without running any of it. */
  readonly dry?: boolean;
  readonly limit: number;
  /** How long the tasks run in all, in milliseconds; a few more items may run if they are few. */
  readonly targetMs: number;
  readonly metered?: boolean;
  readonly profile?: ProfileOrder;
  /** Takes a list's items in the order of timing/job_items.ts; the first `first` belong to the job. */
  readonly spread?: boolean | undefined;
  readonly first?: number | undefined;
  /** Whether the tasks share something; a list then keeps its own order, unless it has equal items. */
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

/** The hooks that a job's module may export. */
export const HOOKS = ["prepare", "setup", "teardown", "reset", "comparable"] as const;

export interface Exports {
  readonly title?: string;
  readonly items: ItemsKind;
  /** The type of the task's export, such as `"function"` or `"a generator function"`. */
  readonly task: string;
  readonly hooks: readonly (typeof HOOKS[number])[];
  /** The name of a hook that isn't a callable function. */
  readonly wrongHook?: string | undefined;
  readonly hasKernel: boolean;
  readonly functions: readonly string[];
}

/** A few consecutive items measured together, since reading the clock for each would distort tiny tasks. */
export interface Stretch {
  readonly count: number;
  /** Wall time of the tasks, and the whole process's CPU time meanwhile, in milliseconds. */
  readonly wallMs: number;
  readonly cpuMs: number;
  /** How long getting the items from their source took before that, in milliseconds. */
  readonly sourceMs: number;
  /** The part until the tasks returned; for several items it is 0 if any gave a promise. */
  readonly syncMs: number;
  readonly syncCpuMs: number;
}

export interface Thrown extends HttpSigns {
  readonly name: string;
  readonly message: string;
  readonly causes: readonly string[];
}

export interface FailedItem extends Thrown {
  readonly index: number;
  /** The reason of the failure, in a word. */
  readonly reason: string;
}

export interface EqualItems {
  /** How many items differ from all before them. */
  readonly distinct: number;
  /** For each stretch of the sample, how many of its items are equal to one that ran before. */
  readonly again: readonly number[];
}

export interface ProbeDone {
  readonly type: "done";
  readonly items: number;
  readonly failed: number;
  readonly total: number | null;
  readonly transfer: ReturnType<TransferMeter["cost"]>;
  /** CPU time of the event loop's thread alone during the tasks, in steps of 10 ms. */
  readonly threadCpuMs: number;
  /** CPU time just after the last task; it is large only if tasks start work that they don't await. */
  readonly leftMs?: number;
  /** CPU time over wall time of loops that only compute; below 1 if others use the CPUs. */
  readonly available: number;
  /** Peak resident memory before the first task, after it (undefined for tiny ones), and after the last. */
  readonly rssBeforeBytes: number;
  readonly rssFirstBytes?: number;
  readonly rssAfterBytes: number;
  /** Items that a server refused because there were too many, and how many a second succeeded meanwhile. */
  readonly refused?: { readonly count: number; readonly pacePerSecond: number | null };
  /** How many of the first results have digests. */
  readonly kept: number;
  /** How a list's items repeat each other; undefined if they don't, or if it isn't known. */
  readonly equal?: EqualItems | undefined;
  /** Whether all of these results are undefined, so that nothing can be compared. */
  readonly isVoid: boolean;
}

export type ProbeMessage =
  | { readonly type: "loaded"; readonly exports: Exports }
  | {
    readonly type: "phase";
    /** `item` while the process waits for the next item. */
    readonly phase: "prepare" | "setup" | "items" | "item" | "tasks";
    /** How many items are taken in the order of timing/job_items.ts; undefined if they aren't. */
    readonly spread?: number | undefined;
    readonly total?: number | undefined;
    /** How many of the items that run together have ended, and how many of the next may be running. */
    readonly at?: number;
    readonly together?: number;
    /** How long loading and set-up took, once done; whether the value of `prepare` can be disposed. */
    readonly lane?: {
      readonly loadMs: number;
      readonly laneMs: number;
      readonly isDisposable: boolean;
    };
  }
  /** The value of `items()` can't be iterated. */
  | { readonly type: "refused"; readonly items: ItemsKind }
  | { readonly type: "generator"; readonly index: number }
  | { readonly type: "finished"; readonly teardownMs: number }
  /** Something keeps the process from ending, though nothing more is to come. */
  | { readonly type: "open"; readonly what: string }
  | {
    readonly type: "stretch";
    readonly stretch: Stretch;
    readonly failures: readonly FailedItem[];
  }
  /** Asks the parent to read the meter, and waits for a line in reply. */
  | { readonly type: "meter" }
  | { readonly type: "profiled" } & ProfiledRun
  | ProbeDone
  /** Digests of the first results, in the order in which they ran. */
  | { readonly type: "digests"; readonly digests: readonly string[] }
  | { readonly type: "broken"; readonly where: string; readonly error: Thrown };
