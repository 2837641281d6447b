/**
 * What `deno task switch` found, as data: its file of JSON, from which text and page are made.
 *
 * @module
 */

import { z } from "zod";
import type { FileFormat } from "../timing/json_file.ts";
import { environmentSchema, type ResultFile } from "../timing/result.ts";
import type { Awaited } from "../tasks/compute_in_slices.ts";
import type { Tick } from "./ticker.ts";
import type { Span, TickFigures } from "./ticks.ts";

/** The experiments, as `--only` calls them. */
export const SWITCH_PARTS = ["ticks", "counter", "sessions"] as const;

/** Where the task computes that the ticker ticks beside. */
export interface TickRow extends TickFigures {
  /** In the ticker's own event loop, or in a thread. */
  readonly where: "event loop" | "thread";
  /** What it awaits after each slice of its computing. */
  readonly awaits: Awaited;
  /** When it computed. */
  readonly computing: Span;
  /** Every tick that came. */
  readonly ticks: readonly Tick[];
}

/** Who lets go? */
export interface WhoLetsGo {
  /** When the ticker wants a turn: every so many milliseconds. */
  readonly periodMs: number;
  /** How long the task computes before it awaits, where it does, in milliseconds. */
  readonly sliceMs: number;
  /** How long each was watched, in milliseconds. */
  readonly watchedMs: number;
  /** A row for each way. */
  readonly rows: readonly TickRow[];
}

/** A way of counting up. */
export type Way = "threads, plain" | "threads, atomic" | "loop, split" | "loop, whole";

/** What came of one way of counting up. */
export interface TurnRow {
  /** The way. */
  readonly way: Way;
  /** How many updates were lost, in each run. */
  readonly lost: readonly number[];
  /** How long an update took, in nanoseconds, in each run. */
  readonly updateNs: readonly number[];
}

/** Whose turn was it? */
export interface WhoseTurn {
  /** How many threads, or tasks in one event loop, count up. */
  readonly counters: number;
  /** How many updates they make together. */
  readonly updates: number;
  /** A row for each way. */
  readonly rows: readonly TurnRow[];
}

/** How clients are kept. */
export type Keeping = "a client each request" | "a client each thread" | "one client for all";

/** What came of one way of keeping clients. */
export interface SessionRow {
  /** The way. */
  readonly keeping: Keeping;
  /** Clients that were made. */
  readonly clients: number;
  /** Connections that the site counted. */
  readonly connections: number;
  /** Pages that came. */
  readonly pages: number;
  /** How long it took, in milliseconds. */
  readonly wallMs: number;
}

/** Whose session? */
export interface WhoseSession {
  /** How many requests are in flight at once: threads, or slots of the event loop. */
  readonly atOnce: number;
  /** How many pages are asked for in each way. */
  readonly asked: number;
  /** What happens to a client that is sent to a thread, in the library's words. */
  readonly refusal: string;
  /** A row for each way. */
  readonly rows: readonly SessionRow[];
}

/** The experiments that were run. */
export interface Experiments {
  readonly whoLetsGo?: WhoLetsGo | undefined;
  readonly whoseTurn?: WhoseTurn | undefined;
  readonly whoseSession?: WhoseSession | undefined;
}

/** The file. */
export interface SwitchFile extends Experiments {
  /** The version of its shape. */
  readonly schemaVersion: 1;
  /** What file it is. */
  readonly kind: "switch";
  /** Where it was measured. */
  readonly environment: ResultFile["environment"];
}

const figure = z.number().nonnegative();
const count = z.number().int().nonnegative();

const whoLetsGo = z.object({
  periodMs: figure,
  sliceMs: figure,
  watchedMs: z.number().positive(),
  rows: z.array(z.object({
    where: z.enum(["event loop", "thread"]),
    awaits: z.enum(["nothing", "what is ready", "a timer"]),
    computing: z.object({ fromMs: figure, toMs: figure }),
    ticks: z.array(z.object({ dueMs: figure, atMs: figure })),
    due: count,
    came: count,
    typicalLateMs: figure,
    worstLateMs: figure,
  })).min(1),
});

const whoseTurn = z.object({
  counters: count,
  updates: count,
  rows: z.array(z.object({
    way: z.enum(["threads, plain", "threads, atomic", "loop, split", "loop, whole"]),
    lost: z.array(count).min(1),
    updateNs: z.array(figure).min(1),
  })).min(1),
});

const whoseSession = z.object({
  atOnce: count,
  asked: count,
  refusal: z.string(),
  rows: z.array(z.object({
    keeping: z.enum(["a client each request", "a client each thread", "one client for all"]),
    clients: count,
    connections: count,
    pages: count,
    wallMs: figure,
  })).min(1),
});

/** Their schemas, by name. */
export const experimentSchemas = {
  whoLetsGo: whoLetsGo.optional(),
  whoseTurn: whoseTurn.optional(),
  whoseSession: whoseSession.optional(),
};

const switchFileSchema: z.ZodType<SwitchFile> = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal("switch"),
  environment: environmentSchema,
  ...experimentSchemas,
});

/** The files of these experiments. */
export const SWITCH_FORMAT: FileFormat<SwitchFile> = {
  kind: "switch",
  writers: ["switch"],
  schema: switchFileSchema,
  inconsistency: ({ whoLetsGo, whoseTurn, whoseSession }) =>
    whoLetsGo || whoseTurn || whoseSession ? undefined : "there is no experiment in it",
};

/** The JSON Schema of the file, as shipped in `switch.schema.json`. */
export function switchJsonSchema(): Record<string, unknown> {
  return { title: "Lanes switch file", ...z.toJSONSchema(switchFileSchema, { io: "input" }) };
}
