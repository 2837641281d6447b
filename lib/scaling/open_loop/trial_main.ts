/** One open-loop trial, in a process of its own: items start on schedule. It imports no npm package. */

import { hook, openItems, prepare } from "../../timing/job_items.ts";
import { closeLanes, openModel } from "../../timing/trial_main.ts";
import type { Task } from "../../lanes/task.ts";
import { answerParent } from "../../children/parent.ts";
import type { JobSpec, ModelSpec } from "../../timing/spec.ts";
import type { Executor } from "../../executor.ts";
import type { Outcome } from "../../dispatch/output.ts";
import { failuresOf } from "../../timing/failures.ts";

export interface OpenLoopTrial extends ModelSpec {
  readonly job: JobSpec;
  readonly ratePerSecond: number;
  /** How long requests are scheduled for, and answers waited for after that. */
  readonly durationMs: number;
  readonly drainMs: number;
  readonly warmup: number;
}

/** Every request of a trial, column by column, by its place in the schedule. */
export interface OpenLoopTrace {
  /** When each was really started, in milliseconds from the schedule's begin; null if it wasn't. */
  readonly startedMs: readonly (number | null)[];
  /** When each was answered; null if it wasn't. */
  readonly endedMs: readonly (number | null)[];
  /** Indexes of those that were answered with a failure. */
  readonly failed: readonly number[];
  readonly reasons: Readonly<Record<string, number>>;
  readonly examples?: Readonly<Record<string, string>> | undefined;
  readonly endMs: number;
}

export interface Clock {
  now(): number;
  /** Resolves at a time of that scale or as soon as it can afterwards. */
  until(atMs: number): Promise<void>;
}

interface Pace {
  readonly ratePerSecond: number;
  /** How many in all; the items begin anew when there are fewer. */
  readonly count: number;
  readonly clock?: Clock;
  readonly onStart?: (startMs: number) => void;
  readonly signal?: AbortSignal;
}

const REAL: Clock = {
  now: () => performance.now(),
  until: (atMs) =>
    new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - performance.now()))),
};

/** When an item is meant to start, in milliseconds from the schedule's begin. */
export function intendedMs(index: number, ratePerSecond: number): number {
  return index / ratePerSecond * 1000;
}

/** Gives item k not before k/rate; what is overdue comes at once, for the schedule doesn't wait. */
export async function* paced<T>(items: readonly T[], pace: Pace): AsyncGenerator<T, void> {
  if (items.length === 0) throw new RangeError("Cannot pace items: there are none");
  const { ratePerSecond, count, clock = REAL, onStart, signal } = pace;
  const startMs = clock.now();
  onStart?.(startMs);
  for (let index = 0; index < count && !signal?.aborted; index++) {
    const dueMs = startMs + intendedMs(index, ratePerSecond);
    if (clock.now() < dueMs) await clock.until(dueMs);
    yield items[index % items.length]!;
  }
}

/** Starts requests on schedule, whatever becomes of those before, and notes when each started and ended. */
async function openLoopHere(
  trial: OpenLoopTrial,
  { executor, items, signal }: {
    readonly executor: Executor;
    readonly items: readonly unknown[];
    readonly signal?: AbortSignal;
  },
): Promise<OpenLoopTrace> {
  const { ratePerSecond, durationMs, drainMs, warmup } = trial;
  // Items came as data: their type is the job's own business.
  const task = trial.job.task as Task<unknown>;
  await executor.ready(task);
  if (warmup > 0) {
    const first = Array.from({ length: warmup }, (_, i) => items[i % items.length]);
    await executor.mapSettled(task, first, { signal }).toArray();
  }
  const count = Math.max(1, Math.round(ratePerSecond * durationMs / 1000));
  const startedMs: (number | null)[] = Array(count).fill(null);
  const endedMs: (number | null)[] = Array(count).fill(null);
  const failed: Outcome<unknown>[] = [];
  const cut = new AbortController();
  const either = signal ? AbortSignal.any([signal, cut.signal]) : cut.signal;
  let beginMs = performance.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const source = paced(items, {
    ratePerSecond,
    count,
    signal: either,
    onStart: (atMs) => {
      beginMs = atMs;
      timer = setTimeout(() => cut.abort(), durationMs + drainMs);
    },
  });
  try {
    const outcomes = executor.mapSettled(task, source, {
      order: "completion",
      chunk: 1,
      signal: either,
    });
    for await (const outcome of outcomes) {
      const { index, startedAtMs, endedAtMs } = outcome;
      if (Number.isFinite(startedAtMs)) startedMs[index] = startedAtMs - beginMs;
      // What the cut ended wasn't answered.
      if (either.aborted && outcome.status === "rejected") continue;
      endedMs[index] = endedAtMs - beginMs;
      if (outcome.status === "rejected") failed.push(outcome);
    }
  } finally {
    clearTimeout(timer);
  }
  signal?.throwIfAborted();
  return {
    startedMs,
    endedMs,
    failed: failed.map(({ index }) => index),
    ...failuresOf(failed),
    endMs: performance.now() - beginMs,
  };
}

if (import.meta.main) {
  await answerParent<OpenLoopTrial>(async ({ order: trial, signal }) => {
    const { job } = trial;
    await using _prepared = await prepare(await hook(job, job.prepare));
    const opened = await openItems(job.items);
    const items = await Array.fromAsync(opened.items);
    // They begin anew when there are fewer than requests.
    const places = opened.places ?? [...items.keys()];
    await using stack = new AsyncDisposableStack();
    const executor = stack.adopt(openModel(trial), (of) => closeLanes(of, trial.job));
    const placed: OpenLoopTrial = {
      ...trial,
      job: { ...job, task: { ...job.task, places } as Task },
    };
    return await openLoopHere(placed, { executor, items, signal });
  });
}
