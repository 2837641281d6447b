/** A run as data, which `--json` writes; `run.schema.json` is made from it. */

import { z } from "zod";
import { MODELS } from "../models.ts";
import { decisionSchema } from "../timing/decisions.ts";
import { amount, count, type FileFormat, whole } from "../timing/json_file.ts";
import { machineSchema, timelineSchema, unlikeColumns } from "../timing/result.ts";

const runSchema = z.object({
  job: z.object({ name: z.string(), module: z.string(), export: z.string() }),
  model: z.enum(MODELS),
  lanes: whole,
  /** The slots of each lane; null if all items are in flight at once. */
  slots: whole.nullable(),
  /** "halted" when too many items failed, "failed" when something else went wrong. */
  ended: z.enum(["done", "interrupted", "halted", "failed"]),
  /** What went wrong other than failed items, in a sentence. */
  problem: z.string().optional(),
  /** The number of items; null if it isn't known. */
  total: count.nullable(),
  /** How many items earlier runs had recorded. */
  before: z.object({ done: count, failed: count }),
  succeeded: count,
  failed: count,
  /** Items that failed and have not succeeded since, including those of earlier runs. */
  failedInAll: count,
  /** Recorded items that are no longer in the list. */
  gone: count,
  wallMs: amount,
  /** Why items of this run failed, the most frequent reason first. */
  reasons: z.array(z.object({
    reason: z.string(),
    count: whole,
    index: count,
    message: z.string(),
  })),
  /** The items of this run whose last attempt took longest. */
  slowest: z.array(z.object({ index: count, ms: amount, attempts: whole, lane: z.number().int() })),
  /** The decisions of `auto`, and the line of code that it recommends for the next run. */
  auto: z.object({ decisions: z.array(decisionSchema).readonly(), next: z.string() }).optional(),
  timeline: timelineSchema.optional(),
});

const runFileSchema = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal("run"),
  environment: machineSchema,
  run: runSchema,
});

export type RunResult = z.infer<typeof runSchema>;

export type RunFile = z.infer<typeof runFileSchema>;

export const RUN_FORMAT: FileFormat<RunFile> = {
  kind: "run",
  schema: runFileSchema,
  inconsistency: ({ run: { timeline } }) => timeline && unlikeColumns("run.timeline", timeline),
};
