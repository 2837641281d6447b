/**
 * The shape of a race's file, to check one that comes from outside: the same as `peers.schema.json`,
 * which is made from it.
 *
 * @module
 */

import { z } from "zod";
import { checkedBy } from "../../timing/schema_fault.ts";
import { environmentSchema, intervalSchema, type SchemaOf } from "../../timing/schema_parts.ts";
import type { FileFormat } from "../../timing/written_file.ts";
import type { PeersFile } from "./peers_result.ts";

const aim = z.object({
  of: z.enum(["figure", "ratio"]),
  atLeast: z.number().optional(),
  atMost: z.number().optional(),
  met: z.boolean(),
  unsure: z.boolean(),
});

const row = z.object({
  family: z.string(),
  contest: z.string(),
  contender: z.string(),
  ours: z.boolean(),
  unit: z.string(),
  better: z.enum(["more", "less"]),
  figures: z.array(z.number().nonnegative()),
  figure: intervalSchema.nullable(),
  ratio: intervalSchema.nullable(),
  aim: aim.nullable(),
  trouble: z.object({ kind: z.enum(["not installed", "failed", "wrong"]), reason: z.string() })
    .nullable(),
});

const peersFileSchema: SchemaOf<PeersFile> = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal("peers"),
  environment: environmentSchema,
  rounds: z.number().int().positive(),
  partial: z.boolean().optional(),
  rows: z.array(row),
});

/** The files of races. */
export const PEERS_FORMAT: FileFormat<PeersFile> = {
  kind: "peers",
  writers: ["peers"],
  check: (data) => checkedBy(peersFileSchema, data),
  inconsistency: () => undefined,
};

/** The JSON Schema of races' files, as shipped in `peers.schema.json`. */
export function peersJsonSchema(): Record<string, unknown> {
  return { title: "Lanes peers file", ...z.toJSONSchema(peersFileSchema, { io: "input" }) };
}
