/**
 * A sweep's result file (`--json`): what was measured and what follows from it, and the schema that
 * checks a file which comes from outside. Every report of a sweep reads this and only this;
 * `sweep.schema.json` is made from it.
 *
 * @module
 */

import {
  environmentSchema,
  type Interval,
  intervalSchema,
  type ResultFile,
} from "../timing/result.ts";
import { type LawName, LAWS } from "./laws/laws.ts";
import { z } from "zod";
import type { FileFormat } from "../timing/json_file.ts";

/** One trial of a size. */
export interface SweepRound {
  /** From 0, in the order in which this size was measured. */
  readonly round: number;
  /** Until every lane could take tasks. */
  readonly startMs: number;
  /** From the first item to the last outcome. */
  readonly runMs: number;
  /** CPU time of the trial's process, its threads and its subprocesses. */
  readonly cpuMs: number;
  /** The part of it between the first item and the last outcome; null if that isn't known. */
  readonly runCpuMs: number | null;
  /** The same of the event loop's thread alone, where all tasks are on it; null elsewhere. */
  readonly loopCpuMs: number | null;
  /** How many gave a value. */
  readonly succeeded: number;
  /** How many were answered with a failure. */
  readonly failed: number;
  /** Items that succeeded, over `runMs`. */
  readonly throughputPerSecond: number;
  /** Mean time in flight of all tasks that were started; null if that isn't known. */
  readonly meanLatencyMs: number | null;
  /** How often each plain reason for a failure was seen. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Of each reason one example: its item, and what its error said. */
  readonly examples?: Readonly<Record<string, string>> | undefined;
}

/** Times of tasks: quantiles of all rounds' tasks together, by type 7 of Hyndman and Fan. */
export interface Latency {
  /** How many tasks. */
  readonly tasks: number;
  /** In milliseconds: half are shorter. */
  readonly median: number;
  /** 95th percentile, in milliseconds. */
  readonly p95: number;
  /** 99th percentile, in milliseconds. */
  readonly p99: number;
  /** In milliseconds. */
  readonly mean: number;
}

/** What Little's law says of a size. */
export interface LittleCheck {
  /** X·R: tasks in flight on average, from throughput and time in flight. */
  readonly inFlight: number;
  /** N: tasks in flight if every slot was taken all the time. */
  readonly slots: number;
  /** X·R over N. */
  readonly ratio: number;
  /** Whether the ratio is near enough to 1. */
  readonly holds: boolean;
  /** What a violation means, in a sentence; null if it holds. */
  readonly meaning: string | null;
}

/** What one size came to. */
export interface SweepPoint {
  /** Slots or lanes, as `axis` says. */
  readonly size: number;
  /** Lanes. */
  readonly lanes: number;
  /** Slots on each lane. */
  readonly slots: number;
  /** Whether it was added around the bend. */
  readonly refined: boolean;
  /** How often each is measured. */
  readonly rounds: readonly SweepRound[];
  /** Median of the rounds and its 95 % interval. */
  readonly throughputPerSecond: Interval;
  /** Times of the tasks that succeeded; null if there are none. */
  readonly latencyMs: Latency | null;
  /** Throughput for each slot or lane against that at the smallest size. */
  readonly efficiency: number;
  /** Little's law, in the round in the middle; null if times in flight aren't known. */
  readonly little: LittleCheck | null;
}

/** A number and the ends of its 95 % interval. */
export interface Estimate {
  /** The best guess. */
  readonly value: number;
  /** The lower end. */
  readonly low: number;
  /** The upper end. */
  readonly high: number;
}

/** An estimate that may lie beyond every number: JSON knows no Infinity, so null stands for it. */
export interface OpenEstimate {
  /** The best guess. */
  readonly value: number | null;
  /** The lower end of its 95 % interval. */
  readonly low: number | null;
  /** The upper end of its 95 % interval. */
  readonly high: number | null;
}

/** How well a law suits what was measured. */
export interface FitQuality {
  /** Root of the mean squared relative miss of the sizes' medians. */
  readonly typicalMiss: number;
  /** The largest relative miss. */
  readonly worstMiss: number;
  /** At which size that was. */
  readonly worstSize: number;
  /** How far the largest size lies from what a fit without it forecasts; null with too few sizes. */
  readonly foretoldMiss: number | null;
  /** Why it isn't believed, as half a sentence; null if it is. */
  readonly refusal: string | null;
}

/** A fitted law and how well it suits. */
export interface Fit extends FitQuality {
  /** Its name. */
  readonly name: LawName;
  /** Items a second at one slot or lane. */
  readonly lambda: Estimate;
  /** Contention. */
  readonly sigma: Estimate;
  /** Coherence. */
  readonly kappa: Estimate;
  /** Where the throughput is greatest; null stands for "nowhere, it goes on rising". */
  readonly peakSize: OpenEstimate;
  /** What the throughput never exceeds, in items a second; null stands for "no bound". */
  readonly limitPerSecond: OpenEstimate;
}

/** What computing fills: the machine's cores, or the one event loop on which slots are. */
export interface Capacity {
  /** Which of the two is full first. */
  readonly by: "cores" | "event loop";
  /** How many there are. */
  readonly units: number;
  /** The size at which it was measured: the fastest, of those that could fill them if tasks only compute. */
  readonly size: number;
  /** How busy they were there, 0 to 1. */
  readonly busy: number;
  /** CPU time an item took there, in milliseconds. */
  readonly cpuMsPerItem: number;
  /** What they can do at most if an item goes on to take as much, in items a second. */
  readonly limitPerSecond: number;
  /** The CPU time of one slot or lane over its wall time at the smallest size: 1 if it only computes. */
  readonly computingShare: number;
  /** Whether that is reached: they are busy, or as many slots or lanes as there are only compute. */
  readonly reached: boolean;
}

/** What a law forecasts for a size that wasn't measured. */
export interface Forecast {
  /** How many times the largest measured size. */
  readonly factor: number;
  /** Slots or lanes. */
  readonly size: number;
  /** The cores of the machine it is for; null stands for this one. */
  readonly cores: number | null;
  /** What the law gives there, with its interval. */
  readonly throughputPerSecond: Estimate;
  /** Against the best that was measured. */
  readonly gain: number;
  /** Why it isn't to be believed; null if it may be. */
  readonly refusal: string | null;
}

/** Percentiles of response times under open-loop load, in milliseconds. */
export interface ResponseTimes {
  /** In milliseconds: half are shorter. */
  readonly median: number;
  /** 95th percentile, in milliseconds. */
  readonly p95: number;
  /** 99th percentile, in milliseconds. */
  readonly p99: number;
  /** The longest, in milliseconds. */
  readonly max: number;
}

/** What one rate came to. */
export interface OpenLoopPoint {
  /** Requests due a second. */
  readonly ratePerSecond: number;
  /** How long requests were scheduled for, in each round. */
  readonly durationMs: number;
  /** How often each is measured. */
  readonly rounds: number;
  /** Requests scheduled in all rounds; each is one of the four below. */
  readonly scheduled: number;
  /** How many gave a value. */
  readonly succeeded: number;
  /** How many were answered with a failure. */
  readonly failed: number;
  /** Started, but not answered when the run was cut off; they count as at least their age then. */
  readonly unanswered: number;
  /** Not even started by then; they count as at least their age too, except in the naive figures. */
  readonly unstarted: number;
  /** Answers a second, from the first intended start to the last answer. */
  readonly achievedPerSecond: number;
  /** From the start that the schedule intended. */
  readonly corrected: ResponseTimes;
  /** From the real start: what a client that waits for its slots reports. */
  readonly naive: ResponseTimes;
  /** Most requests that were due but hadn't been started. */
  readonly mostWaiting: number;
  /** Requests due but not answered when the schedule ended, in the worst round. */
  readonly backlogAtEnd: number;
  /** Whether every round kept up. */
  readonly sustained: boolean;
  /** How often each plain reason for a failure was seen. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Of each reason one example: its item, and what its error said. */
  readonly examples?: Readonly<Record<string, string>> | undefined;
}

/** A whole sweep. */
export interface SweepResult {
  /** Changes with the shape. */
  readonly schemaVersion: 1;
  /** Tells it from other result files. */
  readonly kind: "sweep";
  /** On what it was measured. */
  readonly environment: ResultFile["environment"];
  /** True when the run was interrupted. */
  readonly partial?: boolean | undefined;
  /** What was run. */
  readonly job: {
    readonly name: string;
    readonly task: string;
    readonly options: Readonly<Record<string, unknown>>;
  };
  /** The model. */
  readonly model: string;
  /** Why this was swept, as half a sentence, where measuring decided it. */
  readonly why?: string | undefined;
  /** What was varied. */
  readonly axis: "slots" | "lanes" | "rate";
  /** One for each size, in ascending order. */
  readonly points: readonly SweepPoint[];
  /**
   * The size from which on more tasks fail than at the smallest, and how many of how many; null if they
   * don't. Neither laws nor knee and best are taken from there.
   */
  readonly failsFrom:
    | { readonly size: number; readonly failed: number; readonly of: number }
    | null;
  /** The smallest size at which tasks gave other results than at the smallest of all, if one did. */
  readonly differsAt?: number | undefined;
  /**
   * How much of the time a task computes by itself, 0 to 1, where a sample told: lanes can gain no more
   * than the cores over it.
   */
  readonly computingShare?: number | undefined;
  /** Both laws, where there are sizes enough. */
  readonly fits: readonly Fit[];
  /** The law that the forecasts use: the USL if κ's interval leaves out 0, else Amdahl's. */
  readonly chosen: LawName | null;
  /** Kneedle's knee, and the least and greatest of it over resampled rounds. */
  readonly knee: { readonly size: number; readonly low: number; readonly high: number } | null;
  /** The best size that was measured. */
  readonly best: { readonly size: number; readonly throughputPerSecond: number } | null;
  /** Where computing ends, whatever the law; null if CPU times aren't known. */
  readonly capacity: Capacity | null;
  /** What more would do; empty if nothing was fitted. */
  readonly forecasts: readonly Forecast[];
  /** One for each rate, in ascending order. */
  readonly openLoop: readonly OpenLoopPoint[];
  /** One sentence each. */
  readonly warnings: readonly string[];
}

/** A size in words, such as 8 slots. */
export function sizeText(axis: SweepResult["axis"], count: number): string {
  const noun = axis === "lanes" ? "lane" : "slot";
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

const positive = z.number().positive();
const whole = z.number().int().positive();
const count = z.number().int().nonnegative();
const amount = z.number().nonnegative();
const estimate = z.object({ value: z.number(), low: z.number(), high: z.number() });
const open = z.object({
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});

const round = z.object({
  round: count,
  startMs: amount,
  runMs: amount,
  cpuMs: amount,
  runCpuMs: amount.nullable(),
  loopCpuMs: amount.nullable(),
  succeeded: count,
  failed: count,
  throughputPerSecond: amount,
  meanLatencyMs: amount.nullable(),
  reasons: z.record(z.string(), whole),
  examples: z.record(z.string(), z.string()).optional(),
});

const point = z.object({
  size: whole,
  lanes: whole,
  slots: whole,
  refined: z.boolean(),
  rounds: z.array(round).min(1),
  throughputPerSecond: intervalSchema,
  latencyMs: z.object({ tasks: whole, median: amount, p95: amount, p99: amount, mean: amount })
    .nullable(),
  efficiency: amount,
  little: z.object({
    inFlight: amount,
    slots: whole,
    ratio: amount,
    holds: z.boolean(),
    meaning: z.string().nullable(),
  }).nullable(),
});

const fit = z.object({
  name: z.enum(LAWS),
  lambda: estimate,
  sigma: estimate,
  kappa: estimate,
  peakSize: open,
  limitPerSecond: open,
  typicalMiss: amount,
  worstMiss: amount,
  worstSize: whole,
  foretoldMiss: amount.nullable(),
  refusal: z.string().nullable(),
});

const forecast = z.object({
  factor: positive,
  size: positive,
  cores: whole.nullable(),
  throughputPerSecond: estimate,
  gain: amount,
  refusal: z.string().nullable(),
});

const capacity = z.object({
  by: z.enum(["cores", "event loop"]),
  units: whole,
  size: whole,
  busy: amount,
  cpuMsPerItem: amount,
  limitPerSecond: positive,
  computingShare: amount,
  reached: z.boolean(),
});

const times = z.object({ median: amount, p95: amount, p99: amount, max: amount });

const openLoopPoint = z.object({
  ratePerSecond: positive,
  durationMs: positive,
  rounds: whole,
  scheduled: count,
  succeeded: count,
  failed: count,
  unanswered: count,
  unstarted: count,
  achievedPerSecond: amount,
  corrected: times,
  naive: times,
  mostWaiting: count,
  backlogAtEnd: count,
  sustained: z.boolean(),
  reasons: z.record(z.string(), whole),
  examples: z.record(z.string(), z.string()).optional(),
});

/**
 * Zod's own type, which its package doesn't document.
 *
 * @internal
 */
type SweepResultSchema = z.ZodType<SweepResult>;

/** Checks a sweep's result file. */
export const sweepResultSchema: SweepResultSchema = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal("sweep"),
  environment: environmentSchema,
  partial: z.boolean().optional(),
  job: z.object({ name: z.string(), task: z.string(), options: z.record(z.string(), z.unknown()) }),
  model: z.string(),
  why: z.string().optional(),
  axis: z.enum(["slots", "lanes", "rate"]),
  points: z.array(point),
  failsFrom: z.object({ size: whole, failed: whole, of: whole }).nullable(),
  differsAt: whole.optional(),
  computingShare: z.number().min(0).max(1).optional(),
  fits: z.array(fit),
  chosen: z.enum(LAWS).nullable(),
  knee: z.object({ size: whole, low: whole, high: whole }).nullable(),
  best: z.object({ size: whole, throughputPerSecond: positive }).nullable(),
  capacity: capacity.nullable(),
  forecasts: z.array(forecast),
  openLoop: z.array(openLoopPoint),
  warnings: z.array(z.string()),
});

/** What the schema can't see: sizes out of order, points of another axis. */
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

/** The files of sweeps. */
export const SWEEP_FORMAT: FileFormat<SweepResult> = {
  kind: "sweep",
  writers: ["sweep"],
  schema: sweepResultSchema,
  inconsistency,
};

/** The JSON Schema of sweeps' files, made from the description that checks them. */
export function sweepJsonSchema(): Record<string, unknown> {
  return { title: "Lanes sweep file", ...z.toJSONSchema(sweepResultSchema, { io: "input" }) };
}
