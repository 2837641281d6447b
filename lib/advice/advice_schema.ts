/**
 * The shape of an advice file, to check one that comes from outside: the same as `advice.schema.json`,
 * which is made from it.
 *
 * @module
 */

import { z } from "zod";
import { MODELS } from "../models.ts";
import { checkedBy, type FileFormat } from "../timing/json_file.ts";
import { environmentSchema, intervalSchema, othersSchema } from "../timing/result.ts";
import type { Advice, AdviceFile, Hazard, ModelAdvice, SampleFigures, Surprise } from "./advice.ts";
import type { Deed } from "./profile/hot_functions.ts";
import type { Profiled } from "./profile/job_profile.ts";
import type { Owner } from "./profile/places.ts";
import type { Machine } from "./prediction/machine.ts";
import type { Decision } from "./race/recommend.ts";

const whole = z.number().int().positive();
const count = z.number().int().nonnegative();
const amount = z.number().nonnegative();
const positive = z.number().positive();
const share = z.number().min(0).max(1);

/** The words of a union, all of them: the compiler says if one is missing. */
function words<W extends string>(all: Readonly<Record<W, true>>): z.ZodType<W> {
  return z.enum(Object.keys(all) as [W, ...W[]]) as unknown as z.ZodType<W>;
}

const hazard: z.ZodType<Hazard> = z.object({
  kind: words<Hazard["kind"]>({
    results: true,
    order: true,
    blocking: true,
    unrepeatable: true,
    uncloneable: true,
    refused: true,
    descriptors: true,
    failures: true,
    memory: true,
    uneven: true,
    teardown: true,
    broken: true,
    busy: true,
    "other-work": true,
    impossible: true,
    rate: true,
    late: true,
    lanes: true,
  }),
  text: z.string(),
  figures: z.record(z.string(), z.unknown()).optional(),
});

const sample: z.ZodType<SampleFigures> = z.object({
  items: whole,
  failed: count,
  total: count.nullable(),
  tasksMs: amount,
  wallMs: amount,
  sourceMs: amount,
  cpuMs: amount,
  loopMs: amount,
  wakeMs: amount,
  blockedMs: amount,
  cpuShare: share,
  cpuShareError: amount,
  available: amount,
  queuedMs: amount.optional(),
  programsMs: amount.optional(),
  others: othersSchema.optional(),
  coldMs: amount,
  variation: amount,
  itemBytes: amount,
  resultBytes: amount,
  cloneMs: amount,
  uncloneable: z.string().optional(),
  memoryBytes: amount,
  taskBytes: amount.optional(),
});

const machine: z.ZodType<Machine> = z.object({
  cores: whole,
  ceiling: positive,
  memoryBytes: positive.optional(),
  startMs: z.object({ eventLoop: amount, workers: amount, processes: amount }),
});

const model: z.ZodType<ModelAdvice> = z.object({
  model: z.string(),
  lanes: whole,
  slots: whole.nullable(),
  name: z.string(),
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
  out: words<NonNullable<ModelAdvice["out"]>>({
    failures: true,
    results: true,
    slower: true,
    broken: true,
    impossible: true,
  }).optional(),
});

const owner = words<Owner>({ own: true, packages: true, runtime: true });

const deed: z.ZodType<Deed> = z.object({ name: z.string(), share });

const profile: z.ZodType<Profiled> = z.union([
  z.object({
    tasks: count,
    tasksMs: amount,
    samples: count,
    shares: z.object({ own: share, packages: share, runtime: share }),
    deeds: z.array(deed),
    functions: z.array(z.object({
      name: z.string(),
      owner,
      place: z.string().optional(),
      share,
      deeds: z.array(deed).optional(),
      totalShare: share,
    })),
    flame: z.array(z.object({
      name: z.string(),
      owner,
      place: z.string().optional(),
      depth: count,
      from: share,
      share,
    })),
  }),
  z.object({ missing: z.string() }),
]);

const surprise: z.ZodType<Surprise> = z.object({
  name: z.string(),
  predictedGain: amount,
  measuredGain: amount,
  text: z.string(),
});

const advice: z.ZodType<Advice> = z.object({
  job: z.object({
    title: z.string(),
    module: z.string(),
    export: z.string(),
    total: count.nullable(),
  }),
  horizon: whole,
  bound: words<Advice["bound"]>({ io: true, cpu: true, mixed: true, small: true }),
  cpuShare: share,
  classConfidence: share,
  classNote: z.string().optional(),
  sample,
  machine,
  models: z.array(model),
  unsure: z.string().optional(),
  surprises: z.array(surprise),
  profile: profile.optional(),
  recommended: z.object({
    model: z.enum(MODELS),
    lanes: whole,
    slots: whole.nullable(),
    name: z.string(),
    chunk: z.literal("auto"),
    gain: intervalSchema.nullable(),
    predictedGain: amount,
    confidence: share,
    memoryBytes: z.number().nullable(),
    breakEven: whole.nullable(),
    reason: z.string(),
    decision: words<Decision>({
      gain: true,
      "no gain": true,
      "can't tell": true,
      unmeasured: true,
      "server's pace": true,
      "order matters": true,
      "other work": true,
    }).optional(),
    retries: count.optional(),
  }),
  code: z.string(),
  flags: z.array(z.string()),
  hazards: z.array(hazard),
  partial: z.string().optional(),
  cost: z.object({ tasksMs: amount, sequentialRuns: amount, timesRun: whole }),
});

/** Checks an advice file. */
export const adviceFileSchema: z.ZodType<AdviceFile> = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal("advice"),
  environment: environmentSchema,
  advice,
});

/** What the schema can't see: a recommendation that is none of the models. */
function inconsistency({ advice: { recommended, models } }: AdviceFile): string | undefined {
  return models.some(({ name }) => name === recommended.name)
    ? undefined
    : "advice.recommended.name is none of the models";
}

/** The files of advice. */
export const ADVICE_FORMAT: FileFormat<AdviceFile> = {
  kind: "advice",
  writers: ["advise"],
  check: (data) => checkedBy(adviceFileSchema, data),
  inconsistency,
};

/** The JSON Schema of advice files, made from the description that checks them. */
export function adviceJsonSchema(): Record<string, unknown> {
  return { title: "Lanes advice file", ...z.toJSONSchema(adviceFileSchema, { io: "input" }) };
}
