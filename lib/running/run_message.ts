/** What the process that runs a job is told, and what it says, as lines of JSON. */

import type { Decision } from "../adaptive/controller.ts";
import type { Rate } from "../dispatch/limits.ts";
import type { Timeline } from "../timing/result.ts";
import type { JobSpec, LanesNow, ModelSpec } from "../timing/spec.ts";
import type { Pause } from "./refused_items.ts";
import type { Known } from "./known_items.ts";
import type { RunResult } from "./run_result.ts";

export interface RunSpec extends ModelSpec {
  readonly job: JobSpec;
  /** Whether the items are told by the parent, instead of being the job's own. */
  readonly fed: boolean;
  /** How many of the first items belong to the job; all unless given. */
  readonly limit?: number | undefined;
  /** Which of the items that aren't done are run: those that failed, those that never ended, or both. */
  readonly run: { readonly rest: boolean; readonly failed: boolean };
  readonly changed: "refuse" | "match";
  /** Whether a journal is kept, by which items are to be known again. */
  readonly journaled: boolean;
  readonly order: "input" | "completion";
  readonly retries: number;
  readonly timeoutMs?: number | undefined;
  readonly rate?: Rate | undefined;
  readonly perHost?: number | undefined;
  /** Whether it tells from time to time what runs. */
  readonly live: boolean;
  readonly record: boolean;
  readonly halt?: Budget | undefined;
}

/** How many items may fail before the run is halted: so many, or a share of those that settled. */
export type Budget = { readonly items: number } | { readonly share: number };

/** A share of failures is judged from so many items on. */
export const LEAST_JUDGED = 20;

/** A task may hold its event loop for so much longer than its deadline, in milliseconds; then the run is ended. */
export const HELD_MS = 30_000;

/** What the process is told first; then what is known, in blocks. */
export interface RunOrder extends RunSpec {
  readonly known: number;
}

export type RunCommand =
  /** Some of what is known: indexes, digests and states. */
  | { readonly known: readonly (readonly [number, number, Known])[] }
  /** Items that it asked for; whether they are the last. */
  | { readonly items: readonly unknown[]; readonly last: boolean }
  /** So many characters of results were written. */
  | { readonly written: number }
  | { readonly finish: true };

export type SlowItem = RunResult["slowest"][number];

/** How the items of a run came to their end. */
export type RunEnd = "done" | "finished" | "halted";

export interface Waits {
  /** How many items wait for another try. */
  readonly again: number;
  /** What is paused longest, and how many others are. */
  readonly paused?: Pause;
  readonly others?: number;
  /** Whether no machine runs a task of it, and one is waited for. */
  readonly machine?: boolean;
  /** What of the job's that is no task takes so long. */
  readonly on?: string | undefined;
}

/** How often it says that its event loop goes round, in milliseconds. */
export const RUN_BEAT_MS = 1_000;

export type RunMessage =
  /** No task holds its event loop. */
  | { readonly type: "beat" }
  /** The list is what it was; its length, if that is known. */
  | {
    readonly type: "began";
    readonly total?: number | undefined;
    readonly lanes: number;
    readonly slots: number | null;
  }
  /** It has room for so many items. */
  | { readonly type: "wants"; readonly count: number }
  /** Items settled: how many in all, and lines for the results, and for those that failed. */
  | {
    readonly type: "settled";
    readonly succeeded: number;
    readonly failed: number;
    readonly results: string;
    readonly failures: string;
  }
  /** Items wait for another try, or everything for a server; or nothing does any more. */
  | ({ readonly type: "waits" } & Waits)
  /** How many tasks run on each lane, and how long those took that ended since it was told. */
  | ({ readonly type: "pulse" } & LanesNow)
  | { readonly type: "decided"; readonly decision: Decision }
  | { readonly type: "changed"; readonly problem: string }
  /** The first items fail for lack of a permission. */
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
    /** How many of the items that are known are in the list no more. */
    readonly gone: Readonly<Record<Known, number>>;
    readonly auto?: RunResult["auto"];
    readonly timeline?: Timeline | undefined;
    /** What a lane, or what was prepared, threw when it was closed. */
    readonly unclosed?: string | undefined;
  };

export interface FailureRecord {
  readonly index: number;
  readonly digest: string;
  readonly ended: string;
  readonly attempts: number;
  /** Why, in a word, such as an error's name or `HTTP 503`. */
  readonly reason: string;
  readonly message: string;
  readonly item: unknown;
}
