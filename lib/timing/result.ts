/**
 * The result file: what was measured, and nothing else, as types, as the schema that checks it, and read
 * from a file. Every report reads this and only this.
 *
 * Change it only together with `schemaVersion` and `result.schema.json`, which is made from the schema.
 *
 * @module
 */

import { z } from "zod";
import type { Device } from "../lanes/lane.ts";
import type { Others } from "./meter/reading.ts";
import { type FileFormat, parseWritten, readWritten } from "./json_file.ts";

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
  /** What it computed on, if not on this machine's cores. */
  device?: Device | undefined;
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

/** A median with its interval. */
export const intervalSchema: z.ZodType<Interval> = z.object({
  median: z.number(),
  low: z.number(),
  high: z.number(),
});

/** What others did to the machine. */
export const othersSchema: z.ZodType<Others> = z.object({
  used: z.number().nonnegative(),
  cores: z.number().int().positive(),
});

/** What a file was measured on. */
export const environmentSchema: z.ZodType<ResultFile["environment"]> = z.object({
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
});

const count = z.number().int().nonnegative();
const duration = z.number().nonnegative();

const roundSchema: z.ZodType<Round> = z.object({
  round: count,
  startMs: duration,
  runMs: duration,
  wallMs: duration,
  cpuMs: duration,
  runCpuMs: duration.optional(),
  queuedMs: duration.optional(),
  peakRssBytes: duration,
  succeeded: count,
  failed: count,
  checksum: z.string(),
  reasons: z.record(z.string(), z.number().int().positive()).optional(),
  examples: z.record(z.string(), z.string()).optional(),
});

const timelineSchema: z.ZodType<Timeline> = z.object({
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

const modelResultSchema: z.ZodType<ModelResult> = z.object({
  model: z.string(),
  lanes: z.number().int().positive(),
  slots: z.number().int().positive().nullable(),
  device: z.object({ name: z.string(), software: z.boolean() }).optional(),
  rounds: z.array(roundSchema),
  wallMs: intervalSchema,
  speedup: intervalSchema.nullable(),
  timeline: timelineSchema.optional(),
});

const verdictSchema: z.ZodType<Verdict> = z.object({
  bound: z.enum(["io", "cpu", "mixed", "small"]),
  cpuShare: z.number(),
  recommended: z.string(),
  confidence: z.number().min(0).max(1),
  reason: z.string(),
});

/** One comparison. */
export const comparisonSchema: z.ZodType<Comparison> = z.object({
  job: z.object({
    name: z.string(),
    task: z.string(),
    items: count,
    options: z.record(z.string(), z.unknown()),
  }),
  ceiling: z.object({ speedup: z.number(), lanes: z.number().int().positive() }).nullable(),
  others: othersSchema.optional(),
  models: z.array(modelResultSchema),
  agree: z.boolean(),
  warnings: z.array(z.string()),
  verdict: verdictSchema.nullable(),
});

const resultFileSchema: z.ZodType<ResultFile> = z.object({
  schemaVersion: z.literal(1),
  environment: environmentSchema,
  partial: z.boolean().optional(),
  comparisons: z.array(comparisonSchema),
});

/** The JSON Schema of result files, made from the description that checks them. */
export function resultJsonSchema(): Record<string, unknown> {
  return { title: "Lanes result file", ...z.toJSONSchema(resultFileSchema, { io: "input" }) };
}

/** Faults that the schema can't see: columns of unlike length, indices that point nowhere. */
function inconsistency(file: ResultFile): string | undefined {
  for (const [c, { models }] of file.comparisons.entries()) {
    for (const [m, { timeline, rounds }] of models.entries()) {
      const where = `comparisons[${c}].models[${m}]`;
      if (rounds.length === 0) return `${where}.rounds is empty`;
      if (timeline === undefined) continue;
      const { index, lane, queuedMs, startedMs, endedMs, status } = timeline;
      for (const [name, column] of Object.entries({ lane, queuedMs, startedMs, endedMs, status })) {
        if (column.length !== index.length) {
          return `${where}.timeline.${name} has ${column.length} entries, but index has ` +
            `${index.length}`;
        }
      }
    }
  }
  return undefined;
}

/** The result files of comparisons. */
export const RESULT_FORMAT: FileFormat<ResultFile> = {
  kind: undefined,
  writers: ["io", "cpu"],
  schema: resultFileSchema.transform((file) => ({
    ...file,
    comparisons: file.comparisons.map(withoutGainsOfFailures),
  })),
  inconsistency,
};

/**
 * Makes a result file of text, or says what is wrong with it.
 *
 * @throws {ResultFileError} If it is no JSON, of another version or kind, or has a field that can't be.
 */
export function parseResultFile(text: string, path: string): ResultFile {
  return parseWritten(text, path, [RESULT_FORMAT]);
}

/**
 * Reads a result file.
 *
 * @throws {ResultFileError} If it is missing, too large, truncated, of another version or kind, or
 * nonsense.
 */
export async function readResultFile(path: string): Promise<ResultFile> {
  return await readWritten(path, [RESULT_FORMAT]);
}

/** Whether items were tried in these rounds and all of them failed. */
export function nothingSucceeded({ rounds }: { readonly rounds: readonly Round[] }): boolean {
  return rounds.some(({ failed }) => failed > 0) &&
    rounds.every(({ succeeded }) => succeeded === 0);
}

/** Whether a model may be compared with others by its time. */
export function isComparable(model: Pick<ModelResult, "rounds">): boolean {
  return model.rounds.length > 0 && !nothingSucceeded(model);
}

/** The comparison without gains and a verdict on what failed: earlier versions drew them. */
function withoutGainsOfFailures(comparison: Comparison): Comparison {
  if (!comparison.models.some(nothingSucceeded)) return comparison;
  const models = comparison.models.map((model) =>
    nothingSucceeded(model) ? { ...model, speedup: null } : model
  );
  return { ...comparison, models, verdict: null };
}
