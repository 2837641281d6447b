/**
 * A run as data: what its summary is made from, and what `--json` writes, with the schema that checks a
 * file from outside. `run.schema.json` is made from it.
 */

import { z } from "zod";
import { type Model, MODELS } from "../models.ts";
import type { FileFormat } from "../timing/json_file.ts";
import {
  type Environment,
  machineSchema,
  type Timeline,
  timelineSchema,
} from "../timing/result.ts";
import type { FailureReason } from "./run_job.ts";
import type { SlowItem } from "./run_message.ts";

/** How a run ended. */
export type RunEnding =
  | "done"
  | "interrupted"
  /** Too many items failed. */
  | "halted"
  /** Something else went wrong, which `problem` tells. */
  | "failed";

/** One run of a job. */
export interface RunResult {
  readonly job: { readonly name: string; readonly module: string; readonly export: string };
  readonly model: Model;
  readonly lanes: number;
  /** Slots on each lane; null where all items are in flight at once. */
  readonly slots: number | null;
  readonly ended: RunEnding;
  /** What went wrong, in a sentence. */
  readonly problem?: string | undefined;
  /** Items that there are; null if that isn't known. */
  readonly total: number | null;
  /** What earlier runs had recorded. */
  readonly before: { readonly done: number; readonly failed: number };
  readonly succeeded: number;
  readonly failed: number;
  /** Items that have failed and weren't mended, those of earlier runs too. */
  readonly failedInAll: number;
  /** Recorded items that are in the list no more. */
  readonly gone: number;
  readonly wallMs: number;
  /** Why items of this run failed, the most frequent reason first. */
  readonly reasons: readonly Readonly<FailureReason>[];
  /** The items of this run whose last attempt took longest. */
  readonly slowest: readonly SlowItem[];
  /** When tasks ran, or an even sample of them; with `--html` or `--trace`. */
  readonly timeline?: Timeline | undefined;
}

/** What `--json` writes. */
export interface RunFile {
  readonly schemaVersion: 1;
  readonly kind: "run";
  readonly environment: Environment;
  readonly run: RunResult;
}

const count = z.number().int().nonnegative();
const whole = z.number().int().positive();

const runFileSchema: z.ZodType<RunFile> = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal("run"),
  environment: machineSchema,
  run: z.object({
    job: z.object({ name: z.string(), module: z.string(), export: z.string() }),
    model: z.enum(MODELS),
    lanes: whole,
    slots: whole.nullable(),
    ended: z.enum(["done", "interrupted", "halted", "failed"]),
    problem: z.string().optional(),
    total: count.nullable(),
    before: z.object({ done: count, failed: count }),
    succeeded: count,
    failed: count,
    failedInAll: count,
    gone: count,
    wallMs: z.number().nonnegative(),
    reasons: z.array(z.object({
      reason: z.string(),
      count: whole,
      index: count,
      message: z.string(),
    })),
    slowest: z.array(z.object({
      index: count,
      ms: z.number().nonnegative(),
      attempts: whole,
      lane: z.number().int(),
    })),
    timeline: timelineSchema.optional(),
  }),
});

/** The files of runs. */
export const RUN_FORMAT: FileFormat<RunFile> = {
  kind: "run",
  writers: ["run"],
  schema: runFileSchema,
  inconsistency: ({ run: { timeline } }) => {
    if (timeline === undefined) return undefined;
    const { index, lane, queuedMs, startedMs, endedMs, status } = timeline;
    const lengths = [index, lane, queuedMs, startedMs, endedMs, status].map(({ length }) => length);
    return new Set(lengths).size === 1
      ? undefined
      : "run.timeline has columns of different lengths";
  },
};
