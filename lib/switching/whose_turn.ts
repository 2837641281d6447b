/**
 * Whose turn was it? Two threads, or two tasks of one event loop, count up one number together. The results
 * are the updates lost if another can come between reading and writing, and the cost of the safe way.
 */

import type { Executor } from "../executor.ts";
import { task } from "../lanes/task.ts";
import { concurrent, workers } from "../open.ts";
import { CELLS, type CountItem } from "../tasks/count_up.ts";
import type { TurnRow, WhoseTurn } from "./switch_result.ts";

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
