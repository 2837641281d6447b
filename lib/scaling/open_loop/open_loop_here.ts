/**
 * One open-loop trial, in this process. It imports no npm package.
 *
 * @module
 */

import type { Executor } from "../../executor.ts";
import type { Task } from "../../lanes/task.ts";
import type { Outcome } from "../../dispatch/outcome.ts";
import { failuresOf } from "../../timing/reasons.ts";
import { type OpenLoopTrace, type OpenLoopTrial, scheduledCount } from "./open_loop_spec.ts";
import { type Clock, paced } from "./paced.ts";

/** What a trial needs beside its spec. */
export interface OpenLoopHost {
  /** Runs the requests; it isn't closed. */
  readonly executor: Executor;
  /** The job's items. */
  readonly items: readonly unknown[];
  /** Stops the trial. */
  readonly signal?: AbortSignal;
  /** The clock of the schedule; `performance.now`'s scale, as that of outcomes is. */
  readonly clock?: Clock;
}

/**
 * Starts requests on schedule, whatever becomes of those before, and notes when each started and ended.
 */
export async function openLoopHere(
  trial: OpenLoopTrial,
  { executor, items, signal, clock }: OpenLoopHost,
): Promise<OpenLoopTrace> {
  const { ratePerSecond, durationMs, drainMs, warmup } = trial;
  // Items came as data: their type is the job's own business.
  const task = trial.job.task as Task<unknown>;
  await executor.ready(task);
  if (warmup > 0) {
    const first = Array.from({ length: warmup }, (_, i) => items[i % items.length]);
    await executor.mapSettled(task, first, { ...(signal && { signal }) }).toArray();
  }
  const count = scheduledCount(ratePerSecond, durationMs);
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
    ...(clock && { clock }),
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
      if (outcome.status === "fulfilled") continue;
      failed.push(outcome);
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
