/**
 * The result file: the measurements, and nothing else. The schema checks a file, its types are what every
 * report reads, and `result.schema.json` is made from it: change it only together with `schemaVersion`.
 *
 * Times are in milliseconds, sizes in bytes.
 */

import { z } from "zod";
import { decisionSchema } from "./decisions.ts";
import { amount, count, type FileFormat, readWritten, share, values, whole } from "./json_file.ts";
import { needsServer } from "../models.ts";
import type { Interval } from "../text/format.ts";

export type { Interval };

/** A median and the ends of its 95 % interval. */
export const intervalSchema: z.ZodType<Interval> = z.object({
  median: z.number(),
  low: z.number(),
  high: z.number(),
});

/** How many cores other programs used on average, and how many there are. */
export const othersSchema = z.object({
  used: amount,
  cores: whole,
});

export const machineSchema = z.object({
  deno: z.string(),
  v8: z.string(),
  os: z.string(),
  arch: z.string(),
  /** The machine's CPUs, if this process may know them. */
  cpus: whole,
  /** The CPUs that this process may use. */
  lanesAvailable: whole,
  /** When the measurement started, in ISO 8601. */
  startedAt: z.string(),
  /** Over 1, 5 and 15 minutes. */
  loadAverage: z.array(z.number()).optional(),
  cpuModel: z.string().optional(),
  /** Further notes on the machine for the reader, one sentence each. */
  notes: z.array(z.string()).optional(),
});

export const environmentSchema = machineSchema.extend({
  /** The seed of the random order of trials. */
  seed: z.number().int(),
});

/** The machine of a file's measurements; without a seed if nothing was drawn at random. */
export type Environment = z.infer<typeof machineSchema> & { readonly seed?: number };

const roundSchema = z.object({
  /** The round's number, from 0. */
  round: count,
  /** Time until every lane could take tasks. */
  startMs: amount,
  /** Time from the first item to the last outcome. */
  runMs: amount,
  /** startMs + runMs. */
  wallMs: amount,
  /** CPU time of the trial's process, its threads and its subprocesses, during start and run. */
  cpuMs: amount,
  /** The part of `cpuMs` between the first item and the last outcome. */
  runCpuMs: amount.optional(),
  /** The part of `runCpuMs` on the event loop's own thread, in steps of 10 ms. */
  loopCpuMs: amount.optional(),
  /** How long the event loop's process queued for a core in the run, if the system reports it. */
  queuedMs: amount.optional(),
  /** Peak memory of the trial's process, plus that of each of its subprocesses. */
  peakRssBytes: amount,
  succeeded: count,
  failed: count,
  /** SHA-256, in hex, of the part of all results that must be equal, in input order. */
  checksum: z.string(),
  /** How many failures each reason had, such as "refused". */
  reasons: z.record(z.string(), whole).optional(),
  /** One example for each reason: its item and its error's message. */
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
    /** The name of the lane's machine, under `cluster`. */
    machine: z.string().optional(),
  })),
  /** Each task's place in the input, from 0. */
  index: z.array(z.number().int()),
  /** The lane it ran on; −1 if it never started. */
  lane: z.array(z.number().int()),
  /** When the task's item was pulled from the input. */
  queuedMs: z.array(z.number()),
  /** When the task's last attempt started, or when it ended if none did. */
  startedMs: z.array(z.number()),
  endedMs: z.array(z.number()),
  /** "fulfilled", or how the task ended if it gave no value. */
  status: z.array(z.string()),
  /** The decisions of `auto` in that time. */
  decisions: z.array(decisionSchema).readonly().optional(),
});

/** Every task of one round, column by column, in milliseconds from the trial's first item. */
export type Timeline = z.infer<typeof timelineSchema>;

const modelResultSchema = z.object({
  model: z.string(),
  /** How many lanes the model had. */
  lanes: whole,
  /** The most tasks in flight on each lane; null if all items were in flight at once. */
  slots: whole.nullable(),
  /** The device it computed on, if not this machine's cores. */
  device: z.object({ name: z.string(), software: z.boolean() }).optional(),
  /** Every finished round, none left out. */
  rounds: z.array(roundSchema),
  /** Time of start and run together. */
  wallMs: intervalSchema,
  /** The speedup against sequential, paired by round; null if results differ or sequential didn't run. */
  speedup: intervalSchema.nullable(),
  /** The timeline of the round whose time is nearest to the median. */
  timeline: timelineSchema.optional(),
});

export type ModelResult = z.infer<typeof modelResultSchema>;

const verdictSchema = z.object({
  /**
   * Whether the tasks wait, compute, do both, or the whole job is too short to tell models apart; unknown if
   * others had the cores for most of the sequential run.
   */
  bound: z.enum(["io", "cpu", "mixed", "small", "unknown"]),
  /** CPU time over wall time of the sequential run, 0 to 1. */
  cpuShare: z.number(),
  /** The name of the simplest model that is as good as the best. */
  recommended: z.string(),
  /** The confidence that it is. */
  confidence: share,
  /** The reason, in one or two sentences with the numbers. */
  reason: z.string(),
});

/** The verdict of a comparison. */
export type Verdict = z.infer<typeof verdictSchema>;

/** One job under several models. */
export const comparisonSchema = z.object({
  job: z.object({
    name: z.string(),
    task: z.string(),
    items: count,
    /** The job's options; jobs with other options aren't compared with it. */
    options: values,
  }),
  /** The machine's gain in parallel, measured with independent processes; null if not measured. */
  ceiling: z.object({ speedup: z.number(), lanes: whole }).nullable(),
  others: othersSchema.optional(),
  models: z.array(modelResultSchema),
  /** Whether all models gave equal results. */
  agree: z.boolean(),
  /** Warnings about the figures for the reader, one sentence each. */
  warnings: z.array(z.string()),
  /** Null if the results differ, or if there was nothing to compare. */
  verdict: verdictSchema.nullable(),
});

export type Comparison = z.infer<typeof comparisonSchema>;

const resultFileSchema = z.object({
  schemaVersion: z.literal(1),
  environment: environmentSchema,
  /** True if the run was interrupted: the file holds what was measured until then. */
  partial: z.boolean().optional(),
  comparisons: z.array(comparisonSchema),
});

export type ResultFile = z.infer<typeof resultFileSchema>;

/** Names a column of a timeline that isn't as long as the others; undefined if all are. */
export function unlikeColumns(
  where: string,
  { index, lane, queuedMs, startedMs, endedMs, status }: Timeline,
): string | undefined {
  const unlike = Object.entries({ lane, queuedMs, startedMs, endedMs, status })
    .find(([, { length }]) => length !== index.length);
  return unlike &&
    `${where}.${unlike[0]} has ${unlike[1].length} entries, but index has ${index.length}`;
}

/** Faults that the schema can't detect: columns of unlike length, no rounds. */
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

/** Whether a model's time may be compared with that of others. */
export function isComparable(model: Pick<ModelResult, "rounds">): boolean {
  return model.rounds.length > 0 && !nothingSucceeded(model);
}

/** Whether a model computed on this machine's cores alone, which then limit its gain. */
export function isOfCores({ model, device }: Pick<ModelResult, "model" | "device">): boolean {
  return device === undefined && !needsServer(model);
}
