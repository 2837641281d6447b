/** A sweep's result as data; null means "unknown" or "beyond every number". */

import { z } from "zod";
import {
  environmentSchema,
  intervalSchema,
  othersSchema,
  type ResultFile,
} from "../timing/result.ts";
import {
  amount,
  type Checked,
  count,
  type FileFormat,
  share,
  values,
  whole,
} from "../timing/json_file.ts";
import { counted, formatCount } from "../text/format.ts";

export const LAWS = ["amdahl", "usl"] as const;
export type LawName = typeof LAWS[number];

const positive = z.number().positive();

/** A number and the ends of its 95 % interval. */
const estimate = z.object({ value: z.number(), low: z.number(), high: z.number() });
export type Estimate = Checked<typeof estimate>;

const open = z.object({
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});
/** An estimate that may lie beyond every number. */
export type OpenEstimate = Checked<typeof open>;

const failures = {
  /** How often each plain reason for a failure was seen. */
  reasons: z.record(z.string(), whole),
  /** Of each reason one example: its item, and what its error said. */
  examples: z.record(z.string(), z.string()).optional(),
};

const round = z.object({
  round: count,
  startMs: amount,
  runMs: amount,
  /** Of the trial's process with its threads and subprocesses. */
  cpuMs: amount,
  /** The part of it between the first item and the last outcome. */
  runCpuMs: amount.nullable(),
  /** CPU time of the programs that its tasks ran meanwhile, where the system tells. */
  programsMs: amount.optional(),
  /** The same of the event loop's thread alone, where all tasks are on it. */
  loopCpuMs: amount.nullable(),
  succeeded: count,
  failed: count,
  throughputPerSecond: amount,
  /** Time in flight of all tasks that were started. */
  meanLatencyMs: amount.nullable(),
  ...failures,
});
export type SweepRound = Checked<typeof round>;

/** Of the tasks that succeeded, all rounds together; by type 7 of Hyndman and Fan. */
const latency = z.object({ tasks: whole, median: amount, p95: amount, p99: amount, mean: amount });
export type Latency = Checked<typeof latency>;

/** Little's law: X·R, the tasks in flight on average, against N, if every slot was always taken. */
const little = z.object({
  inFlight: amount,
  slots: whole,
  ratio: amount,
  holds: z.boolean(),
  meaning: z.string().nullable(),
});

const point = z.object({
  /** How many slots or lanes, as the axis has it. */
  size: whole,
  lanes: whole,
  /** On each lane. */
  slots: whole,
  /** Whether it was added around the bend. */
  refined: z.boolean(),
  rounds: z.array(round).min(1),
  /** Tasks that succeeded, over the time that all took. */
  throughputPerSecond: intervalSchema,
  latencyMs: latency.nullable(),
  /** Throughput for each slot or lane, against that at the smallest size. */
  efficiency: amount,
  little: little.nullable(),
});
export type SweepPoint = Checked<typeof point>;

const fit = z.object({
  name: z.enum(LAWS),
  /** Throughput of one slot or lane, a second. */
  lambda: estimate,
  /** Contention: the share of the work that can't overlap. */
  sigma: estimate,
  /** Coherence: what each pair costs by keeping up with each other. */
  kappa: estimate,
  /** Beyond this size more gets less done. */
  peakSize: open,
  /** What no size exceeds. */
  limitPerSecond: open,
  /** Root of the mean squared relative miss of the sizes' medians, and the largest one. */
  typicalMiss: amount,
  worstMiss: amount,
  worstSize: whole,
  /** How far the largest size lies from what a fit without it forecasts. */
  foretoldMiss: amount.nullable(),
  /** Why it isn't believed, as half a sentence. */
  refusal: z.string().nullable(),
});
export type Fit = Checked<typeof fit>;

const forecast = z.object({
  /** How many times the largest measured size. */
  factor: positive,
  size: positive,
  /** Null; older files also foretold what machines would do that have a core for each lane. */
  cores: whole.nullable(),
  throughputPerSecond: estimate,
  /** Over the best that was measured. */
  gain: amount,
  /** Why it isn't to be believed. */
  refusal: z.string().nullable(),
});
export type Forecast = Checked<typeof forecast>;

/** What computing fills first: the machine's cores, or the one event loop on which slots are. */
const capacity = z.object({
  by: z.enum(["cores", "event loop"]),
  units: whole,
  /** Where it was measured: the fastest, of those that could fill them if tasks only compute. */
  size: whole,
  /** How busy they were there, 0 to 1. */
  busy: amount,
  cpuMsPerItem: amount,
  limitPerSecond: positive,
  /** CPU time of one slot or lane over wall time at the smallest size: 1 if it only computes. */
  computingShare: amount,
  /** Whether they are busy, or as many slots or lanes as there are only compute. */
  reached: z.boolean(),
});
export type Capacity = Checked<typeof capacity>;

const times = z.object({ median: amount, p95: amount, p99: amount, max: amount });
export type ResponseTimes = Checked<typeof times>;

const openLoopPoint = z.object({
  ratePerSecond: positive,
  durationMs: positive,
  rounds: whole,
  /** In all rounds; each is one of the four below. */
  scheduled: count,
  succeeded: count,
  failed: count,
  /** Started, but not answered when the run was cut off; they count as at least their age then. */
  unanswered: count,
  /** Not even started by then; they count so too, except in the naive figures. */
  unstarted: count,
  /** From the first intended start to the last answer. */
  achievedPerSecond: amount,
  /** From the start that the schedule intended. */
  corrected: times,
  /** From the real start: what a client that waits for its slots reports. */
  naive: times,
  /** Most requests that were due but hadn't been started. */
  mostWaiting: count,
  /** Requests due but not answered when the schedule ended, in the worst round. */
  backlogAtEnd: count,
  /** Whether the rate was kept up with. */
  sustained: z.boolean(),
  ...failures,
});
export type OpenLoopPoint = Checked<typeof openLoopPoint>;

export const sweepResultSchema = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal("sweep"),
  environment: environmentSchema,
  partial: z.boolean().optional(),
  job: z.object({
    name: z.string(),
    task: z.string(),
    options: values,
    total: whole.optional(),
  }),
  model: z.string(),
  /** Why this was swept, as half a sentence, where measuring decided it. */
  why: z.string().optional(),
  /** What the sizes count. */
  axis: z.enum(["slots", "lanes", "rate"]),
  others: othersSchema.optional(),
  points: z.array(point),
  /** From which size on more tasks fail than at the smallest; laws, knee and best are of those before. */
  failsFrom: z.object({ size: whole, failed: whole, of: whole }).nullable(),
  /** The smallest size at which the same items gave other results than at the smallest of all. */
  differsAt: whole.optional(),
  /** Whether the smallest itself gave others from run to run, so that none can be compared. */
  unsteady: z.boolean().optional(),
  /** What its tasks share, as half a sentence, so that advice keeps them in one event loop. */
  shared: z.string().optional(),
  /** Whether a task's result depends on which ran before it, where that was looked at. */
  orderMatters: z.boolean().optional(),
  /** How many times as long as in the sample the smallest size took for the same items, if it did other work. */
  otherWork: positive.optional(),
  /** How much of the time a task computes by itself, 0 to 1, where a sample told. */
  computingShare: share.optional(),
  /** How much of it a task leaves its thread to others, which slots can fill. */
  freeShare: share.optional(),
  fits: z.array(fit),
  /** The law by which forecasts are made; null if neither fits. */
  chosen: z.enum(LAWS).nullable(),
  /** Kneedle's knee, and the least and greatest of it over resampled rounds. */
  knee: z.object({ size: whole, low: whole, high: whole }).nullable(),
  /** The highest throughput measured. */
  best: z.object({ size: whole, throughputPerSecond: positive }).nullable(),
  capacity: capacity.nullable(),
  forecasts: z.array(forecast),
  openLoop: z.array(openLoopPoint),
  warnings: z.array(z.string()),
});
export type SweepResult =
  & Omit<Checked<typeof sweepResultSchema>, "environment">
  & Pick<ResultFile, "environment">;

export function sizeText(axis: SweepResult["axis"], ...sizes: readonly number[]): string {
  const [size, ...others] = sizes;
  return size === undefined || others.length > 0
    ? `${sizes.join(", ")} ${axis}`
    : counted(size, axis === "lanes" ? "lane" : "slot", formatCount(size));
}

function inconsistency({ points, openLoop, axis }: SweepResult): string | undefined {
  const late = (of: readonly number[]) => of.findIndex((value, i) => i > 0 && value <= of[i - 1]!);
  const size = late(points.map((point) => point.size));
  if (size > 0) return `points[${size}].size isn't above the one before`;
  const rate = late(openLoop.map((point) => point.ratePerSecond));
  if (rate > 0) return `openLoop[${rate}].ratePerSecond isn't above the one before`;
  if (axis === "rate" && points.length > 0) return `axis is "rate", but there are points`;
  if (axis !== "rate" && openLoop.length > 0) return `axis is "${axis}", but openLoop has rates`;
  return undefined;
}

export const SWEEP_FORMAT: FileFormat<SweepResult> = {
  kind: "sweep",
  schema: sweepResultSchema,
  inconsistency,
};
