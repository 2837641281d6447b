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
import { counted } from "../text/format.ts";

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
  /** How often each plain reason for a failure occurred. */
  reasons: z.record(z.string(), whole),
  /** One example of each reason: its item, and its error's message. */
  examples: z.record(z.string(), z.string()).optional(),
};

const round = z.object({
  round: count,
  startMs: amount,
  runMs: amount,
  /** CPU time of the trial's process with its threads and subprocesses. */
  cpuMs: amount,
  /** The part of `cpuMs` between the first item and the last outcome. */
  runCpuMs: amount.nullable(),
  /** CPU time of the programs that tasks ran meanwhile, if the system tells. */
  programsMs: amount.optional(),
  /** CPU time of the event loop's thread alone in that time, if all tasks are on it. */
  loopCpuMs: amount.nullable(),
  succeeded: count,
  failed: count,
  throughputPerSecond: amount,
  /** Mean time in flight of all tasks that were started. */
  meanLatencyMs: amount.nullable(),
  ...failures,
});
export type SweepRound = Checked<typeof round>;

/** Times of the tasks that succeeded, all rounds together; quantiles by type 7 of Hyndman and Fan. */
const latency = z.object({ tasks: whole, median: amount, p95: amount, p99: amount, mean: amount });
export type Latency = Checked<typeof latency>;

/** Little's law: X·R, the mean number of tasks in flight, against N, if every slot was always taken. */
const little = z.object({
  inFlight: amount,
  slots: whole,
  ratio: amount,
  holds: z.boolean(),
  meaning: z.string().nullable(),
});

const point = z.object({
  /** The number of slots or lanes, by the axis. */
  size: whole,
  lanes: whole,
  /** Slots on each lane. */
  slots: whole,
  /** Whether the size was added around the knee. */
  refined: z.boolean(),
  rounds: z.array(round).min(1),
  /** Tasks that succeeded, over the time that all took. */
  throughputPerSecond: intervalSchema,
  latencyMs: latency.nullable(),
  /** Throughput for each slot or lane, over that at the smallest size. */
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
  /** Coherence: the cost for each pair of keeping up with each other. */
  kappa: estimate,
  /** The size beyond which throughput falls. */
  peakSize: open,
  /** The throughput that no size exceeds. */
  limitPerSecond: open,
  /** Root mean square of the relative misses of the sizes' medians, and the largest miss. */
  typicalMiss: amount,
  worstMiss: amount,
  worstSize: whole,
  /** How far the largest size lies from the forecast of a fit without it, as a share. */
  foretoldMiss: amount.nullable(),
  /** Why the fit isn't believed, as half a sentence. */
  refusal: z.string().nullable(),
});
export type Fit = Checked<typeof fit>;

const forecast = z.object({
  /** How many times the largest measured size. */
  factor: positive,
  size: positive,
  /** Null; older files also have forecasts for machines with a core for each lane. */
  cores: whole.nullable(),
  throughputPerSecond: estimate,
  /** The gain over the best measured throughput. */
  gain: amount,
  /** Why the forecast isn't believed. */
  refusal: z.string().nullable(),
});
export type Forecast = Checked<typeof forecast>;

/** The limit that computing reaches first: the machine's cores, or the one event loop of all slots. */
const capacity = z.object({
  by: z.enum(["cores", "event loop"]),
  units: whole,
  /** Where it was measured: the fastest size, of those that could fill the units if tasks only compute. */
  size: whole,
  /** How busy the units were there, 0 to 1. */
  busy: amount,
  cpuMsPerItem: amount,
  limitPerSecond: positive,
  /** CPU time of one slot or lane over wall time at the smallest size; 1 if it only computes. */
  computingShare: amount,
  /** Whether the units are busy, or as many slots or lanes as units only compute. */
  reached: z.boolean(),
});
export type Capacity = Checked<typeof capacity>;

const times = z.object({ median: amount, p95: amount, p99: amount, max: amount });
export type ResponseTimes = Checked<typeof times>;

const openLoopPoint = z.object({
  ratePerSecond: positive,
  durationMs: positive,
  rounds: whole,
  /** Requests in all rounds; each is one of the four below. */
  scheduled: count,
  succeeded: count,
  failed: count,
  /** Started, but unanswered when the run was cut off; these count with their age then, at least. */
  unanswered: count,
  /** Not even started by then; these count with their age too, except in the naive figures. */
  unstarted: count,
  /** From the first scheduled start to the last answer. */
  achievedPerSecond: amount,
  /** Times from the scheduled start. */
  corrected: times,
  /** Times from the real start, as a client that waits for its slots reports them. */
  naive: times,
  /** The most requests that were due but not started. */
  mostWaiting: count,
  /** Requests due but unanswered when the schedule ended, in the worst round. */
  backlogAtEnd: count,
  /** Whether the run kept up with the rate. */
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
  /** Why this was swept, as half a sentence, if a measurement decided it. */
  why: z.string().optional(),
  /** The unit of the sizes. */
  axis: z.enum(["slots", "lanes", "rate"]),
  others: othersSchema.optional(),
  points: z.array(point),
  /** The size from which on more tasks fail than at the smallest; laws, knee and best use smaller ones only. */
  failsFrom: z.object({ size: whole, failed: whole, of: whole }).nullable(),
  /** The smallest size at which the same items gave other results than at the smallest of all. */
  differsAt: whole.optional(),
  /** Whether the smallest size itself gave other results from run to run, so that none can be compared. */
  unsteady: z.boolean().optional(),
  /** State that the tasks share, as half a sentence, because of which advice keeps them in one event loop. */
  shared: z.string().optional(),
  /** Whether a task's result depends on the tasks before it, if that was checked. */
  orderMatters: z.boolean().optional(),
  /** How many times the sample's time the smallest size took for the same items, if it did other work. */
  otherWork: positive.optional(),
  /** The share of its time in which a task computes by itself, 0 to 1, if a sample told. */
  computingShare: share.optional(),
  /** The share of its time in which a task leaves its thread to others, which slots can fill. */
  freeShare: share.optional(),
  fits: z.array(fit),
  /** The law used for forecasts; null if neither fits. */
  chosen: z.enum(LAWS).nullable(),
  /** Kneedle's knee, and its lowest and highest size over resampled rounds. */
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
    : counted(size, axis === "lanes" ? "lane" : "slot");
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
