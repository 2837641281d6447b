/** What is measured: job, models, and how often. Plain data: it is sent to a trial's process. */

import type { Rate } from "../dispatch/limits.ts";
import type { AutoBounds } from "../auto_options.ts";
import type { StartAdvice } from "../executor_options.ts";
import type { Model } from "../models.ts";
import type { Device } from "../lanes/lane.ts";
import type { ServerOptions } from "../lanes/cluster/broker.ts";
import type { LanePermissions } from "../lanes/permissions.ts";
import type { Task } from "../lanes/task.ts";
import type { FailureKind } from "./failures.ts";
import type { Round, Timeline } from "./result.ts";

/** Where a job's items come from: listed, as JSON can carry them, or exported by the job's module. */
export type ItemSource =
  | { readonly kind: "values"; readonly values: readonly unknown[] }
  | {
    readonly kind: "module";
    readonly module: string;
    readonly export: string;
    readonly limit?: number | undefined;
    /**
     * Takes the items of a list in the order of `spreadOrder()` in job_items.ts, or the first items, as many
     * as the limit says, from last to first; as they come unless given.
     */
    readonly order?: "spread" | "backwards" | undefined;
    /** Where they are spread: how many of the first items belong to the job; all unless given. */
    readonly first?: number | undefined;
  };

/** A task and its items, as plain data. */
export interface JobSpec {
  /** What a person calls it, such as "download 160 pages". */
  readonly name: string;
  readonly task: Task;
  readonly items: ItemSource;
  /** What the trial and its lanes may do; nothing by default. */
  readonly permissions?: LanePermissions;
  /** What the reports are to say about how the job was made; not used to run it. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Name of an export run before the items are made; what it gives is disposed at the end. */
  readonly prepare?: string;
  /** How long a lane's teardown may take, in milliseconds; the executor's own default unless given. */
  readonly graceMs?: number;
  /** Whether its teardown is known never to end: it is given up, and what was measured counts. */
  readonly teardownIsEndless?: boolean;
  /** Name of an export run before each trial's items are made: it undoes what earlier trials left. */
  readonly reset?: string;
  /** Name of an export that maps a result to what must be equal between models. */
  readonly comparable?: string;
}

/** A concurrency model and its size; the model's own defaults unless given. */
export interface ModelSpec {
  readonly model: Model;
  readonly lanes?: number;
  readonly slots?: number;
  /** Where its machines meet, if it has any. */
  readonly server?: ServerOptions;
  /** The advice that it begins with, if its size isn't fixed. */
  readonly start?: StartAdvice;
  /** What bounds it, if its size isn't fixed. */
  readonly bounds?: AutoBounds | undefined;
}

interface TrialOptions {
  readonly job: JobSpec;
  /** Items run before the measured ones and not counted; default 0. */
  readonly warmup?: number;
  /** How long a task may take from its own start, in milliseconds; unlimited by default. */
  readonly timeoutMs?: number;
  /** How often a task that gave no value is tried again; default 0. */
  readonly retries?: number;
  /** How many items travel to a lane together; default `"auto"`. */
  readonly chunk?: "auto" | number;
  /** Whether to tell from time to time what runs on the lanes. */
  readonly live?: boolean;
}

/** A schedule: an item every so often, whatever became of those before; a list begins anew at its end. */
export interface Arrivals {
  readonly ratePerSecond: number;
  readonly count: number;
}

export interface TrialSpec extends ModelSpec, TrialOptions {
  readonly round: number;
  readonly timeline?: boolean;
  /** How long all items may take; what isn't done by then is cancelled. Unlimited by default. */
  readonly mostMs?: number;
  /** How many of the first items get a checksum of their own as well. */
  readonly prefix?: number;
  /** How many tasks may start in a time; any number by default. */
  readonly rate?: Rate | undefined;
  /** When items are due; once there is room for them by default. */
  readonly arrivals?: Arrivals;
}

/** An item that took far longer than others; `index` is its place in the job. */
export interface LongItem {
  readonly index: number;
  readonly ms: number;
}

export interface TrialResult {
  readonly round: Round;
  /** When every task ran, if the trial asked for it. */
  readonly timeline?: Timeline;
  /** The checksum of the first results alone, if the trial asked for it. */
  readonly prefixChecksum?: string;
  /** What the lanes computed on, if not on this machine's cores alone. */
  readonly device?: Device;
  /** How many lanes the executor really had. */
  readonly lanes: number;
  /** How many slots each lane really had; null for one for every item. */
  readonly slots: number | null;
  /** What a reader should know, one sentence each. */
  readonly warnings: readonly string[];
  /** Why items failed, if some did, the most frequent kind first. */
  readonly failures?: readonly FailureKind[];
  /** Items a second that went through once a server refused some; undefined if not known. */
  readonly pacePerSecond?: number;
  /** CPU time of the programs that its tasks ran meanwhile, where the system tells. */
  readonly programsMs?: number;
  /** Whether `mostMs` ended it; undefined if it had none. */
  readonly stopped?: boolean;
  /** The item that alone took most of the run, if one did and others were far shorter. */
  readonly longest?: LongItem | undefined;
  /**
   * When each lane, of one slot, had ended its first task, and how many had ended by then: what is dear to
   * begin with counts once. Undefined if that was most of them.
   */
  readonly warm?: { readonly afterMs: number; readonly items: number };
  /** Items that ran when it was stopped, if most had settled and none did any more. */
  readonly stuck?: FailureKind;
}

export interface LanesNow {
  /** Tasks that run on each lane. */
  readonly lanes: readonly number[];
  /** Slots on each lane; null where all items are in flight at once. */
  readonly slots: number | null;
  /** How long the tasks took that ended since the last look; null if none did. */
  readonly latencyMs: { readonly median: number; readonly most: number } | null;
}

export interface TrialPulse extends LanesNow {
  /** How long its items have been running, in milliseconds. */
  readonly runMs: number;
  readonly settled: number;
  readonly failed: number;
  readonly total?: number | undefined;
}

/** What happens while measuring, told to whoever draws progress. */
export type TimingEvent =
  | {
    readonly type: "trial-started";
    readonly trial: TrialSpec;
    readonly number: number;
    readonly of: number;
  }
  | { readonly type: "progress"; readonly settled: number; readonly total: number | undefined }
  | { readonly type: "pulse"; readonly pulse: TrialPulse }
  | { readonly type: "trial-ended"; readonly trial: TrialSpec; readonly result: TrialResult }
  | { readonly type: "ceiling-started" }
  | { readonly type: "ceiling-ended"; readonly speedup: number };

/** What is told while measuring, and what ends it. */
export interface Watching {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: TimingEvent) => void) | undefined;
}

/** Runs one trial; the real one starts a process, a test's one answers at once. */
export type TrialRunner = (trial: TrialSpec, options: Watching) => Promise<TrialResult>;

export interface ComparisonSpec extends TrialOptions {
  readonly models: readonly ModelSpec[];
  readonly rounds: number;
  /** Where chance starts: the models' order. */
  readonly seed: number;
  /** Whether to measure what independent processes gain; default true for jobs that compute. */
  readonly ceiling?: boolean;
}
