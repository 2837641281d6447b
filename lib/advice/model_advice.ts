/** A model as advice holds it: its size, what was predicted of it, and what the race measured. */

import { z } from "zod";
import { amount, type Checked, count, whole } from "../timing/json_file.ts";
import { intervalSchema } from "../timing/result.ts";

/** Of a model: its lanes, the slots on each, null where all items are in flight at once, and its name. */
export const sizeSchema = { lanes: whole, slots: whole.nullable(), name: z.string() };

export const modelSchema = z.object({
  model: z.string(),
  ...sizeSchema,
  predictedMs: amount,
  predictedGain: amount,
  predictedGainLow: amount,
  predictedGainHigh: amount,
  measured: z.object({
    items: whole,
    rounds: whole,
    totalMs: amount,
    startMs: amount,
    gain: intervalSchema.nullable(),
    peakRssBytes: amount,
    failed: count,
  }).optional(),
  out: z.enum(["failures", "results", "slower", "broken", "impossible"]).optional(),
});
export type ModelAdvice = Checked<typeof modelSchema>;
