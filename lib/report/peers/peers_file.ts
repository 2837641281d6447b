/**
 * What a race against other libraries and programs came to, as its file holds it, and the check of one
 * that comes from outside. `peers.schema.json` is made from it.
 */

import { z } from "zod";
import type { FileFormat } from "../../timing/json_file.ts";
import { environmentSchema, intervalSchema } from "../../timing/result.ts";

const besidesSchema = z.object({
  p99Ms: z.number().nonnegative(),
  peakRssBytes: z.number().nonnegative(),
  connections: z.number().nonnegative(),
}).partial();

/** What may be measured besides a figure. */
export const BESIDES = besidesSchema.keyof().options;

const rowSchema = z.object({
  family: z.string(),
  contest: z.string(),
  contender: z.string(),
  /** Whether it is this library, which the others of its contest are compared with. */
  ours: z.boolean(),
  unit: z.string(),
  better: z.enum(["more", "less"]),
  figures: z.array(z.number().nonnegative()),
  figure: intervalSchema.nullable(),
  /** This library's figure over this one's, paired by round. */
  ratio: intervalSchema.nullable(),
  /** This one's figure over that of its contest's plain loop, paired by round. */
  overLoop: intervalSchema.optional(),
  /** Medians of what was measured besides. */
  besides: besidesSchema.optional(),
  /** What the project wants of a figure or of a ratio, bounds included. */
  aim: z.object({
    of: z.enum(["figure", "ratio"]),
    atLeast: z.number().optional(),
    atMost: z.number().optional(),
    met: z.boolean(),
    /** Whether the interval reaches over a bound. */
    unsure: z.boolean(),
  }).nullable(),
  trouble: z.object({ kind: z.enum(["not installed", "failed", "wrong"]), reason: z.string() })
    .nullable(),
});

const peersFileSchema = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal("peers"),
  environment: environmentSchema,
  rounds: z.number().int().positive(),
  partial: z.boolean().optional(),
  rows: z.array(rowSchema),
});

export type PeersRow = z.infer<typeof rowSchema>;
export type PeersFile = z.infer<typeof peersFileSchema>;

export const PEERS_FORMAT: FileFormat<PeersFile> = {
  kind: "peers",
  writers: ["peers"],
  schema: peersFileSchema,
  inconsistency: () => undefined,
};
