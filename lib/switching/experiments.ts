/**
 * The experiments of `switch`: who has its turn in one event loop and among threads. They run one after another;
 * results are kept if a later experiment fails or is aborted.
 */

import { setTimeout as delay } from "node:timers/promises";
import type { Executor } from "../executor.ts";
import { type Task, task } from "../lanes/task.ts";
import { defaultLanes } from "../models.ts";
import { concurrent, limited, workers } from "../open.ts";
import { startSite } from "../site/start.ts";
import type { SlicedItem } from "../tasks/compute_in_slices.ts";
import { CELLS, type CountItem } from "../tasks/count_up.ts";
import type noop from "../tasks/noop.ts";
import { middle } from "../timing/statistics.ts";
import type {
  ServedRow,
  SessionRow,
  TickRow,
  TurnRow,
  WhoIsServed,
  WhoLetsGo,
  WhoseSession,
  WhoseTurn,
} from "./switch_result.ts";

type Experiments = Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>>;

/** Returns results by name, and the error of an experiment that failed; an abort is no failure. */
export async function inTurn<Of extends Experiments>(
  experiments: Of,
  signal: AbortSignal,
  onBegin: (name: keyof Of) => void = () => {},
): Promise<{
  readonly found: { readonly [Name in keyof Of]?: Awaited<ReturnType<Of[Name]>> };
  readonly failure?: { readonly error: unknown };
}> {
  const found: { [Name in keyof Of]?: Awaited<ReturnType<Of[Name]>> } = {};
  try {
    for (const [name, run] of Object.entries(experiments) as [keyof Of, Of[keyof Of]][]) {
      signal.throwIfAborted();
      onBegin(name);
      found[name] = await run(signal) as Awaited<ReturnType<Of[keyof Of]>>;
    }
  } catch (error) {
    if (!signal.aborted) return { found, failure: { error } };
  }
  return { found };
}

/*
 * Who lets go? A ticker runs in this event loop while a task computes. If the task is in the same loop, the
 * ticker gets a turn only when the task yields (cooperative); if it is on a thread, whenever the system
 * switches to the ticker (preemptive).
 */

/** How long the task computes, the ticker's period, and how long the task's slices are, in milliseconds. */
const COMPUTING_MS = 500;
const PERIOD_MS = 10;
const SLICE_MS = 25;
/** How long the ticker runs alone before and after the task, in milliseconds. */
const ALONE_MS = 100;

export interface TickerTimers {
  readonly now: () => number;
  /** Calls back once, after `ms` milliseconds or later; returns a function that cancels it. */
  readonly after: (ms: number, callback: () => void) => () => void;
}

const REAL_TIMERS: TickerTimers = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Ticks from its creation until it is stopped. Ticks that it missed are left out, not made up for. */
export class Ticker {
  readonly startedAtMs: number;
  readonly #ticks: TickRow["ticks"] = [];
  #callOff: () => void = () => {};

  constructor(
    private readonly periodMs: number,
    private readonly timers: TickerTimers = REAL_TIMERS,
  ) {
    this.startedAtMs = timers.now();
    this.#await(periodMs);
  }

  #await(dueMs: number): void {
    const { now, after } = this.timers;
    const inMs = Math.max(0, this.startedAtMs + dueMs - now());
    this.#callOff = after(inMs, () => {
      const atMs = now() - this.startedAtMs;
      this.#ticks.push({ dueMs, atMs });
      // A timer may fire a little early; the next tick is due after this one even then.
      const passed = Math.max(dueMs, atMs);
      this.#await((Math.floor(passed / this.periodMs) + 1) * this.periodMs);
    });
  }

  /** Stops the ticker; returns its ticks. */
  stop(): TickRow["ticks"] {
    this.#callOff();
    return this.#ticks;
  }
}

/** How many ticks were due and came while the task computed, and how late they were. */
export function tickFigures(
  ticks: TickRow["ticks"],
  { fromMs, toMs }: TickRow["computing"],
  periodMs: number,
): Pick<TickRow, "due" | "came" | "typicalLateMs" | "worstLateMs"> {
  const within = (ms: number) => ms > fromMs && ms < toMs;
  const due = Math.max(0, Math.ceil(toMs / periodMs) - Math.floor(fromMs / periodMs) - 1);
  const late = ticks.filter(({ dueMs }) => within(dueMs))
    .map(({ dueMs, atMs }) => Math.max(0, atMs - dueMs));
  return {
    due,
    came: ticks.filter(({ atMs }) => within(atMs)).length,
    typicalLateMs: late.length === 0 ? 0 : middle(late),
    worstLateMs: Math.max(0, ...late),
  };
}

const COMPUTE = task<typeof import("../tasks/compute_in_slices.ts")>(
  new URL("../tasks/compute_in_slices.ts", import.meta.url),
);

const PLACES: readonly Pick<TickRow, "where" | "awaits">[] = [
  { where: "event loop", awaits: "nothing" },
  { where: "event loop", awaits: "what is ready" },
  { where: "event loop", awaits: "a timer" },
  { where: "thread", awaits: "nothing" },
];

/** Runs the task; its outcome says when it computed, by this isolate's clock. */
async function compute(
  executor: Executor,
  ms: number,
  awaits: SlicedItem["awaits"],
  signal: AbortSignal,
) {
  const item: SlicedItem = { ms, sliceMs: SLICE_MS, awaits };
  const [outcome] = await executor.mapSettled(COMPUTE, [item], { signal }).toArray();
  if (outcome === undefined) throw new Error("Cannot tell when the task computed: it never ran");
  if (outcome.status === "rejected") throw outcome.reason;
  return outcome;
}

async function watched(
  { where, awaits }: Pick<TickRow, "where" | "awaits">,
  signal: AbortSignal,
): Promise<TickRow> {
  await using executor = where === "thread" ? workers({ lanes: 1 }) : concurrent();
  // This run isn't watched: it starts the thread and compiles the loop.
  await compute(executor, SLICE_MS, awaits, signal);
  const ticker = new Ticker(PERIOD_MS);
  try {
    await delay(ALONE_MS, undefined, { signal });
    const { startedAtMs, endedAtMs } = await compute(executor, COMPUTING_MS, awaits, signal);
    await delay(ALONE_MS, undefined, { signal });
    const ticks = ticker.stop();
    const computing = {
      fromMs: startedAtMs - ticker.startedAtMs,
      toMs: endedAtMs - ticker.startedAtMs,
    };
    return { where, awaits, computing, ticks, ...tickFigures(ticks, computing, PERIOD_MS) };
  } finally {
    ticker.stop();
  }
}

export async function whoLetsGo(signal: AbortSignal): Promise<WhoLetsGo> {
  const rows: TickRow[] = [];
  for (const way of PLACES) rows.push(await watched(way, signal));
  const watchedMs = Math.max(...rows.map(({ computing }) => computing.toMs)) + ALONE_MS;
  return { periodMs: PERIOD_MS, sliceMs: SLICE_MS, watchedMs, rows };
}

/*
 * Whose turn was it? Two threads, or two tasks of one event loop, count up one number together. The results
 * are the updates lost if another can come between reading and writing, and the cost of the safe way.
 */

const COUNTERS = 2;
const UPDATES = 1_000_000;
/** How often each way is run: the number of lost updates differs from run to run. */
const RUNS = 7;

const COUNT_UP = new URL("../tasks/count_up.ts", import.meta.url);
const PLAIN = task<typeof import("../tasks/count_up.ts"), "plain">(COUNT_UP, "plain");
const ATOMIC = task<typeof import("../tasks/count_up.ts"), "atomic">(COUNT_UP, "atomic");

const SPLIT = task<typeof import("../tasks/count_up.ts"), "split">(COUNT_UP, "split");
const WHOLE = task<typeof import("../tasks/count_up.ts"), "whole">(COUNT_UP, "whole");

type Way = TurnRow["way"];

interface Counted {
  readonly lost: number;
  readonly wallMs: number;
}

async function byThreads(
  threads: Executor,
  how: typeof PLAIN,
  updates: number,
  signal: AbortSignal,
): Promise<Counted> {
  const memory = new SharedArrayBuffer(CELLS.length * Int32Array.BYTES_PER_ELEMENT);
  const item: CountItem = { memory, times: updates / COUNTERS };
  const items = Array.from({ length: COUNTERS }, () => item);
  // One item per batch: two items in a batch would wait for each other on one thread.
  const times = await threads.map(how, items, { chunk: 1, signal }).toArray();
  const counter = new Int32Array(memory)[CELLS.counter]!;
  return { lost: updates - counter, wallMs: Math.max(...times) };
}

async function inOneLoop(
  how: typeof SPLIT,
  updates: number,
  signal: AbortSignal,
): Promise<Counted> {
  // Each run has its own executor, and so its own counter.
  await using loop = concurrent();
  const items = Array.from({ length: COUNTERS }, () => updates / COUNTERS);
  const startedAt = performance.now();
  const counts = await loop.map(how, items, { chunk: 1, order: "completion", signal }).toArray();
  return { lost: updates - counts.at(-1)!, wallMs: performance.now() - startedAt };
}

const NS_PER_MS = 1e6;

export async function whoseTurn(
  signal: AbortSignal,
  updates = UPDATES,
  runs = RUNS,
): Promise<WhoseTurn> {
  await using threads = workers({ lanes: COUNTERS });
  const ways: Record<Way, () => Promise<Counted>> = {
    "threads, plain": () => byThreads(threads, PLAIN, updates, signal),
    "threads, atomic": () => byThreads(threads, ATOMIC, updates, signal),
    "loop, split": () => inOneLoop(SPLIT, updates, signal),
    "loop, whole": () => inOneLoop(WHOLE, updates, signal),
  };
  // The first run of each way doesn't count: it starts lanes and compiles loops.
  for (const run of Object.values(ways)) await run();
  const counted = new Map<Way, Counted[]>();
  for (let round = 0; round < runs; round++) {
    for (const [way, run] of Object.entries(ways) as [Way, () => Promise<Counted>][]) {
      counted.getOrInsert(way, []).push(await run());
    }
  }
  const rows: TurnRow[] = [...counted].map(([way, results]) => ({
    way,
    lost: results.map(({ lost }) => lost),
    updateNs: results.map(({ wallMs }) => wallMs * NS_PER_MS / updates),
  }));
  return { counters: COUNTERS, updates, rows };
}

/*
 * Whose session? Pages are fetched by five threads with an HTTP client each, and by one event loop with
 * one client for all or a client for each request; the site counts the connections.
 */

const AT_ONCE = 5;
/** How often each of the site's two pages is fetched, which makes eight requests for each thread. */
const COPIES = 20;
const LATENCY_MS = 10;

const FETCH_BY_CLIENT = new URL("../tasks/fetch_by_client.ts", import.meta.url);
const KEPT = task<typeof import("../tasks/fetch_by_client.ts")>(FETCH_BY_CLIENT);
const NEW = task<typeof import("../tasks/fetch_by_client.ts"), "byNewClient">(
  FETCH_BY_CLIENT,
  "byNewClient",
);
const NOOP = task<typeof import("../tasks/noop.ts")>(new URL("../tasks/noop.ts", import.meta.url));

const inLoop = () => limited({ slots: AT_ONCE });
const inThreads = () => workers({ lanes: AT_ONCE });

const WAYS: readonly [SessionRow["keeping"], () => Executor, Task<string, number>][] = [
  ["a client each request", inLoop, NEW],
  ["a client each thread", inThreads, KEPT],
  ["one client for all", inLoop, KEPT],
];

/** The library's error message if an HTTP client is sent to a thread as an item. */
async function refusalOfClient(signal: AbortSignal): Promise<string> {
  await using thread = workers({ lanes: 1 });
  using client = Deno.createHttpClient({});
  const items = [client] as unknown as Parameters<typeof noop>[0][];
  const [outcome] = await thread.mapSettled(NOOP, items, { signal }).toArray();
  return outcome?.status === "rejected" ? String((outcome.reason as Error).message) : "";
}

export async function whoseSession(signal: AbortSignal): Promise<WhoseSession> {
  await using site = await startSite({ latencyMs: LATENCY_MS });
  const urls = site.urls(COPIES);
  const rows: SessionRow[] = [];
  for (const [keeping, open, task] of WAYS) {
    await site.stats({ restart: true });
    await using executor = open();
    const startedAt = performance.now();
    const outcomes = await executor.mapSettled(task, urls, { chunk: 1, signal }).toArray();
    signal.throwIfAborted();
    const wallMs = performance.now() - startedAt;
    const { connections } = await site.stats();
    const pages = outcomes.filter((of) => of.status === "fulfilled" && of.value === 200).length;
    const lanes = new Set(outcomes.map(({ lane }) => lane).filter((lane) => lane >= 0));
    const clients = task === NEW ? outcomes.length : lanes.size;
    rows.push({ keeping, clients, connections, pages, wallMs });
  }
  return { atOnce: AT_ONCE, asked: urls.length, refusal: await refusalOfClient(signal), rows };
}

/*
 * Who is served? Clients, on a thread of their own, ask one server at the same moment. One event loop serves
 * them together if the answers wait, but not if the answers are computed.
 */

const CLIENTS = 20;
/** How long an answer waits, as for a database, in milliseconds. */
const WAIT_MS = 20;
/** A computed answer is the sum of the squares below this number, which takes some 10 ms. */
const SUM_BELOW = 20_000_000;

const SUM = task<typeof import("../tasks/sum_squares.ts")>(
  new URL("../tasks/sum_squares.ts", import.meta.url),
);

/** Measures after how long clients that ask at the same moment have their answers. */
async function served(
  answer: () => Promise<unknown>,
  clients: Executor,
  signal: AbortSignal,
): Promise<Omit<ServedRow, "way">> {
  await using server = Deno.serve(
    {
      ...{ hostname: "127.0.0.1", port: 0, onListen: () => {} },
      // Errors aren't printed; a request that gets this status isn't counted as answered.
      onError: () => new Response(null, { status: 500 }),
    },
    async () => {
      await answer();
      return new Response();
    },
  );
  const urls = Array<string>(CLIENTS).fill(`http://127.0.0.1:${server.addr.port}/`);
  const ask = () => clients.mapSettled(KEPT, urls, { chunk: 1, signal }).toArray();
  // The first answers don't count: they open connections and compile loops.
  await ask();
  const outcomes = await ask();
  signal.throwIfAborted();
  const askedAtMs = Math.min(...outcomes.map(({ startedAtMs }) => startedAtMs));
  const afterMs = outcomes.filter((of) => of.status === "fulfilled" && of.value === 200)
    .map(({ endedAtMs }) => endedAtMs - askedAtMs).sort((a, b) => a - b);
  return {
    answered: afterMs.length,
    typicalMs: afterMs.length === 0 ? 0 : middle(afterMs),
    lastMs: afterMs.at(-1) ?? 0,
  };
}

export async function whoIsServed(signal: AbortSignal): Promise<WhoIsServed> {
  const lanes = defaultLanes("workers", "cpu");
  await using clients = workers({ lanes: 1, slots: CLIENTS });
  await using here = concurrent();
  await using threads = workers({ lanes });
  const wait = () => delay(WAIT_MS, undefined, { signal });
  const sum = (executor: Executor) => () => executor.run(SUM, SUM_BELOW, { signal });
  let turn: Promise<unknown> = Promise.resolve();
  const ways: Record<ServedRow["way"], () => Promise<unknown>> = {
    "waits, one at a time": () => turn = turn.then(wait),
    "waits, event loop": wait,
    "computes, event loop": sum(here),
    "computes, threads": sum(threads),
  };
  const rows: ServedRow[] = [];
  for (
    const [way, answer] of Object.entries(ways) as [ServedRow["way"], () => Promise<unknown>][]
  ) {
    rows.push({ way, ...await served(answer, clients, signal) });
  }
  return { clients: CLIENTS, waitMs: WAIT_MS, sumBelow: SUM_BELOW, lanes, rows };
}
