/**
 * Tasks: two threads increment a number in memory that they share, once in the way that loses updates and once
 * in the way that doesn't. Before each burst of updates they make sure that both have a core, because only
 * threads that run at the same time disturb each other.
 *
 * Two more tasks increment a number that several tasks of one event loop share. Other tasks run only at an
 * `await`, so its place decides whether updates are lost.
 */

import type { TaskContext } from "../lanes/task.ts";
import { stopIfCancelled } from "./stop_if_cancelled.ts";

/** Cells of the shared memory: the count, how many threads came, a question, its answer, the current burst. */
export const CELLS = {
  counter: 0,
  arrived: 1,
  question: 2,
  answer: 3,
  burst: 4,
  length: 5,
} as const;

const BURSTS = 10;
/** An answer within this many milliseconds shows that the other thread has a core at this moment. */
const AT_ONCE_MS = 0.05;
/** How long to try for such answers, in milliseconds; a machine with one core never gives one. */
const TRYING_MS = 250;
/** How long to wait for the other thread at most, in milliseconds. */
const MEETING_MS = 5_000;

export interface CountItem {
  /** The memory that both threads share: as many 32-bit cells as {@linkcode CELLS} has, all 0. */
  readonly memory: SharedArrayBuffer;
  readonly times: number;
}

function addPlainly(cells: Int32Array, times: number): void {
  for (let time = 0; time < times; time++) cells[CELLS.counter]!++;
}

function addAtomically(cells: Int32Array, times: number): void {
  for (let time = 0; time < times; time++) Atomics.add(cells, CELLS.counter, 1);
}

/** Waits in a busy loop, which loses no time; returns the milliseconds it took. */
function waitUntil(holds: () => boolean, context: TaskContext): number {
  const startedAt = performance.now();
  while (!holds()) {
    stopIfCancelled(context);
    if (performance.now() - startedAt > MEETING_MS) {
      throw new Error("Cannot count together: the other thread didn't come in time");
    }
  }
  return performance.now() - startedAt;
}

/** Asks until the other thread answers quickly or time is over, then starts the burst; returns milliseconds. */
function lead(cells: Int32Array, burst: number, tryingMs: number, context: TaskContext): number {
  const startedAt = performance.now();
  do {
    const question = Atomics.add(cells, CELLS.question, 1) + 1;
    const tookMs = waitUntil(() => Atomics.load(cells, CELLS.answer) === question, context);
    if (tookMs < AT_ONCE_MS) break;
  } while (performance.now() - startedAt < tryingMs);
  Atomics.store(cells, CELLS.burst, burst);
  return performance.now() - startedAt;
}

/** Answers questions until the burst starts; returns the milliseconds it took. */
function follow(cells: Int32Array, burst: number, _: number, context: TaskContext): number {
  return waitUntil(() => {
    Atomics.store(cells, CELLS.answer, Atomics.load(cells, CELLS.question));
    return Atomics.load(cells, CELLS.burst) >= burst;
  }, context);
}

function measured(
  add: (cells: Int32Array, times: number) => void,
  { memory, times }: CountItem,
  context: TaskContext,
): number {
  const cells = new Int32Array(memory);
  const begin = Atomics.add(cells, CELLS.arrived, 1) === 0 ? lead : follow;
  let ms = 0;
  let waitedMs = 0;
  let done = 0;
  for (let burst = 1; burst <= BURSTS; burst++) {
    waitedMs += begin(cells, burst, TRYING_MS - waitedMs, context);
    const upTo = Math.round(times * burst / BURSTS);
    const startedAt = performance.now();
    add(cells, upTo - done);
    ms += performance.now() - startedAt;
    done = upTo;
  }
  return ms;
}

/** Adds by `cells[0]++`, which reads, adds and writes; returns the milliseconds it took, without waits. */
export function plain(item: CountItem, context: TaskContext): number {
  return measured(addPlainly, item, context);
}

/** Adds by `Atomics.add`, which can't be interrupted; returns the milliseconds it took, without waits. */
export function atomic(item: CountItem, context: TaskContext): number {
  return measured(addAtomically, item, context);
}

export interface Counter {
  value: number;
}

/** Makes the counter that all tasks on the lane share. */
export function setup(): Counter {
  return { value: 0 };
}

/** Awaits between reading and writing, so it overwrites updates made meanwhile. Returns the count. */
export async function split(
  times: number,
  { resource: counter }: TaskContext<Counter>,
): Promise<number> {
  for (let time = 0; time < times; time++) {
    const seen = counter.value;
    await undefined;
    counter.value = seen + 1;
  }
  return counter.value;
}

/**
 * Awaits as often, but after each update: no other task runs between reading and writing. Returns the count.
 */
export async function whole(
  times: number,
  { resource: counter }: TaskContext<Counter>,
): Promise<number> {
  for (let time = 0; time < times; time++) {
    counter.value = counter.value + 1;
    await undefined;
  }
  return counter.value;
}
