/**
 * Checks that data is a result file: the same description as `result.schema.json`, which is made from it.
 *
 * @module
 */

import { z } from "zod";
import type {
  Comparison,
  Interval,
  ModelResult,
  ResultFile,
  Round,
  Timeline,
  Verdict,
} from "./result.ts";

const count = z.number().int().nonnegative();
const duration = z.number().nonnegative();

const intervalSchema: z.ZodType<Interval> = z.object({
  median: z.number(),
  low: z.number(),
  high: z.number(),
});

const roundSchema: z.ZodType<Round> = z.object({
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
  models: z.array(modelResultSchema),
  agree: z.boolean(),
  warnings: z.array(z.string()),
  verdict: verdictSchema.nullable(),
});

const resultFileSchema: z.ZodType<ResultFile> = z.object({
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

/** What is wrong with data that should be a result file. */
export interface SchemaFault {
  /** Where: keys and places from the outermost in. */
  readonly path: readonly PropertyKey[];
  /** What is wrong there. */
  readonly message: string;
  /** How many faults there are besides. */
  readonly more: number;
}

/**
 * Checks data against the schema.
 *
 * @param data Anything.
 * @returns The data as a result file, or the first fault.
 *
 * @example
 * ```ts
 * import { checkResult } from "./result_schema.ts";
 *
 * console.log(checkResult({ schemaVersion: 1 }).fault?.path); // ["environment"]
 * ```
 */
export function checkResult(
  data: unknown,
): { result: ResultFile; fault?: undefined } | { result?: undefined; fault: SchemaFault } {
  const parsed = resultFileSchema.safeParse(data);
  if (parsed.success) return { result: parsed.data };
  const [first, ...rest] = parsed.error.issues;
  return { fault: { path: first!.path, message: first!.message, more: rest.length } };
}

/**
 * The JSON Schema of result files, made from the description that checks them.
 *
 * @returns The schema, as shipped in `result.schema.json`.
 *
 * @example
 * ```ts
 * import { resultJsonSchema } from "./result_schema.ts";
 *
 * console.log(resultJsonSchema().title); // "Lanes result file"
 * ```
 */
export function resultJsonSchema(): Record<string, unknown> {
  return { title: "Lanes result file", ...z.toJSONSchema(resultFileSchema, { io: "input" }) };
}
