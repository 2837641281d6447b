/**
 * What the schemas of all files have in common.
 *
 * @module
 */

import { z } from "zod";
import type { Others } from "./meter/reading.ts";
import type { Interval, ResultFile } from "./result.ts";

/**
 * Zod's own type, which its package doesn't document.
 *
 * @internal
 */
export type SchemaOf<T> = z.ZodType<T>;

/** A median with its interval. */
export const intervalSchema: SchemaOf<Interval> = z.object({
  median: z.number(),
  low: z.number(),
  high: z.number(),
});

/** What others did to the machine. */
export const othersSchema: SchemaOf<Others> = z.object({
  used: z.number().nonnegative(),
  cores: z.number().int().positive(),
});

/** What a file was measured on. */
export const environmentSchema: SchemaOf<ResultFile["environment"]> = z.object({
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
