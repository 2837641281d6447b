/**
 * What a race against other libraries and programs came to, as its file holds it, and the check of one
 * that comes from outside. `peers.schema.json` is made from it.
 */

import { z } from "zod";
import {
  environmentSchema,
  type Interval,
  intervalSchema,
  type ResultFile,
} from "../../timing/result.ts";
import type { FileFormat } from "../../timing/json_file.ts";

/** What the project wants of a figure or of a ratio, bounds included. */
export interface PeersAim {
  readonly of: "figure" | "ratio";
  readonly atLeast?: number | undefined;
  readonly atMost?: number | undefined;
  readonly met: boolean;
  /** Whether the interval reaches over a bound. */
  readonly unsure: boolean;
}

export interface PeersRow {
  readonly family: string;
  readonly contest: string;
  readonly contender: string;
  /** Whether it is this library, which the others of its contest are compared with. */
  readonly ours: boolean;
  readonly unit: string;
  readonly better: "more" | "less";
  readonly figures: readonly number[];
  readonly figure: Interval | null;
  /** This library's figure over this one's, paired by round. */
  readonly ratio: Interval | null;
  /** This one's figure over that of its contest's plain loop, paired by round. */
  readonly overLoop?: Interval | undefined;
  readonly aim: PeersAim | null;
  readonly trouble: {
    readonly kind: "not installed" | "failed" | "wrong";
    readonly reason: string;
  } | null;
}

export interface PeersFile {
  readonly schemaVersion: 1;
  readonly kind: "peers";
  readonly environment: ResultFile["environment"];
  readonly rounds: number;
  readonly partial?: boolean | undefined;
  readonly rows: readonly PeersRow[];
}

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
  overLoop: intervalSchema.optional(),
  aim: aim.nullable(),
  trouble: z.object({ kind: z.enum(["not installed", "failed", "wrong"]), reason: z.string() })
    .nullable(),
});

const peersFileSchema: z.ZodType<PeersFile> = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal("peers"),
  environment: environmentSchema,
  rounds: z.number().int().positive(),
  partial: z.boolean().optional(),
  rows: z.array(row),
});

export const PEERS_FORMAT: FileFormat<PeersFile> = {
  kind: "peers",
  writers: ["peers"],
  schema: peersFileSchema,
  inconsistency: () => undefined,
};
