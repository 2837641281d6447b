/** One trial, in a process of its own: start, run, measure, clean up. It imports no npm package. */

import { answerParent } from "../children/parent.ts";
import type {
  JobSpec,
  ModelSpec,
  TimingEvent,
  TrialPulse,
  TrialResult,
  TrialSpec,
} from "./spec.ts";
import * as executors from "../open.ts";
import type { Outcome } from "../dispatch/output.ts";
import type { AutoExecutor, Executor, LaneUsage } from "../executor.ts";
import { TeardownError } from "../lanes/errors.ts";
import { isFixed, MODEL_TABLE, needsServer } from "../models.ts";
import type { MapOptions } from "../dispatch/map_options.ts";
import type { PlacedTask, Task } from "../lanes/task.ts";
import { checksumOf } from "./checksum.ts";
import { arriving, hook, openItems, prepare, withWarmup } from "./job_items.ts";
import { errorName, failureKindsOf, failuresOf, paceOf, stuckOf } from "./failures.ts";
import { TrialWatch } from "./lane_watch.ts";
import { shownEvery, TIMELINE_TASKS, timelineOf } from "./timeline.ts";

export interface TrialOrder {
  readonly trial: TrialSpec;
  /** Whether a meter is read before the first item and after the last outcome. */
  readonly metered: boolean;
}

export type TrialMessage =
  | { readonly type: "meter" }
  | Extract<TimingEvent, { readonly type: "progress" | "pulse" }>;

/** Items are plain data here: only the job knows their type. */
type AnyTask = Task<unknown, unknown>;

/** A trial's executor, clocks and callbacks; tests give their own. */
export interface TrialHost {
  readonly open: (spec: TrialSpec) => Executor | Promise<Executor>;
  /** CPU time of this process with its threads so far, in milliseconds. */
  readonly cpuMs: () => number;
  /** CPU time of the event loop's thread alone so far, in milliseconds; not measured unless given. */
  readonly eventLoopCpuMs?: () => number;
  readonly peakRssBytes: () => number;
  readonly now?: () => number;
  /** Has a meter read, before the first item and after the last outcome. */
  readonly readMeter?: () => Promise<void>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (settled: number, total: number | undefined) => void;
  /** Called from time to time and at the end with the state of the run, if the spec asks for that. */
  readonly onPulse?: (pulse: TrialPulse) => void;
}

export function openModel(
  { model, lanes, slots, server, start, bounds, job }: ModelSpec & { job: JobSpec },
): Executor {
  const { sizes, startsDeno } = MODEL_TABLE[model];
  const { graceMs, permissions } = job;
  const options = { lanes, slots, graceMs, permissions, start };
  const more = [...(startsDeno ? ["permissions" as const] : []), "start" as const];
  const taken = ["graceMs" as const, ...sizes, ...more]
    .flatMap((name) => options[name] === undefined ? [] : [[name, options[name]]]);
  const open = executors[model] as (options: object) => Executor;
  return open({
    ...Object.fromEntries(taken),
    ...(needsServer(model) && server),
    // Only the data of results and errors must survive, unless the job compares results itself.
    ...(!isFixed(model) && { keepClasses: job.comparable !== undefined, ...bounds }),
  });
}

export async function closeLanes(
  executor: AsyncDisposable,
  { teardownIsEndless = false }: JobSpec,
): Promise<void> {
  try {
    await executor[Symbol.asyncDispose]();
  } catch (error) {
    if (!(teardownIsEndless && error instanceof TeardownError)) throw error;
  }
}

/** CPU time of lanes that are processes, in milliseconds; this process's own includes that of threads. */
function childrenCpuMs(usage: readonly LaneUsage[]): number {
  return usage.reduce(
    (sum, { cpuMs, peakRssBytes }) => sum + (peakRssBytes === undefined ? 0 : cpuMs ?? 0),
    0,
  );
}

/** A run waited for one item if that took this share of the run and this many times the median. */
const OF_THE_RUN = 0.5;
const FAR_LONGER = 5;

/** The item that ended first on each lane that ran any. */
function firstOnLanes(outcomes: readonly Outcome<unknown>[]): Outcome<unknown>[] {
  const first = new Map<number, Outcome<unknown>>();
  for (const outcome of outcomes) {
    const { lane, startedAtMs, endedAtMs } = outcome;
    if (!Number.isFinite(startedAtMs)) continue;
    if (endedAtMs < (first.get(lane)?.endedAtMs ?? Infinity)) first.set(lane, outcome);
  }
  return [...first.values()];
}

/** Of so many tasks the code is compiled again and again meanwhile: the first half of them warms it up. */
const MANY_TASKS = 1000;

/**
 * When a run was warm, and how many items had ended by then; undefined if most had. It is once every lane has
 * ended its first task, and with many tasks half of these.
 */
export function warmOf(
  outcomes: readonly Outcome<unknown>[],
  firstMs: number,
): TrialResult["warm"] {
  const half = outcomes.length < MANY_TASKS
    ? -Infinity
    : outcomes.map(({ endedAtMs }) => endedAtMs).sort((a, b) =>
      a - b
    )[outcomes.length / 2 - 1 | 0]!;
  const atMs = Math.max(half, ...firstOnLanes(outcomes).map(({ endedAtMs }) => endedAtMs));
  const items = outcomes.filter(({ endedAtMs }) => endedAtMs <= atMs).length;
  return items > 0 && 2 * items <= outcomes.length ? { afterMs: atMs - firstMs, items } : undefined;
}

/**
 * The item that a run waited for. If tasks only queue for each other, most take long; the first one on a lane
 * may be slow only because the lane was cold.
 */
export function longestOf(outcomes: readonly Outcome<unknown>[], runMs: number) {
  const cold = new Set(firstOnLanes(outcomes));
  const tasks = outcomes.filter((of) => Number.isFinite(of.startedAtMs) && !cold.has(of))
    .map(({ index, startedAtMs, endedAtMs }) => ({ index, ms: endedAtMs - startedAtMs }))
    .sort((a, b) => b.ms - a.ms);
  const [longest] = tasks;
  return longest !== undefined && longest.ms >= OF_THE_RUN * runMs &&
      longest.ms >= FAR_LONGER * tasks[Math.floor(tasks.length / 2)]!.ms
    ? longest
    : undefined;
}

/** Starts a model, runs the items, and reads the clocks before and after. */
async function measured(
  spec: TrialSpec,
  host: TrialHost,
  task: AnyTask,
  { warmup, all }: Awaited<ReturnType<typeof withWarmup>>,
) {
  const { now = () => performance.now(), onPulse } = host;
  const { timeoutMs, retries, chunk, mostMs, rate, arrivals } = spec;
  const limit = new AbortController();
  const signal = AbortSignal.any([limit.signal, ...(host.signal ? [host.signal] : [])]);
  // In input order one slow item would hold back all later outcomes.
  const options: MapOptions = { order: "completion", signal, timeoutMs, retries, chunk, rate };
  const startCpuMs = host.cpuMs();
  const startedMs = now();
  await using stack = new AsyncDisposableStack();
  const executor = stack.adopt(await host.open(spec), (of) => closeLanes(of, spec.job));
  await executor.ready(task);
  const startMs = now() - startedMs;
  const readyCpuMs = host.cpuMs();
  const atReady = await executor.usage();
  if (warmup.length > 0) await executor.mapSettled(task, warmup, options).toArray();
  const before = warmup.length > 0 ? await executor.usage() : atReady;
  await host.readMeter?.();
  const firstCpuMs = host.cpuMs();
  const firstLoopMs = host.eventLoopCpuMs?.();
  const firstMs = now();
  const timer = mostMs === undefined ? 0 : setTimeout(() => limit.abort(), Math.ceil(mostMs));
  using pulse = spec.live && onPulse ? new TrialWatch(executor, now, onPulse) : undefined;
  const items = arrivals === undefined
    ? all
    : arriving(all as readonly unknown[], arrivals, firstMs);
  const outcomes = await executor.mapSettled(task, items, {
    ...options,
    onOutcome: pulse?.ended,
    onProgress(progress) {
      if (pulse) pulse.progress = progress;
      host.onProgress?.(progress.settled, progress.total);
    },
  }).toArray().finally(() => clearTimeout(timer));
  const runMs = now() - firstMs;
  const ownCpuMs = host.cpuMs() - firstCpuMs;
  const lastLoopMs = host.eventLoopCpuMs?.();
  pulse?.tell();
  await host.readMeter?.();
  const after = await executor.usage();
  const runCpuMs = ownCpuMs + childrenCpuMs(after) - childrenCpuMs(before);
  const childRss = after.reduce((sum, lane) => sum + (lane.peakRssBytes ?? 0), 0);
  const times = {
    startMs,
    runMs,
    wallMs: startMs + runMs,
    cpuMs: readyCpuMs - startCpuMs + childrenCpuMs(atReady) + runCpuMs,
    runCpuMs,
    ...(lastLoopMs !== undefined && { loopCpuMs: lastLoopMs - firstLoopMs! }),
    // Read before the checksum is computed, whose memory isn't the model's.
    peakRssBytes: host.peakRssBytes() + childRss,
  };
  const { lanes, slots, decisions } = executor as Executor & Partial<AutoExecutor>;
  const stopped = mostMs === undefined ? undefined : limit.signal.aborted;
  return { times, lanes, slots, stopped, outcomes, before, after, firstMs, ownCpuMs, decisions };
}

/**
 * Runs one trial in this process.
 *
 * The order is: `prepare`, making the items, start and set-up of every lane, warm-up, the measured items, stop
 * of every lane, checksum. Only start and items are measured. Lanes are stopped, and the result of `prepare` is
 * disposed, in every case.
 */
export async function runTrialHere(spec: TrialSpec, host: TrialHost): Promise<TrialResult> {
  const { job, prefix, arrivals } = spec;
  const preparing = await hook(job, job.prepare);
  const reset = await hook(job, job.reset);
  const comparable = await hook(job, job.comparable);
  await using _prepared = await prepare(preparing);
  await reset?.();
  const { items, places } = await openItems(job.items);
  const listed = arrivals === undefined ? items : await Array.fromAsync(items);
  const task = places === undefined ? job.task : { ...job.task, places } satisfies PlacedTask;
  const given = await withWarmup(listed, spec.warmup ?? 0);
  const ran = await measured(spec, host, task as AnyTask, given);
  const { times, lanes, slots, stopped, firstMs } = ran;
  const outcomes = places === undefined
    ? ran.outcomes
    : ran.outcomes.map((of) => placed(of, places));
  const rejected = outcomes.filter((of) => of.status === "rejected");
  // A task that can't be loaded never ran: its failures say nothing about the model.
  const unloaded = rejected.find(({ reason }) => errorName(reason) === "TaskLoadError");
  if (unloaded !== undefined) throw unloaded.reason;
  const failed = rejected.length;
  const device = ran.after.find(({ device }) => device !== undefined)?.device;
  // An open loop is judged by all of its requests.
  const every = arrivals === undefined ? shownEvery(outcomes.length) : 1;
  const failures = failureKindsOf(outcomes);
  const pacePerSecond = paceOf(outcomes);
  const warm = slots === 1 ? warmOf(outcomes, firstMs) : undefined;
  const longest = longestOf(outcomes, times.runMs);
  const stuck = stopped ? stuckOf(outcomes, firstMs, times.runMs) : undefined;
  const isFirst = (_: unknown, at: number) => ran.outcomes[at]!.index < prefix!;
  return {
    lanes,
    slots: Number.isFinite(slots) ? slots : null,
    beganAtMs: performance.timeOrigin + firstMs,
    ...(stopped !== undefined && { stopped }),
    ...(device && { device }),
    round: {
      round: spec.round,
      ...times,
      succeeded: outcomes.length - failed,
      failed,
      checksum: await checksumOf(outcomes, comparable),
      ...(failed > 0 && failuresOf(rejected)),
    },
    ...(spec.timeline && { timeline: timelineOf({ round: spec.round, every, ...ran }) }),
    ...(prefix !== undefined && {
      prefixChecksum: await checksumOf(outcomes.filter(isFirst), comparable),
    }),
    ...(failures.length > 0 && { failures }),
    ...(pacePerSecond !== null && { pacePerSecond }),
    ...(warm && { warm }),
    ...(longest && { longest }),
    ...(stuck && { stuck }),
    warnings: spec.timeline && every > 1
      ? [
        `The timeline shows one task in ${every}: there were ${outcomes.length}, and it keeps at most ` +
        `${TIMELINE_TASKS}.`,
      ]
      : [],
  };
}

/** An item's outcome with the item's index in its list instead of its turn. */
function placed(outcome: Outcome<unknown>, places: readonly number[]): Outcome<unknown> {
  const { index: turn } = outcome;
  const index = places[turn] ?? turn;
  // The executor's own messages name the item by its turn.
  if (
    outcome.status === "rejected" && outcome.ended !== "failed" && outcome.reason instanceof Error
  ) {
    const { reason } = outcome;
    reason.message = reason.message.replace(new RegExp(`\\b([Ii]tem) ${turn}\\b`), `$1 ${index}`);
  }
  return { ...outcome, index };
}

/** The least time between two reports of progress, in milliseconds. */
const PROGRESS_MS = 100;

const sumMs = ({ user, system }: { user: number; system: number }) => (user + system) / 1000;

if (import.meta.main) {
  await answerParent<TrialOrder>(({ order: { trial, metered }, inbox, tell, signal }) => {
    const say: (message: TrialMessage) => void = tell;
    // Called once before anything is measured: Deno makes this global on first use, which takes time.
    process.cpuUsage();
    let toldMs = -Infinity;
    const readMeter = async () => {
      say({ type: "meter" });
      await inbox.next();
    };
    return runTrialHere(trial, {
      open: openModel,
      signal,
      ...(metered && { readMeter }),
      cpuMs: () => sumMs(process.cpuUsage()),
      eventLoopCpuMs: () => sumMs(process.threadCpuUsage()),
      peakRssBytes: () => process.resourceUsage().maxRSS * 1024,
      onProgress: (settled, total) => {
        const nowMs = performance.now();
        if (nowMs - toldMs < PROGRESS_MS && settled !== total) return;
        toldMs = nowMs;
        say({ type: "progress", settled, total });
      },
      onPulse: (pulse) => say({ type: "pulse", pulse }),
    });
  });
}
