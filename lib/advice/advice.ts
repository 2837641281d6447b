/**
 * The advice as data, with the schema from which `advice.schema.json` is made. An unknown value is null or
 * missing.
 */

import { z } from "zod";
import { MODELS } from "../models.ts";
import { environmentSchema, intervalSchema, type ResultFile } from "../timing/result.ts";
import {
  amount,
  type Checked,
  count,
  type FileFormat,
  share,
  values,
  whole,
} from "../timing/json_file.ts";
import { FINDING_KINDS } from "./findings/findings.ts";
import { modelSchema, sizeSchema } from "./prediction/candidate.ts";
import { adviceMachineSchema } from "./prediction/machine.ts";
import { sampleSchema } from "./probe/sample.ts";
import { profileSchema } from "./profile/job_profile.ts";
import { autoSchema } from "./race/auto_trial.ts";
import { DECIDED_BY } from "./race/recommend.ts";

const hazard = z.object({
  kind: z.enum(FINDING_KINDS),
  text: z.string(),
  figures: values.optional(),
});
export type Hazard = Checked<typeof hazard>;

/** A measurement that contradicted the prediction, and the reason, in a sentence. */
const surprise = z.object({
  name: z.string(),
  predictedGain: amount,
  measuredGain: amount,
  text: z.string(),
});
export type Surprise = Checked<typeof surprise>;

const recommended = z.object({
  model: z.enum(MODELS),
  ...sizeSchema,
  chunk: z.literal("auto"),
  /** The gain over the plain loop; null if it wasn't measured. */
  gain: intervalSchema.nullable(),
  predictedGain: amount,
  /** The confidence of the recommendation, 0 to 1. */
  confidence: share,
  /** Memory that the model needs beyond the plain loop's, in bytes; null if it wasn't measured. */
  memoryBytes: z.number().nullable(),
  /** The number of items from which on it pays; null for the plain loop, or if a server's pace decides. */
  breakEven: whole.nullable(),
  reason: z.string(),
  decision: z.enum(DECIDED_BY).optional(),
  /** How many times the code tries an item again that a server refused. */
  retries: count.optional(),
  /** The most tasks that may start in `perMs` milliseconds, if a server allows no more. */
  rate: z.object({ limit: whole, perMs: z.number().positive() }).optional(),
});

const advice = z.object({
  job: z.object({
    title: z.string(),
    module: z.string(),
    export: z.string(),
    total: count.nullable(),
  }),
  /** How many items the advice counts with. */
  horizon: whole,
  /** Whether the tasks wait, compute, do both, or the whole job is too short to matter. */
  bound: z.enum(["io", "cpu", "mixed", "small"]),
  /** The share of their time in which tasks compute. */
  cpuShare: share,
  /** The confidence of the class, from 0.5 to 1. */
  classConfidence: share,
  sample: sampleSchema,
  machine: adviceMachineSchema,
  models: z.array(modelSchema),
  /** What the advice isn't sure of, in a sentence. */
  unsure: z.string().optional(),
  surprises: z.array(surprise),
  profile: profileSchema.optional(),
  recommended,
  auto: autoSchema.optional(),
  /** The program that runs the whole job as recommended. */
  code: z.string(),
  /** The flags of deno run that the program needs. */
  flags: z.array(z.string()),
  /** Hazards and other facts that the reader should know. */
  hazards: z.array(hazard),
  /** What is missing from the advice and why, in a sentence. */
  partial: z.string().optional(),
  /** Time that tasks ran for the advice, the same in runs of the sample, and how often an item ran at most. */
  cost: z.object({ tasksMs: amount, sequentialRuns: amount, timesRun: whole }),
});
export type Advice = Checked<typeof advice>;

const adviceFileSchema = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal("advice"),
  environment: environmentSchema,
  advice,
});
export type AdviceFile =
  & Omit<Checked<typeof adviceFileSchema>, "environment">
  & Pick<ResultFile, "environment">;

/** A fault that the schema can't find: the recommendation is none of the models. */
function inconsistency({ advice: { recommended, models } }: AdviceFile): string | undefined {
  return models.some(({ name }) => name === recommended.name)
    ? undefined
    : "advice.recommended.name is none of the models";
}

export const ADVICE_FORMAT: FileFormat<AdviceFile> = {
  kind: "advice",
  writers: ["advise"],
  schema: adviceFileSchema,
  inconsistency,
};
