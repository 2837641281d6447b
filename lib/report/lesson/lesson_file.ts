/** What a lesson measured, as its file holds it; text and page are made from it. */

import { z } from "zod";
import { type Experiments, experimentSchemas } from "../../switching/switch_result.ts";
import type { AwaitCost } from "../../tasks/calibrate.ts";
import type { FileFormat } from "../../timing/json_file.ts";
import {
  type Comparison,
  comparisonSchema,
  environmentSchema,
  inconsistency,
  type ResultFile,
} from "../../timing/result.ts";

/** The languages that a lesson is given in. */
export const LANGUAGES = ["en", "ko"] as const;

/** A language that a lesson is given in. */
export type Language = typeof LANGUAGES[number];

/** A lesson's file; what an interrupted one didn't come to isn't there. */
export interface LessonFile extends Experiments {
  readonly schemaVersion: 1;
  readonly kind: "lesson";
  readonly language: Language;
  readonly environment: ResultFile["environment"];
  readonly partial?: boolean | undefined;
  /** Downloads, which wait. */
  readonly io?: Comparison | undefined;
  /** Files that are saved, which wait for a disk. */
  readonly files?: Comparison | undefined;
  /** Sums that take a while. */
  readonly cpu?: Comparison | undefined;
  /** The article's own sums. */
  readonly small?: Comparison | undefined;
  readonly awaitCost?: AwaitCost | undefined;
}

/** The comparisons that were measured. */
export function comparisonsOf({ io, files, small, cpu }: LessonFile): Comparison[] {
  return [io, files, small, cpu].filter((of) => of !== undefined);
}

const lessonFileSchema: z.ZodType<LessonFile> = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal("lesson"),
  language: z.enum(LANGUAGES),
  environment: environmentSchema,
  partial: z.boolean().optional(),
  io: comparisonSchema.optional(),
  files: comparisonSchema.optional(),
  cpu: comparisonSchema.optional(),
  small: comparisonSchema.optional(),
  awaitCost: z.object({ plainMs: z.number().positive(), awaitedMs: z.number().positive() })
    .optional(),
  ...experimentSchemas,
});

/** The files of lessons. */
export const LESSON_FORMAT: FileFormat<LessonFile> = {
  kind: "lesson",
  writers: ["lesson"],
  schema: lessonFileSchema,
  inconsistency: (file) => inconsistency({ comparisons: comparisonsOf(file) }),
};
