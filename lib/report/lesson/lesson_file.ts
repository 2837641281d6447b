/** The measurements of a lesson, as its file holds them; text and page are made from these. */

import { z } from "zod";
import { experimentSchemas } from "../../switching/switch_result.ts";
import type { FileFormat } from "../../timing/json_file.ts";
import {
  type Comparison,
  comparisonSchema,
  environmentSchema,
  inconsistency,
} from "../../timing/result.ts";
import { LANGUAGES } from "../speaker.ts";

const lessonFileSchema = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal("lesson"),
  language: z.enum(LANGUAGES),
  environment: environmentSchema,
  partial: z.boolean().optional(),
  /** The downloads, which wait for a server. */
  io: comparisonSchema.optional(),
  /** The saved files, which wait for a disk. */
  files: comparisonSchema.optional(),
  /** The sums that take seconds. */
  cpu: comparisonSchema.optional(),
  /** The sums of the article. */
  small: comparisonSchema.optional(),
  /** The time of one recursive call, in a plain function and with every call awaited. */
  awaitCost: z.object({ plainMs: z.number().positive(), awaitedMs: z.number().positive() })
    .optional(),
  ...experimentSchemas,
});

export type LessonFile = z.infer<typeof lessonFileSchema>;

export function comparisonsOf({ io, files, small, cpu }: LessonFile): Comparison[] {
  return [io, files, small, cpu].filter((of) => of !== undefined);
}

export const LESSON_FORMAT: FileFormat<LessonFile> = {
  kind: "lesson",
  schema: lessonFileSchema,
  inconsistency: (file) => inconsistency({ comparisons: comparisonsOf(file) }),
};
