/** A model as advice holds it: its size, its prediction, and its measurements in the race. */

import { intervalSchema } from "../timing/result.ts";
import { z } from "zod";
import { amount, type Checked, count, whole } from "../timing/json_file.ts";

/** A model's lanes, the slots on each (null if all items are in flight at once), and its name. */
export const sizeSchema = { lanes: whole, slots: whole.nullable(), name: z.string() };

export const modelSchema = z.object({
  model: z.string(),
  ...sizeSchema,
  /** Predicted time for all items that the advice counts with, lanes' start included. */
  predictedMs: amount,
  /** Over the plain loop, as all other gains. */
  predictedGain: amount,
  predictedGainLow: amount,
  predictedGainHigh: amount,
  /** Measured in the race; missing if the model didn't run there. */
  measured: z.object({
    items: whole,
    rounds: whole,
    /** Time for all items that the advice counts with, scaled from those that ran. */
    totalMs: amount,
    startMs: amount,
    gain: intervalSchema.nullable(),
    peakRssBytes: amount,
    failed: count,
  }).optional(),
  /** Why the model can't be recommended, whatever its gain. */
  out: z.enum(["failures", "results", "slower", "broken", "impossible"]).optional(),
});
export type ModelAdvice = Checked<typeof modelSchema>;
