/** The results of `deno task switch`, as its JSON file holds them. */

import { z } from "zod";
import { amount, count, type FileFormat } from "../timing/json_file.ts";
import { machineSchema } from "../timing/result.ts";

const whoLetsGo = z.object({
  /** The ticker wants a turn every so many milliseconds. */
  periodMs: amount,
  /** How long the task computes before it awaits, where it does. */
  sliceMs: amount,
  /** How long each was watched. */
  watchedMs: z.number().positive(),
  rows: z.array(z.object({
    /** In the ticker's own event loop, or in a thread. */
    where: z.enum(["event loop", "thread"]),
    /** What the task awaits after each slice of its computing. */
    awaits: z.enum(["nothing", "what is ready", "a timer"]),
    computing: z.object({ fromMs: amount, toMs: amount }),
    ticks: z.array(z.object({ dueMs: amount, atMs: amount })),
    /** What became of the ticks that were due while it computed. */
    due: count,
    came: count,
    typicalLateMs: amount,
    worstLateMs: amount,
  })).min(1),
});

const whoseTurn = z.object({
  /** How many threads, or tasks in one event loop, count up. */
  counters: count,
  updates: count,
  /** How many updates were lost, and how long one took in nanoseconds, in each run. */
  rows: z.array(z.object({
    way: z.enum(["threads, plain", "threads, atomic", "loop, split", "loop, whole"]),
    lost: z.array(count).min(1),
    updateNs: z.array(amount).min(1),
  })).min(1),
});

const whoseSession = z.object({
  /** How many requests are in flight at once: threads, or slots of the event loop. */
  atOnce: count,
  /** How many pages are asked for in each way. */
  asked: count,
  /** What happens to a client that is sent to a thread, in the library's words. */
  refusal: z.string(),
  rows: z.array(z.object({
    keeping: z.enum(["a client each request", "a client each thread", "one client for all"]),
    clients: count,
    /** Connections that the site counted. */
    connections: count,
    pages: count,
    wallMs: amount,
  })).min(1),
});

const whoIsServed = z.object({
  /** How many clients ask at the same moment. */
  clients: count,
  /** How long an answer waits, where it waits. */
  waitMs: amount,
  /** The squares below it are summed, where an answer is computed. */
  sumBelow: count,
  /** How many threads compute, where threads do. */
  lanes: count,
  rows: z.array(z.object({
    way: z.enum([
      "waits, one at a time",
      "waits, event loop",
      "computes, event loop",
      "computes, threads",
    ]),
    answered: count,
    /** How long after they asked the middle one of them had it, and the last. */
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
