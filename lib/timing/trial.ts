/**
 * One trial, in this process: start, warm up, run, measure, clean up, in this order; and its timeline,
 * which tells when every task was queued, started and ended.
 *
 * It imports no npm package: it runs in every trial's own process.
 *
 * @module
 */

import type { Outcome } from "../dispatch/outcome.ts";
import type { Executor, LaneUsage } from "../executor.ts";
import type { Timeline } from "./result.ts";
import type { Items, MapOptions } from "../dispatch/options.ts";
import type { Task } from "../lanes/task.ts";
import { checksumOf } from "./checksum.ts";
import { openItems, prepare, withWarmup } from "./job_items.ts";
import { failureKindsOf, failuresOf, paceOf } from "./failures.ts";
import type { TrialResult, TrialSpec } from "./spec.ts";

/** What a trial needs beside its spec; a test's own clock and executor, for instance. */
export interface TrialHost {
  /** Makes the executor of the trial's model. */
  readonly open: (spec: TrialSpec) => Executor | Promise<Executor>;
  /** CPU time of this process with its threads so far, in milliseconds. */
  readonly cpuMs: () => number;
  /** CPU time of this event loop's thread alone so far, in milliseconds; not told unless given. */
  readonly eventLoopCpuMs?: () => number;
  /** Peak resident memory of this process so far, in bytes. */
  readonly peakRssBytes: () => number;
  /** The clock, in milliseconds; default `performance.now`. */
  readonly now?: () => number;
  /** Waits until a meter has been read, before the first item and after the last outcome. */
  readonly readMeter?: () => Promise<void>;
  /** Stops the trial. */
  readonly signal?: AbortSignal;
  /** Told how many items have settled. */
  readonly onProgress?: (settled: number, total: number | undefined) => void;
}

async function hook(spec: TrialSpec, name: string): Promise<(...args: unknown[]) => unknown> {
  const module: Record<string, unknown> = await import(spec.job.task.module);
  const found = module[name];
  if (typeof found !== "function") {
    throw new TypeError(
      `Cannot run the trial: ${spec.job.task.module} exports no function ${JSON.stringify(name)}`,
    );
  }
  return found as (...args: unknown[]) => unknown;
}

/** A task that can't be loaded was never run: its failures say nothing of the model. */
function refuseUnloadable(outcomes: readonly Outcome<unknown>[]): void {
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled" || !(outcome.reason instanceof Error)) continue;
    if (outcome.reason.name === "TaskLoadError") throw outcome.reason;
  }
}

/** CPU time of the lanes that are processes of their own; that of threads is in this process's. */
function childrenCpuMs(usage: readonly LaneUsage[]): number {
  return usage.reduce(
    (sum, { cpuMs, peakRssBytes }) => sum + (peakRssBytes === undefined ? 0 : cpuMs ?? 0),
    0,
  );
}

interface Measured {
  readonly lanes: number;
  readonly slots: number;
  readonly startMs: number;
  readonly runMs: number;
  readonly cpuMs: number;
  readonly runCpuMs: number;
  readonly ownRunCpuMs: number;
  readonly eventLoopCpuMs: number | undefined;
  readonly peakRssBytes: number;
  readonly firstMs: number;
  readonly before: readonly LaneUsage[];
  readonly after: readonly LaneUsage[];
  readonly outcomes: readonly Outcome<unknown>[];
  readonly stopped: boolean;
}

async function measure(
  spec: TrialSpec,
  host: TrialHost,
  warmup: readonly unknown[],
  items: Items<unknown>,
): Promise<Measured> {
  const now = host.now ?? (() => performance.now());
  const limit = new AbortController();
  const signals = [host.signal, spec.mostMs === undefined ? undefined : limit.signal]
    .filter((signal) => signal !== undefined);
  const task = spec.job.task as Task<unknown, unknown>;
  const options: MapOptions = {
    // In the order of items, one slow item would hold back the outcomes of all that follow.
    order: "completion",
    ...(signals.length > 0 && { signal: AbortSignal.any(signals) }),
    ...(spec.timeoutMs !== undefined && { timeoutMs: spec.timeoutMs }),
    ...(spec.retries !== undefined && { retries: spec.retries }),
    ...(spec.chunk !== undefined && { chunk: spec.chunk }),
  };
  const startCpuMs = host.cpuMs();
  const startedMs = now();
  await using executor = await host.open(spec);
  await executor.ready(task);
  const startMs = now() - startedMs;
  const readyCpuMs = host.cpuMs();
  const atReady = await executor.usage();
  let before = atReady;
  if (warmup.length > 0) {
    await executor.mapSettled(task, warmup, options).toArray();
    before = await executor.usage();
  }
  const onProgress = host.onProgress;
  await host.readMeter?.();
  const firstCpuMs = host.cpuMs();
  const firstLoopMs = host.eventLoopCpuMs?.();
  const firstMs = now();
  const timer = spec.mostMs === undefined
    ? undefined
    : setTimeout(() => limit.abort(), Math.ceil(spec.mostMs));
  const outcomes = await executor.mapSettled(task, items, {
    ...options,
    ...(onProgress && { onProgress: ({ settled, total }) => onProgress(settled, total) }),
  }).toArray().finally(() => clearTimeout(timer));
  const runMs = now() - firstMs;
  const ownRunCpuMs = host.cpuMs() - firstCpuMs;
  const lastLoopMs = host.eventLoopCpuMs?.();
  await host.readMeter?.();
  const after = await executor.usage();
  const childRss = after.reduce((sum, lane) => sum + (lane.peakRssBytes ?? 0), 0);
  const runCpuMs = ownRunCpuMs + childrenCpuMs(after) - childrenCpuMs(before);
  return {
    lanes: executor.lanes,
    slots: executor.slots,
    startMs,
    runMs,
    cpuMs: readyCpuMs - startCpuMs + childrenCpuMs(atReady) + runCpuMs,
    runCpuMs,
    ownRunCpuMs,
    eventLoopCpuMs: lastLoopMs === undefined ? undefined : lastLoopMs - firstLoopMs!,
    // Read before the checksum is made, whose memory isn't the model's.
    peakRssBytes: host.peakRssBytes() + childRss,
    firstMs,
    before,
    after,
    outcomes,
    stopped: limit.signal.aborted,
  };
}

function warningsOf(spec: TrialSpec, { outcomes }: Measured): string[] {
  const warnings: string[] = [];
  if (spec.timeline && outcomes.length > TIMELINE_TASKS) {
    const every = Math.ceil(outcomes.length / TIMELINE_TASKS);
    warnings.push(
      `The timeline shows one task in ${every}: there were ${outcomes.length}, and it keeps at most ` +
        `${TIMELINE_TASKS}.`,
    );
  }
  return warnings;
}

/**
 * Runs one trial in this process.
 *
 * The order is: `prepare`, making the items, start and set-up of every lane, warm-up, the measured
 * items, stop of every lane, checksum. Only start and items are measured. Lanes are stopped, and what
 * was prepared is disposed, whatever happened before.
 *
 * @throws {TypeError} If an export that the job names isn't there.
 * @throws {TaskLoadError} If the task can't be loaded.
 * @throws What the executor throws when it can't start.
 */
export async function runTrialHere(spec: TrialSpec, host: TrialHost): Promise<TrialResult> {
  const { job } = spec;
  const preparing = job.prepare === undefined ? undefined : await hook(spec, job.prepare);
  const reset = job.reset === undefined ? undefined : await hook(spec, job.reset);
  const comparable = job.comparable === undefined ? undefined : await hook(spec, job.comparable);
  await using _prepared = await prepare(preparing);
  await reset?.();
  const items = await openItems(job.items);
  const { warmup, all } = await withWarmup(items, spec.warmup ?? 0);
  const measured = await measure(spec, host, warmup, all);
  refuseUnloadable(measured.outcomes);
  const { outcomes, startMs, runMs, cpuMs, runCpuMs, peakRssBytes } = measured;
  const failed = outcomes.filter(({ status }) => status === "rejected").length;
  const pacePerSecond = paceOf(outcomes);
  const device = measured.after.find(({ device }) => device !== undefined)?.device;
  return {
    round: {
      round: spec.round,
      startMs,
      runMs,
      wallMs: startMs + runMs,
      cpuMs,
      runCpuMs,
      peakRssBytes,
      succeeded: outcomes.length - failed,
      failed,
      checksum: await checksumOf(outcomes, comparable),
      ...(failed > 0 && failuresOf(outcomes)),
    },
    ...(spec.timeline && {
      timeline: timelineOf({
        round: spec.round,
        outcomes,
        before: measured.before,
        after: measured.after,
        firstMs: measured.firstMs,
        eventLoopCpuMs: measured.ownRunCpuMs,
      }),
    }),
    ...(measured.eventLoopCpuMs !== undefined && { eventLoopCpuMs: measured.eventLoopCpuMs }),
    ...(device && { device }),
    lanes: measured.lanes,
    slots: Number.isFinite(measured.slots) ? measured.slots : null,
    ...(spec.prefix !== undefined && {
      prefixChecksum: await checksumOf(
        outcomes.filter(({ index }) => index < spec.prefix!),
        comparable,
      ),
    }),
    ...(failed > 0 && { failures: failureKindsOf(outcomes) }),
    ...(pacePerSecond !== null && { pacePerSecond }),
    ...(spec.mostMs !== undefined && { stopped: measured.stopped }),
    warnings: warningsOf(spec, measured),
  };
}

/** More tasks than this are thinned out: a result file must stay readable. */
export const TIMELINE_TASKS = 100_000;

/** To the microsecond, which is what the clock tells. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** How long a lane had at least one task in flight, in milliseconds. */
function busyMs(outcomes: readonly Outcome<unknown>[]): number {
  const spans = outcomes.filter((outcome) => Number.isFinite(outcome.startedAtMs))
    .toSorted((a, b) => a.startedAtMs - b.startedAtMs);
  let busy = 0;
  let until = -Infinity;
  for (const { startedAtMs, endedAtMs } of spans) {
    busy += Math.max(0, endedAtMs - Math.max(startedAtMs, until));
    until = Math.max(until, endedAtMs);
  }
  return busy;
}

/** What a timeline is made from. */
interface TimelineParts {
  /** The trial's round. */
  readonly round: number;
  /** What became of the items. */
  readonly outcomes: readonly Outcome<unknown>[];
  /** What each lane used until the first item, and until the last outcome. */
  readonly before: readonly LaneUsage[];
  /** What each lane used until the last outcome. */
  readonly after: readonly LaneUsage[];
  /** When the first item was asked for, on the clock of the outcomes. */
  readonly firstMs: number;
  /** CPU time of this process during the run: the lane's own where the event loop is the lane. */
  readonly eventLoopCpuMs?: number;
}

/** Makes the timeline of a trial. */
export function timelineOf(parts: TimelineParts): Timeline {
  const { round, before, after, firstMs, eventLoopCpuMs } = parts;
  const every = Math.ceil(parts.outcomes.length / TIMELINE_TASKS) || 1;
  const shown = parts.outcomes.toSorted((a, b) => a.index - b.index)
    .filter((_, place) => place % every === 0);
  const since = (ms: number) => rounded(ms - firstMs);
  const byLane = Map.groupBy(parts.outcomes, ({ lane }) => lane);
  const lanes = after.map((usage) => {
    const earlier = before.find(({ lane }) => lane === usage.lane)?.cpuMs ?? 0;
    const cpuMs = usage.cpuMs === undefined
      ? (after.length === 1 ? eventLoopCpuMs : undefined)
      : usage.cpuMs - earlier;
    const busy = busyMs(byLane.get(usage.lane) ?? []);
    const cpuShare = cpuMs === undefined || busy === 0
      ? null
      : Math.min(1, Math.max(0, cpuMs / busy));
    return { lane: usage.lane, startMs: rounded(Math.max(0, usage.startMs)), cpuShare };
  });
  return {
    round,
    lanes,
    index: shown.map(({ index }) => index),
    lane: shown.map(({ lane }) => lane),
    queuedMs: shown.map(({ queuedAtMs }) => since(queuedAtMs)),
    // A task that never started has no length: it starts when it ends.
    startedMs: shown.map(({ startedAtMs, endedAtMs }) =>
      since(Number.isFinite(startedAtMs) ? startedAtMs : endedAtMs)
    ),
    endedMs: shown.map(({ endedAtMs }) => since(endedAtMs)),
    status: shown.map((outcome) => outcome.status === "fulfilled" ? outcome.status : outcome.ended),
  };
}
