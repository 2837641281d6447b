/**
 * The shape of a sweep's file, to check one that comes from outside: the same as `sweep.schema.json`,
 * which is made from it.
 *
 * @module
 */

import { z } from "zod";
import { environmentSchema, intervalSchema } from "../timing/schema_parts.ts";
import { checkedBy } from "../timing/schema_fault.ts";
import type { FileFormat } from "../timing/written_file.ts";
import { LAWS } from "./laws/laws.ts";
import type { SweepResult } from "./sweep_result.ts";

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
export type SweepResultSchema = z.ZodType<SweepResult>;

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
  check: (data) => checkedBy(sweepResultSchema, data),
  inconsistency,
};

/** The JSON Schema of sweeps' files, made from the description that checks them. */
export function sweepJsonSchema(): Record<string, unknown> {
  return { title: "Lanes sweep file", ...z.toJSONSchema(sweepResultSchema, { io: "input" }) };
}
