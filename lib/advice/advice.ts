/**
 * The advice as data: what reports are made from, and what `--json` writes, with the schema that checks a
 * file from outside. `advice.schema.json` is made from it. All numbers are finite; what isn't known is null
 * or not there, as each field says.
 *
 * @module
 */

import { z } from "zod";
import { MODELS } from "../models.ts";
import {
  environmentSchema,
  type Interval,
  intervalSchema,
  othersSchema,
  type ResultFile,
  type Verdict,
} from "../timing/result.ts";
import type { FileFormat } from "../timing/json_file.ts";
import type { Finding } from "./findings.ts";
import type { Candidate } from "./prediction/candidate.ts";
import type { Machine } from "./prediction/machine.ts";
import type { Sample } from "./probe/sample.ts";
import type { Deed, Owner, Profiled } from "./profile/job_profile.ts";
import type { Decision } from "./race/recommend.ts";

/** A thing to mind, in words, with the figures that they are made of. */
export interface Hazard {
  /** Which kind of thing it is. */
  readonly kind: Finding["kind"];
  /** What to tell, in a sentence or two. */
  readonly text: string;
  /** Its figures and names; not in older files. */
  readonly figures?: Readonly<Record<string, unknown>> | undefined;
}

/** One model: what was predicted and what was measured. Times are for the whole job, in milliseconds. */
export interface ModelAdvice {
  /** `slots` is null where all items are in flight at once. */
  readonly model: string;
  /** How many lanes. */
  readonly lanes: number;
  /** Slots on each lane; null where all items are in flight at once. */
  readonly slots: number | null;
  /** Such as "limited (8 slots)". */
  readonly name: string;
  /** Predicted start and work together. */
  readonly predictedMs: number;
  /** Against sequential, as predicted. */
  readonly predictedGain: number;
  /** The ends of the prediction's range. */
  readonly predictedGainLow: number;
  /** The upper end. */
  readonly predictedGainHigh: number;
  /** Undefined for a model that wasn't raced. */
  readonly measured?: {
    readonly items: number;
    readonly rounds: number;
    readonly totalMs: number;
    readonly startMs: number;
    /** Against sequential, paired by round; null if the two share no round. */
    readonly gain: Interval | null;
    readonly peakRssBytes: number;
    readonly failed: number;
  } | undefined;
  /** Why it was taken out of the race. */
  readonly out?: "failures" | "results" | "slower" | "broken" | "impossible" | undefined;
}

/** Where measuring contradicted the prediction. */
export interface Surprise {
  /** The model it was wrong about. */
  readonly name: string;
  /** Against sequential, as predicted. */
  readonly predictedGain: number;
  /** Against sequential, as measured. */
  readonly measuredGain: number;
  /** What was wrong and why, in a sentence. */
  readonly text: string;
}

/** A sample's figures without the single times; what can be sent has no `uncloneable` in a file. */
type SampleFigures = Omit<Sample, "walls" | "uncloneable"> & {
  /** What can't be sent to another lane. */
  readonly uncloneable?: string | undefined;
};

/** The whole advice on a job. */
export interface Advice {
  /** The job. */
  readonly job: {
    readonly title: string;
    readonly module: string;
    readonly export: string;
    /** How many items it has; null if that can't be told without taking them all. */
    readonly total: number | null;
  };
  /** The number of items that times and gains are for. */
  readonly horizon: number;
  /** Its class. */
  readonly bound: Verdict["bound"];
  /** The share of its time in which it computes, 0 to 1. */
  readonly cpuShare: number;
  /** How sure the class is, 0.5 to 1. */
  readonly classConfidence: number;
  /** A sentence on the class, if the race had to correct it. */
  readonly classNote?: string | undefined;
  /** The sample's figures. */
  readonly sample: SampleFigures;
  /** What the machine does. */
  readonly machine: Machine;
  /** All models that were looked at, the simplest first. */
  readonly models: readonly ModelAdvice[];
  /** Whether the prediction's own range is wide, and why; undefined if it was sure. */
  readonly unsure?: string | undefined;
  /** Where measuring contradicted the prediction. */
  readonly surprises: readonly Surprise[];
  /** Where the time goes, for tasks that compute. */
  readonly profile?: Profiled | undefined;
  /** What to do. */
  readonly recommended: Pick<Candidate, "model" | "lanes"> & {
    /** Slots on each lane; null where all items are in flight at once. */
    readonly slots: number | null;
    readonly name: string;
    readonly chunk: "auto";
    /** Against sequential, as measured; null if it wasn't. */
    readonly gain: Interval | null;
    readonly predictedGain: number;
    readonly confidence: number;
    /** What it needs more than the plain loop, in bytes; null if not measured. */
    readonly memoryBytes: number | null;
    /** From how many items on it pays; null for the plain loop, and where a server's pace decides. */
    readonly breakEven: number | null;
    readonly reason: string;
    /** How it was decided: a gain was shown, none is there, it can't be told, or it wasn't measured. */
    readonly decision?: Decision | undefined;
    /** How often the code tries an item again that a server refused. */
    readonly retries?: number | undefined;
    /** The pace that the server allows: at most so many starts in so many milliseconds. */
    readonly rate?: { readonly limit: number; readonly perMs: number } | undefined;
  };
  /** The program, whole. */
  readonly code: string;
  /** The flags that `deno run` needs for it. */
  readonly flags: readonly string[];
  /** What to mind, the gravest first. */
  readonly hazards: readonly Hazard[];
  /** What the advice is missing, and why; undefined if it is whole. */
  readonly partial?: string | undefined;
  /** Time that tasks ran for the advice, and that over one sequential run of the sample. */
  readonly cost: {
    readonly tasksMs: number;
    readonly sequentialRuns: number;
    readonly timesRun: number;
  };
}

/** What `--json` writes. */
export interface AdviceFile {
  /** Raised when the meaning of a field changes. */
  readonly schemaVersion: 1;
  /** Tells it from other files. */
  readonly kind: "advice";
  /** On what it was measured. */
  readonly environment: ResultFile["environment"];
  /** The advice. */
  readonly advice: Advice;
}

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
    rewritten: true,
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
    rate: z.object({ limit: z.number().int().positive(), perMs: z.number().positive() }).optional(),
  }),
  code: z.string(),
  flags: z.array(z.string()),
  hazards: z.array(hazard),
  partial: z.string().optional(),
  cost: z.object({ tasksMs: amount, sequentialRuns: amount, timesRun: whole }),
});

/** Checks an advice file. */
const adviceFileSchema: z.ZodType<AdviceFile> = z.object({
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
  schema: adviceFileSchema,
  inconsistency,
};

/** The JSON Schema of advice files, made from the description that checks them. */
export function adviceJsonSchema(): Record<string, unknown> {
  return { title: "Lanes advice file", ...z.toJSONSchema(adviceFileSchema, { io: "input" }) };
}
