/** The results of `deno task switch`, as its JSON file holds them. */

import { z } from "zod";
import { amount, count, type FileFormat } from "../timing/json_file.ts";
import { machineSchema } from "../timing/result.ts";

const whoLetsGo = z.object({
  /** The time between two ticks that are due, in milliseconds. */
  periodMs: amount,
  /** How long the task computes before each await, in milliseconds. */
  sliceMs: amount,
  /** How long each case was watched, in milliseconds. */
  watchedMs: z.number().positive(),
  rows: z.array(z.object({
    /** Where the task computes: in the ticker's own event loop, or in a thread. */
    where: z.enum(["event loop", "thread"]),
    /** What the task awaits after each slice of its computing. */
    awaits: z.enum(["nothing", "what is ready", "a timer"]),
    computing: z.object({ fromMs: amount, toMs: amount }),
    ticks: z.array(z.object({ dueMs: amount, atMs: amount })),
    /** How many ticks were due while the task computed. */
    due: count,
    came: count,
    typicalLateMs: amount,
    worstLateMs: amount,
  })).min(1),
});

const whoseTurn = z.object({
  /** How many threads, or tasks in one event loop, increment the counter. */
  counters: count,
  updates: count,
  /** How many updates were lost in each run, and how long one update took, in nanoseconds. */
  rows: z.array(z.object({
    way: z.enum(["threads, plain", "threads, atomic", "loop, split", "loop, whole"]),
    lost: z.array(count).min(1),
    updateNs: z.array(amount).min(1),
  })).min(1),
});

const whoseSession = z.object({
  /** How many requests are in flight at once: threads, or slots of the event loop. */
  atOnce: count,
  /** How many pages are requested in each way. */
  asked: count,
  /** The library's message about a client that is sent to a thread. */
  refusal: z.string(),
  rows: z.array(z.object({
    keeping: z.enum(["a client each request", "a client each thread", "one client for all"]),
    clients: count,
    /** How many connections the site counted. */
    connections: count,
    pages: count,
    wallMs: amount,
  })).min(1),
});

const whoIsServed = z.object({
  /** How many clients send a request at the same moment. */
  clients: count,
  /** How long an answer waits, in the cases where it waits, in milliseconds. */
  waitMs: amount,
  /** Where an answer is computed, it is the sum of all squares below this number. */
  sumBelow: count,
  /** How many threads compute, in the cases with threads. */
  lanes: count,
  rows: z.array(z.object({
    way: z.enum([
      "waits, one at a time",
      "waits, event loop",
      "computes, event loop",
      "computes, threads",
    ]),
    answered: count,
    /** The time from the requests to the median answer and to the last one, in milliseconds. */
    typicalMs: amount,
    lastMs: amount,
  })).min(1),
});

export const experimentSchemas = {
  whoLetsGo: whoLetsGo.optional(),
  whoseTurn: whoseTurn.optional(),
  whoseSession: whoseSession.optional(),
  whoIsServed: whoIsServed.optional(),
};

const switchFileSchema = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal("switch"),
  environment: machineSchema,
  ...experimentSchemas,
});

/** Who lets go? A row for each place where the task computes and each kind of await. */
export type WhoLetsGo = z.infer<typeof whoLetsGo>;
export type TickRow = WhoLetsGo["rows"][number];

/** Whose turn was it? A row for each way of counting up. */
export type WhoseTurn = z.infer<typeof whoseTurn>;
export type TurnRow = WhoseTurn["rows"][number];

/** Whose session? A row for each way of keeping clients. */
export type WhoseSession = z.infer<typeof whoseSession>;
export type SessionRow = WhoseSession["rows"][number];

/** Who is served? A row for each way of serving. */
export type WhoIsServed = z.infer<typeof whoIsServed>;
export type ServedRow = WhoIsServed["rows"][number];

export type Experiments = Pick<SwitchFile, keyof typeof experimentSchemas>;

/** The file; experiments that were not run are left out. */
export type SwitchFile = z.infer<typeof switchFileSchema>;

export const SWITCH_FORMAT: FileFormat<SwitchFile> = {
  kind: "switch",
  schema: switchFileSchema,
  inconsistency: (file) =>
    Object.keys(experimentSchemas).some((name) => name in file)
      ? undefined
      : "there is no experiment in it",
};
