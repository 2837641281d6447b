/**
 * Checks that data is a result file: the same description as `result.schema.json`, which is made from it.
 *
 * @module
 */

import { z } from "zod";
import type { Comparison, ModelResult, ResultFile, Round, Timeline, Verdict } from "./result.ts";
import { type Checked, checkedBy } from "./schema_fault.ts";
import { environmentSchema, intervalSchema, othersSchema } from "./schema_parts.ts";

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

const comparisonSchema: z.ZodType<Comparison> = z.object({
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

/** Checks data against the schema. */
export function checkResult(data: unknown): Checked<ResultFile> {
  return checkedBy(resultFileSchema, data);
}

/** The JSON Schema of result files, made from the description that checks them. */
export function resultJsonSchema(): Record<string, unknown> {
  return { title: "Lanes result file", ...z.toJSONSchema(resultFileSchema, { io: "input" }) };
}
