/** A model as advice holds it: its size, its prediction, and its measurements in the race. */

import { z } from "zod";
import { amount, type Checked, count, whole } from "../timing/json_file.ts";
import { intervalSchema } from "../timing/result.ts";

/** A model's lanes, the slots on each (null if all items are in flight at once), and its name. */
export const sizeSchema = { lanes: whole, slots: whole.nullable(), name: z.string() };

export const modelSchema = z.object({
  model: z.string(),
  ...sizeSchema,
  /** Of all the items that the advice counts with, starting lanes included. */
  predictedMs: amount,
  /** Over the plain loop, as the other gains are. */
  predictedGain: amount,
  predictedGainLow: amount,
  predictedGainHigh: amount,
  /** In the race; none if it didn't run there. */
  measured: z.object({
    items: whole,
    rounds: whole,
    /** Of all the items that the advice counts with, reckoned from those that ran. */
    totalMs: amount,
    startMs: amount,
    gain: intervalSchema.nullable(),
    peakRssBytes: amount,
    failed: count,
  }).optional(),
  /** Why it can't be taken, whatever it gains. */
  out: z.enum(["failures", "results", "slower", "broken", "impossible"]).optional(),
});
export type ModelAdvice = Checked<typeof modelSchema>;
