/**
 * The result file: what was measured, and nothing else. Every report reads this and only this.
 *
 * Change it only together with `schemaVersion`, ``result_schema.ts`, `result.schema.json` and the tests that hold the two
 * against each other.
 *
 * @module
 */

import type { Others } from "./meter/reading.ts";

/** Median and the ends of a 95 % interval. */
export interface Interval {
  /** The middle of what was measured. */
  median: number;
  /** The lower end. */
  low: number;
  /** The upper end. */
  high: number;
}

/** One trial: one model, one round, in a fresh process. */
export interface Round {
  /** From 0. */
  round: number;
  /** Until every lane could take tasks. */
  startMs: number;
  /** From the first item to the last outcome. */
  runMs: number;
  /** startMs + runMs. */
  wallMs: number;
  /** CPU time of the trial's process, its threads and its subprocesses, during start and run. */
  cpuMs: number;
  /** The part of `cpuMs` between the first item and the last outcome. */
  runCpuMs?: number | undefined;
  /** How long the event loop's process queued for a core in the run, where the system tells it. */
  queuedMs?: number | undefined;
  /** Peak memory of the trial's process, plus that of each of its subprocesses. */
  peakRssBytes: number;
  /** Items that gave a value. */
  succeeded: number;
  /** Items that gave none. */
  failed: number;
  /** SHA-256 of all results in input order, in hex. */
  checksum: string;
  /** How often each plain reason for a failure was seen, such as "refused". */
  reasons?: Record<string, number> | undefined;
  /** Of each reason one example: its item, and what its error said. */
  examples?: Record<string, string> | undefined;
}

/** Every task of one round, column by column; times in milliseconds from the trial's first item. */
export interface Timeline {
  /** The round it is of, from 0. */
  round: number;
  /** One entry a lane; `cpuShare` is its CPU time over the time its tasks were in flight, 0 to 1. */
  lanes: { lane: number; startMs: number; cpuShare: number | null }[];
  /** Each task's place in the input, from 0. */
  index: number[];
  /** The lane it ran on; −1 if it never started. */
  lane: number[];
  /** When it was taken from the input. */
  queuedMs: number[];
  /** When its last attempt started; when it ended if none did. */
  startedMs: number[];
  /** When it ended. */
  endedMs: number[];
  /** "fulfilled", or how the task ended otherwise. */
  status: string[];
}

/** What one model did in all rounds. */
export interface ModelResult {
  /** The model's name. */
  model: string;
  /** How many lanes it had. */
  lanes: number;
  /** null stands for "all items at once". */
  slots: number | null;
  /** Every finished round, none left out. */
  rounds: Round[];
  /** Start and run together. */
  wallMs: Interval;
  /** Against sequential, paired by round; null when results differ or there is no sequential run. */
  speedup: Interval | null;
  /** Of the round whose time is nearest to the median. */
  timeline?: Timeline | undefined;
}

/** What the comparison comes to. */
export interface Verdict {
  /** Whether the tasks wait, compute, do both, or the whole job is too short to tell models apart. */
  bound: "io" | "cpu" | "mixed" | "small";
  /** CPU time over wall time of the sequential run. */
  cpuShare: number;
  /** The simplest model that serves. */
  recommended: string;
  /** How sure the recommendation is, 0 to 1. */
  confidence: number;
  /** Why, in a sentence or two with the numbers. */
  reason: string;
}

/** One job under several models. */
export interface Comparison {
  /** What was measured. */
  job: { name: string; task: string; items: number; options: Record<string, unknown> };
  /** What this machine gains in parallel, measured with independent processes; null if not measured. */
  ceiling: { speedup: number; lanes: number } | null;
  /** How many cores others used while it was measured, on average, where the system tells it. */
  others?: Others | undefined;
  /** What each model did. */
  models: ModelResult[];
  /** Whether all models gave equal results. */
  agree: boolean;
  /** What a reader should know before believing the figures, one sentence each. */
  warnings: string[];
  /** null if the results differ, or there was nothing to compare. */
  verdict: Verdict | null;
}

/** A whole result file. */
export interface ResultFile {
  /** Raised when the meaning of a field changes. */
  schemaVersion: 1;
  /** What the figures were measured on. */
  environment: {
    deno: string;
    v8: string;
    os: string;
    arch: string;
    /** What the machine has, where that may be known. */
    cpus: number;
    /** What this process may use. */
    lanesAvailable: number;
    /** ISO 8601. */
    startedAt: string;
    seed: number;
    loadAverage?: number[] | undefined;
    cpuModel?: string | undefined;
    notes?: string[] | undefined;
  };
  /** True when the run was interrupted: what is here was measured, the rest was not. */
  partial?: boolean | undefined;
  /** One for each job. */
  comparisons: Comparison[];
}
