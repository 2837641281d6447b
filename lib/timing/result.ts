/**
 * The result file: what was measured, and nothing else. The schema checks a file, its types are what
 * every report reads, and `result.schema.json` is made from it: change it only together with
 * `schemaVersion`.
 *
 * Times are in milliseconds, sizes in bytes.
 */

import { z } from "zod";
import { decisionSchema } from "./decisions.ts";
import { amount, count, type FileFormat, readWritten, share, values, whole } from "./json_file.ts";
import type { Interval } from "../text/format.ts";

export type { Interval };

/** A median, and the ends of its 95 % interval. */
export const intervalSchema: z.ZodType<Interval> = z.object({
  median: z.number(),
  low: z.number(),
  high: z.number(),
});

/** How many cores others used meanwhile, on average, and how many there are. */
export const othersSchema = z.object({
  used: amount,
  cores: whole,
});

export const machineSchema = z.object({
  deno: z.string(),
  v8: z.string(),
  os: z.string(),
  arch: z.string(),
  /** What the machine has, where that may be known. */
  cpus: whole,
  /** What this process may use. */
  lanesAvailable: whole,
  /** ISO 8601. */
  startedAt: z.string(),
  /** Over 1, 5 and 15 minutes. */
  loadAverage: z.array(z.number()).optional(),
  cpuModel: z.string().optional(),
  /** What else a reader should know of it, a sentence each. */
  notes: z.array(z.string()).optional(),
});

export const environmentSchema = machineSchema.extend({
  /** Decided the order of the trials. */
  seed: z.number().int(),
});

/** What a file was measured on; without a seed where nothing was drawn. */
export type Environment = z.infer<typeof machineSchema> & { readonly seed?: number };

const roundSchema = z.object({
  /** From 0. */
  round: count,
  /** Until every lane could take tasks. */
  startMs: amount,
  /** From the first item to the last outcome. */
  runMs: amount,
  /** startMs + runMs. */
  wallMs: amount,
  /** CPU time of the trial's process, its threads and its subprocesses, during start and run. */
  cpuMs: amount,
  /** The part of `cpuMs` between the first item and the last outcome. */
  runCpuMs: amount.optional(),
  /** The part of that on the event loop's own thread, in steps of 10 ms. */
  loopCpuMs: amount.optional(),
  /** How long the event loop's process queued for a core in the run, where the system tells it. */
  queuedMs: amount.optional(),
  /** Peak memory of the trial's process, plus that of each of its subprocesses. */
  peakRssBytes: amount,
  succeeded: count,
  failed: count,
  /** SHA-256 of what of all results must be equal, in input order, in hex. */
  checksum: z.string(),
  /** How often each plain reason for a failure was seen, such as "refused". */
  reasons: z.record(z.string(), whole).optional(),
  /** Of each reason one example: its item, and what its error said. */
  examples: z.record(z.string(), z.string()).optional(),
});

export type Round = z.infer<typeof roundSchema>;

/** When tasks were queued, started and ended. */
export const timelineSchema = z.object({
  round: count,
  /** `cpuShare` is the lane's CPU time over the time its tasks were in flight. */
  lanes: z.array(z.object({
    lane: z.number().int(),
    startMs: amount,
    cpuShare: share.nullable(),
    /** The name of the machine that it was on, under `cluster`. */
    machine: z.string().optional(),
  })),
  /** Each task's place in the input, from 0. */
  index: z.array(z.number().int()),
  /** The lane it ran on; −1 if it never started. */
  lane: z.array(z.number().int()),
  /** When it was taken from the input. */
  queuedMs: z.array(z.number()),
  /** When its last attempt started; when it ended if none did. */
  startedMs: z.array(z.number()),
  endedMs: z.array(z.number()),
  /** "fulfilled", or how the task ended otherwise. */
  status: z.array(z.string()),
  /** What `auto` decided meanwhile. */
  decisions: z.array(decisionSchema).readonly().optional(),
});

/** Every task of one round, column by column, in milliseconds from the trial's first item. */
export type Timeline = z.infer<typeof timelineSchema>;

const modelResultSchema = z.object({
  model: z.string(),
  /** Places where tasks ran. */
  lanes: whole,
  /** Tasks in flight on each lane at most; null where all items were in flight at once. */
  slots: whole.nullable(),
  /** What it computed on, if not on this machine's cores. */
  device: z.object({ name: z.string(), software: z.boolean() }).optional(),
  /** Every finished round, none left out. */
  rounds: z.array(roundSchema),
  /** Start and run together. */
  wallMs: intervalSchema,
  /** Against sequential, paired by round; null when results differ or there is no sequential run. */
  speedup: intervalSchema.nullable(),
  /** Of the round whose time is nearest to the median. */
  timeline: timelineSchema.optional(),
});

export type ModelResult = z.infer<typeof modelResultSchema>;

const verdictSchema = z.object({
  /**
   * Whether the tasks wait, compute, do both, or the whole job is too short to tell models apart; unknown
   * where others had the cores for most of the sequential run.
   */
  bound: z.enum(["io", "cpu", "mixed", "small", "unknown"]),
  /** CPU time over wall time of the sequential run. */
  cpuShare: z.number(),
  /** The simplest model that is as good as the best. */
  recommended: z.string(),
  /** How sure that is. */
  confidence: share,
  /** Why, in a sentence or two with the numbers. */
  reason: z.string(),
});

/** What a comparison comes to. */
export type Verdict = z.infer<typeof verdictSchema>;

/** One job under several models. */
export const comparisonSchema = z.object({
  job: z.object({
    name: z.string(),
    task: z.string(),
    items: count,
    /** What it was made with; jobs of other options aren't compared with it. */
    options: values,
  }),
  /** What this machine gains in parallel, measured with independent processes; null if not measured. */
  ceiling: z.object({ speedup: z.number(), lanes: whole }).nullable(),
  others: othersSchema.optional(),
  models: z.array(modelResultSchema),
  /** Whether all models gave equal results. */
  agree: z.boolean(),
  /** What a reader should know before believing the figures, one sentence each. */
  warnings: z.array(z.string()),
  /** null if the results differ, or there was nothing to compare. */
  verdict: verdictSchema.nullable(),
});

export type Comparison = z.infer<typeof comparisonSchema>;

const resultFileSchema = z.object({
  schemaVersion: z.literal(1),
  environment: environmentSchema,
  /** True when the run was interrupted: what is here was measured, the rest was not. */
  partial: z.boolean().optional(),
  comparisons: z.array(comparisonSchema),
});

export type ResultFile = z.infer<typeof resultFileSchema>;

/** Says which column of a timeline isn't as long as the others; undefined if all are. */
export function unlikeColumns(
  where: string,
  { index, lane, queuedMs, startedMs, endedMs, status }: Timeline,
): string | undefined {
  const unlike = Object.entries({ lane, queuedMs, startedMs, endedMs, status })
    .find(([, { length }]) => length !== index.length);
  return unlike &&
    `${where}.${unlike[0]} has ${unlike[1].length} entries, but index has ${index.length}`;
}

/** Faults that the schema can't see: columns of unlike length, no rounds. */
export function inconsistency({ comparisons }: Pick<ResultFile, "comparisons">) {
  for (const [c, { models }] of comparisons.entries()) {
    for (const [m, { timeline, rounds }] of models.entries()) {
      const where = `comparisons[${c}].models[${m}]`;
      if (rounds.length === 0) return `${where}.rounds is empty`;
      const unlike = timeline && unlikeColumns(`${where}.timeline`, timeline);
      if (unlike !== undefined) return unlike;
    }
  }
  return undefined;
}

export const RESULT_FORMAT: FileFormat<ResultFile> = {
  kind: undefined,
  writers: ["io", "cpu"],
  schema: resultFileSchema,
  inconsistency,
};

export function readResultFile(path: string): Promise<ResultFile> {
  return readWritten(path, [RESULT_FORMAT]);
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
