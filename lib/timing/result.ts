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
export const intervalSchema = z.object({
  median: z.number(),
  low: z.number(),
  high: z.number(),
});

/** One trial: one model, one round, in a fresh process. */
export const roundSchema = z.object({
  round: z.number().int().nonnegative(),
  /** Until every lane could take tasks. */
  startMs: z.number().nonnegative(),
  /** From the first item to the last outcome. */
  runMs: z.number().nonnegative(),
  /** startMs + runMs. */
  wallMs: z.number().nonnegative(),
  /** CPU time of the trial's process, its threads and its subprocesses. */
  cpuMs: z.number().nonnegative(),
  /** Peak memory of the trial's process, plus that of each of its subprocesses. */
  peakRssBytes: z.number().nonnegative(),
  succeeded: z.number().int().nonnegative(),
  failed: z.number().int().nonnegative(),
  /** SHA-256 of all results in input order, in hex. */
  checksum: z.string(),
  /** How often each plain reason for a failure was seen, such as "refused". */
  reasons: z.record(z.string(), z.number().int().positive()).optional(),
});

/** Every task of one round, column by column; times in milliseconds from the trial's first item. */
export const timelineSchema = z.object({
  round: z.number().int().nonnegative(),
  /** One entry a lane; `cpuShare` is its CPU time over the time its tasks were in flight, 0 to 1. */
  lanes: z.array(z.object({
    lane: z.number().int(),
    startMs: z.number().nonnegative(),
    cpuShare: z.number().min(0).max(1).nullable(),
  })),
  index: z.array(z.number().int()),
  lane: z.array(z.number().int()),
  queuedMs: z.array(z.number()),
  startedMs: z.array(z.number()),
  endedMs: z.array(z.number()),
  /** "fulfilled", or how the task ended otherwise. */
  status: z.array(z.string()),
});

/** What one model did in all rounds. */
export const modelResultSchema = z.object({
  model: z.string(),
  lanes: z.number().int().positive(),
  /** null stands for "all items at once". */
  slots: z.number().int().positive().nullable(),
  rounds: z.array(roundSchema),
  wallMs: intervalSchema,
  /** Against sequential, paired by round; null when results differ or there is no sequential run. */
  speedup: intervalSchema.nullable(),
  timeline: timelineSchema.optional(),
});

/** What the comparison comes to. */
export const verdictSchema = z.object({
  bound: z.enum(["io", "cpu", "mixed", "small"]),
  /** CPU time over wall time of the sequential run. */
  cpuShare: z.number(),
  recommended: z.string(),
  confidence: z.number().min(0).max(1),
  reason: z.string(),
});

/** One job under several models. */
export const comparisonSchema = z.object({
  job: z.object({
    name: z.string(),
    task: z.string(),
    items: z.number().int().nonnegative(),
    options: z.record(z.string(), z.unknown()),
  }),
  /** What this machine gains in parallel, measured with independent processes; null if not measured. */
  ceiling: z.object({ speedup: z.number(), lanes: z.number().int().positive() }).nullable(),
  models: z.array(modelResultSchema),
  /** Whether all models gave equal results. */
  agree: z.boolean(),
  /** What a reader should know before believing the figures, one sentence each. */
  warnings: z.array(z.string()),
  verdict: verdictSchema.nullable(),
});

/** A whole result file. */
export const resultFileSchema = z.object({
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
  /** True when the run was interrupted: what is here was measured, the rest was not. */
  partial: z.boolean().optional(),
  comparisons: z.array(comparisonSchema),
});

export type Interval = z.infer<typeof intervalSchema>;
export type Round = z.infer<typeof roundSchema>;
export type Timeline = z.infer<typeof timelineSchema>;
export type ModelResult = z.infer<typeof modelResultSchema>;
export type Verdict = z.infer<typeof verdictSchema>;
export type Comparison = z.infer<typeof comparisonSchema>;
export type ResultFile = z.infer<typeof resultFileSchema>;
