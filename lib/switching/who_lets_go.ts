/**
 * Who lets go? A ticker runs in this event loop while a task computes. If the task is in the same loop, the
 * ticker gets a turn only when the task yields (cooperative); if it is on a thread, whenever the system
 * switches to the ticker (preemptive).
 */

import { setTimeout as delay } from "node:timers/promises";
import type { Executor } from "../executor.ts";
import { task } from "../lanes/task.ts";
import { concurrent, workers } from "../open.ts";
import type { SlicedItem } from "../tasks/compute_in_slices.ts";
import { middle } from "../timing/statistics.ts";
import type { TickRow, WhoLetsGo } from "./switch_result.ts";

/** How long the task computes, the ticker's period, and how long the task's slices are, in milliseconds. */
const COMPUTING_MS = 500;
const PERIOD_MS = 10;
const SLICE_MS = 25;
/** How long the ticker runs alone before and after the task, in milliseconds. */
const ALONE_MS = 100;

/** Ticks from its creation until it is stopped. Ticks that it missed are left out, not made up for. */
export class Ticker {
  readonly startedAtMs: number = performance.now();
  readonly #ticks: TickRow["ticks"] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly periodMs: number) {
    this.#await(periodMs);
  }

  #await(dueMs: number): void {
    const inMs = Math.max(0, this.startedAtMs + dueMs - performance.now());
    this.#timer = setTimeout(() => {
      const atMs = performance.now() - this.startedAtMs;
      this.#ticks.push({ dueMs, atMs });
      // A timer may fire a little early; the next tick is due after this one even then.
      const passed = Math.max(dueMs, atMs);
      this.#await((Math.floor(passed / this.periodMs) + 1) * this.periodMs);
    }, inMs);
  }

  /** Stops the ticker; returns its ticks. */
  stop(): TickRow["ticks"] {
    clearTimeout(this.#timer);
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
