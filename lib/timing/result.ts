/**
 * The result file: what was measured, and nothing else. Every report reads this and only this.
 *
 * Change it only together with `schemaVersion`, `result.schema.json` and the tests that hold the two
 * against each other.
 *
 * @module
 */

import { z } from "zod";

/** Median and the ends of a 95 % interval. */
export interface Interval {
  median: number;
  low: number;
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
  /** Peak memory of the trial's process, plus that of each of its subprocesses. */
  peakRssBytes: number;
  succeeded: number;
  failed: number;
  /** SHA-256 of all results in input order, in hex. */
  checksum: string;
  /** How often each plain reason for a failure was seen, such as "refused". */
  reasons?: Record<string, number> | undefined;
}

/** Every task of one round, column by column; times in milliseconds from the trial's first item. */
export interface Timeline {
  round: number;
  /** One entry a lane; `cpuShare` is its CPU time over the time its tasks were in flight, 0 to 1. */
  lanes: { lane: number; startMs: number; cpuShare: number | null }[];
  index: number[];
  lane: number[];
  queuedMs: number[];
  startedMs: number[];
  endedMs: number[];
  /** "fulfilled", or how the task ended otherwise. */
  status: string[];
}

/** What one model did in all rounds. */
export interface ModelResult {
  model: string;
  lanes: number;
  /** null stands for "all items at once". */
  slots: number | null;
  rounds: Round[];
  wallMs: Interval;
  /** Against sequential, paired by round; null when results differ or there is no sequential run. */
  speedup: Interval | null;
  timeline?: Timeline | undefined;
}

/** What the comparison comes to. */
export interface Verdict {
  bound: "io" | "cpu" | "mixed" | "small";
  /** CPU time over wall time of the sequential run. */
  cpuShare: number;
  recommended: string;
  confidence: number;
  reason: string;
}

/** One job under several models. */
export interface Comparison {
  job: { name: string; task: string; items: number; options: Record<string, unknown> };
  /** What this machine gains in parallel, measured with independent processes; null if not measured. */
  ceiling: { speedup: number; lanes: number } | null;
  models: ModelResult[];
  /** Whether all models gave equal results. */
  agree: boolean;
  /** What a reader should know before believing the figures, one sentence each. */
  warnings: string[];
  verdict: Verdict | null;
}

/** A whole result file. */
export interface ResultFile {
  schemaVersion: 1;
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
  comparisons: Comparison[];
}

const count = z.number().int().nonnegative();
const duration = z.number().nonnegative();

/** Checks an {@linkcode Interval}. */
export const intervalSchema: z.ZodType<Interval> = z.object({
  median: z.number(),
  low: z.number(),
  high: z.number(),
});

/** Checks a {@linkcode Round}. */
export const roundSchema: z.ZodType<Round> = z.object({
  round: count,
  startMs: duration,
  runMs: duration,
  wallMs: duration,
  cpuMs: duration,
  runCpuMs: duration.optional(),
  peakRssBytes: duration,
  succeeded: count,
  failed: count,
  checksum: z.string(),
  reasons: z.record(z.string(), z.number().int().positive()).optional(),
});

/** Checks a {@linkcode Timeline}. */
export const timelineSchema: z.ZodType<Timeline> = z.object({
  round: count,
  lanes: z.array(z.object({
    lane: z.number().int(),
    startMs: duration,
    cpuShare: z.number().min(0).max(1).nullable(),
  })),
  index: z.array(z.number().int()),
  lane: z.array(z.number().int()),
  queuedMs: z.array(z.number()),
  startedMs: z.array(z.number()),
  endedMs: z.array(z.number()),
  status: z.array(z.string()),
});

/** Checks a {@linkcode ModelResult}. */
export const modelResultSchema: z.ZodType<ModelResult> = z.object({
  model: z.string(),
  lanes: z.number().int().positive(),
  slots: z.number().int().positive().nullable(),
  rounds: z.array(roundSchema),
  wallMs: intervalSchema,
  speedup: intervalSchema.nullable(),
  timeline: timelineSchema.optional(),
});

/** Checks a {@linkcode Verdict}. */
export const verdictSchema: z.ZodType<Verdict> = z.object({
  bound: z.enum(["io", "cpu", "mixed", "small"]),
  cpuShare: z.number(),
  recommended: z.string(),
  confidence: z.number().min(0).max(1),
  reason: z.string(),
});

/** Checks a {@linkcode Comparison}. */
export const comparisonSchema: z.ZodType<Comparison> = z.object({
  job: z.object({
    name: z.string(),
    task: z.string(),
    items: count,
    options: z.record(z.string(), z.unknown()),
  }),
  ceiling: z.object({ speedup: z.number(), lanes: z.number().int().positive() }).nullable(),
  models: z.array(modelResultSchema),
  agree: z.boolean(),
  warnings: z.array(z.string()),
  verdict: verdictSchema.nullable(),
});

/** Checks a {@linkcode ResultFile}. */
export const resultFileSchema: z.ZodType<ResultFile> = z.object({
  schemaVersion: z.literal(1),
  environment: z.object({
    deno: z.string(),
    v8: z.string(),
    os: z.string(),
    arch: z.string(),
    cpus: z.number().int().positive(),
    lanesAvailable: z.number().int().positive(),
    startedAt: z.string(),
    seed: z.number().int(),
    loadAverage: z.array(z.number()).optional(),
    cpuModel: z.string().optional(),
    notes: z.array(z.string()).optional(),
  }),
  partial: z.boolean().optional(),
  comparisons: z.array(comparisonSchema),
});
