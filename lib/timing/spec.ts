/** A measurement: job, models, number of rounds. It is plain data, which is sent to a trial's process. */

import type { Rate } from "../dispatch/map_options.ts";
import type { AutoBounds } from "../auto_options.ts";
import type { StartAdvice } from "../executor_options.ts";
import type { Model } from "../models.ts";
import type { Device } from "../lanes/lane.ts";
import type { ServerOptions } from "../lanes/cluster/broker.ts";
import type { LanePermissions } from "../lanes/permissions.ts";
import type { Task } from "../lanes/task.ts";
import type { FailureKind } from "./failures.ts";
import type { Round, Timeline } from "./result.ts";

/** Where a job's items come from: a list of JSON values, or an export of the job's module. */
export type ItemSource =
  | { readonly kind: "values"; readonly values: readonly unknown[] }
  | {
    readonly kind: "module";
    readonly module: string;
    readonly export: string;
    readonly limit?: number | undefined;
    /**
     * The order in which items are taken: that of `spreadOrder()` in job_items.ts, or the first `limit` items
     * from last to first; as they come unless given.
     */
    readonly order?: "spread" | "backwards" | undefined;
    /** If spread: how many of the first items belong to the job; all unless given. */
    readonly first?: number | undefined;
  };

/** A task and its items, as plain data. */
export interface JobSpec {
  /** The job's name for people, such as "download 160 pages". */
  readonly name: string;
  readonly task: Task;
  readonly items: ItemSource;
  /** The permissions of the trial and its lanes; none by default. */
  readonly permissions?: LanePermissions;
  /** How the job was made, for reports; not used to run it. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Name of an export that runs before the items are made; its result is disposed at the end. */
  readonly prepare?: string;
  /** How long a lane's teardown may take, in milliseconds; the executor's own default unless given. */
  readonly graceMs?: number;
  /** Whether the teardown is known never to end: then it is given up, and the measurement counts. */
  readonly teardownIsEndless?: boolean;
  /** Name of an export that runs before each trial's items are made: it undoes earlier trials' effects. */
  readonly reset?: string;
  /** Name of an export that maps a result to what must be equal between models. */
  readonly comparable?: string;
}

/** A concurrency model and its size; the model's own defaults unless given. */
export interface ModelSpec {
  readonly model: Model;
  readonly lanes?: number;
  readonly slots?: number;
  /** The server that connects its machines, if it has any. */
  readonly server?: ServerOptions;
  /** The advice that the model starts from, if its size isn't fixed. */
  readonly start?: StartAdvice;
  /** The bounds of the model, if its size isn't fixed. */
  readonly bounds?: AutoBounds | undefined;
}

interface TrialOptions {
  readonly job: JobSpec;
  /** How many items run before the measured ones, uncounted; default 0. */
  readonly warmup?: number;
  /** How long a task may take from its own start, in milliseconds; unlimited by default. */
  readonly timeoutMs?: number;
  /** How many times a task that gave no value is tried again; default 0. */
  readonly retries?: number;
  /** How many items travel to a lane together; default `"auto"`. */
  readonly chunk?: "auto" | number;
  /** Whether to report from time to time which tasks run on the lanes. */
  readonly live?: boolean;
}

/** A schedule: items are due at a fixed rate, whatever happened to earlier ones; a list is repeated. */
export interface Arrivals {
  readonly ratePerSecond: number;
  readonly count: number;
}

export interface TrialSpec extends ModelSpec, TrialOptions {
  readonly round: number;
  readonly timeline?: boolean;
  /** How long all items may take, in milliseconds; unfinished ones are then cancelled. Unlimited by default. */
  readonly mostMs?: number;
  /** How many of the first items also get a checksum of their own. */
  readonly prefix?: number;
  /** How many tasks may start in a time; no limit by default. */
  readonly rate?: Rate | undefined;
  /** When items are due; by default as soon as there is room for them. */
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
  /** The device that the lanes computed on, if not this machine's cores alone. */
  readonly device?: Device;
  /** How many lanes the executor really had. */
  readonly lanes: number;
  /** How many slots each lane really had; null for one for every item. */
  readonly slots: number | null;
  /** Warnings for the reader, one sentence each. */
  readonly warnings: readonly string[];
  /** Why items failed, if some did, the most frequent kind first. */
  readonly failures?: readonly FailureKind[];
  /** How many items a second succeeded once a server refused some; undefined if not known. */
  readonly pacePerSecond?: number;
  /** CPU time of programs that the tasks started, in milliseconds, if the system reports it. */
  readonly programsMs?: number;
  /** When the first item was requested, in milliseconds since 1970. */
  readonly beganAtMs?: number;
  /** Whether `mostMs` ended the run; undefined if there was none. */
  readonly stopped?: boolean;
  /** The item that took at least half of the run, if one did and others were far shorter. */
  readonly longest?: LongItem | undefined;
  /**
   * When every lane, of one slot, had ended its first task, and of many tasks half had ended, and how many items
   * had ended by then: costs of the beginning count once. Undefined if most items had ended.
   */
  readonly warm?: { readonly afterMs: number; readonly items: number };
  /** Items still running when the run was stopped, if most had settled and none did any more. */
  readonly stuck?: FailureKind;
}

export interface LanesNow {
  /** How many tasks run on each lane. */
  readonly lanes: readonly number[];
  /** Slots on each lane; null where all items are in flight at once. */
  readonly slots: number | null;
  /** How long tasks took that ended since the last look, in milliseconds; null if none did. */
  readonly latencyMs: { readonly median: number; readonly most: number } | null;
}

export interface TrialPulse extends LanesNow {
  /** How long the measured part of the trial has run, in milliseconds. */
  readonly runMs: number;
  readonly settled: number;
  readonly failed: number;
  readonly total?: number | undefined;
}

/** An event of a measurement, for those that show progress. */
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

/** The signal that ends a measurement and the receiver of its events. */
export interface Watching {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: TimingEvent) => void) | undefined;
}

/** Runs one trial: in a new process, or in tests by answering at once. */
export type TrialRunner = (trial: TrialSpec, options: Watching) => Promise<TrialResult>;

export interface ComparisonSpec extends TrialOptions {
  readonly models: readonly ModelSpec[];
  readonly rounds: number;
  /** The seed of the models' random order. */
  readonly seed: number;
  /** Whether to measure the gain of independent processes; default true for jobs that compute. */
  readonly ceiling?: boolean;
}
