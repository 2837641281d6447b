/** The messages between the program and the process that runs its job, as lines of JSON. */

import type { Decision } from "../adaptive/controller.ts";
import type { Rate } from "../dispatch/map_options.ts";
import type { Timeline } from "../timing/result.ts";
import type { JobSpec, LanesNow, ModelSpec } from "../timing/spec.ts";
import type { Pause } from "./refused_items.ts";
import type { Known } from "./known_items.ts";
import type { RunResult } from "./run_result.ts";

export interface RunSpec extends ModelSpec {
  readonly job: JobSpec;
  /** Whether the parent sends the items, instead of the job module listing them. */
  readonly fed: boolean;
  /** How many items from the start of the list belong to the job; default all. */
  readonly limit?: number | undefined;
  /** Which of the items that aren't done are run: those that failed, those that never ended, or both. */
  readonly run: { readonly rest: boolean; readonly failed: boolean };
  readonly changed: "refuse" | "match";
  /** Whether a journal is kept, so that items need digests by which a resumed run recognizes them. */
  readonly journaled: boolean;
  readonly order: "input" | "completion";
  readonly retries: number;
  readonly timeoutMs?: number | undefined;
  readonly rate?: Rate | undefined;
  readonly perHost?: number | undefined;
  /** Whether the process reports what its lanes do. */
  readonly live: boolean;
  readonly record: boolean;
  readonly halt?: Budget | undefined;
}

/** How many items may fail before the run is halted: a number, or a share (0 to 1) of those that settled. */
export type Budget = { readonly items: number } | { readonly share: number };

/** A share of failures is judged once this many items have settled. */
export const LEAST_JUDGED = 20;

/** How long beyond its deadline a task may hold its event loop before the run is ended, in milliseconds. */
export const HELD_MS = 30_000;

/** The first message to the process, with the number of known items; these follow in blocks. */
export interface RunOrder extends RunSpec {
  readonly known: number;
}

export type RunCommand =
  /** A block of known items: the index, digest and state of each. */
  | { readonly known: readonly (readonly [number, number, Known])[] }
  /** Items that the process asked for, and whether there are no more. */
  | { readonly items: readonly unknown[]; readonly last: boolean }
  /** How many characters of results and failures the parent has just written. */
  | { readonly written: number }
  | { readonly finish: true };

export type SlowItem = RunResult["slowest"][number];

/** How a run ended: with the whole list run, after a request to finish, or by its error budget. */
export type RunEnd = "done" | "finished" | "halted";

export interface Waits {
  /** How many items wait for a retry. */
  readonly again: number;
  /** The longest pause, and how many other hosts are paused. */
  readonly paused?: Pause;
  readonly others?: number;
  /** Whether the run waits for a machine because none runs a task of it. */
  readonly machine?: boolean;
  /** The step outside tasks that the run waits for, such as `prepare` or opening the items. */
  readonly on?: string | undefined;
}

/** How often the process tells how the run stands, in milliseconds; that shows that no task holds its event loop. */
export const RUN_BEAT_MS = 500;

export interface RunStanding {
  readonly waits: Waits;
  /** The last decision of `auto`. */
  readonly decided?: Decision | undefined;
  /** What the lanes do, if that is wanted. */
  readonly lanes?: LanesNow | undefined;
}

export type RunMessage =
  | ({ readonly type: "stands" } & RunStanding)
  /** The list agrees with the known items and tasks begin; `total` is its length, if known. */
  | {
    readonly type: "began";
    readonly total?: number | undefined;
    readonly lanes: number;
    readonly slots: number | null;
  }
  /** The process has room for more items. */
  | { readonly type: "wants" }
  /** How many items have succeeded and failed so far, and the new lines of results and of failures. */
  | {
    readonly type: "settled";
    readonly succeeded: number;
    readonly failed: number;
    readonly results: string;
    readonly failures: string;
  }
  | { readonly type: "changed"; readonly problem: string }
  /** An item failed for lack of a permission before any item succeeded. */
  | { readonly type: "denied"; readonly index: number; readonly message: string }
  | {
    readonly type: "broken";
    readonly where: string;
    readonly name: string;
    readonly message: string;
  }
  | {
    readonly type: "done";
    readonly end: RunEnd;
    readonly slowest: readonly SlowItem[];
    /** How many of the known items are no longer in the list. */
    readonly gone: Readonly<Record<Known, number>>;
    readonly auto?: RunResult["auto"];
    readonly timeline?: Timeline | undefined;
    /** The message of an error that closing the lanes, or disposing what `prepare` made, threw. */
    readonly unclosed?: string | undefined;
  };

export interface FailureRecord {
  readonly index: number;
  readonly digest: string;
  readonly ended: string;
  readonly attempts: number;
  /** The kind of failure, such as an error's name or `HTTP 503`. */
  readonly reason: string;
  readonly message: string;
  readonly item: unknown;
}
