/** One trial, in its own process: start, run, measure, clean up. It imports no npm package. */

import * as executors from "../open.ts";
import { answerParent } from "../children/parent.ts";
import type {
  JobSpec,
  LanesNow,
  ModelSpec,
  TimingEvent,
  TrialPulse,
  TrialResult,
  TrialSpec,
} from "./spec.ts";
import type { Outcome, Rejected } from "../dispatch/output.ts";
import type { Decision } from "../adaptive/controller.ts";
import type { AutoExecutor, Executor, LaneUsage } from "../executor.ts";
import { TeardownError } from "../lanes/errors.ts";
import { isFixed, MODEL_TABLE, needsServer } from "../models.ts";
import type { TimedDecision } from "./decisions.ts";
import type { Timeline } from "./result.ts";
import type { Items, MapOptions, Progress } from "../dispatch/options.ts";
import type { PlacedTask, Task } from "../lanes/task.ts";
import { checksumOf } from "./checksum.ts";
import { hook, openItems, paced, prepare, withWarmup } from "./job_items.ts";
import { errorName, failureKindsOf, failuresOf, paceOf, stuckOf } from "./failures.ts";

export interface TrialOrder {
  readonly trial: TrialSpec;
  /** Whether it is to have a meter read before the first item and after the last outcome. */
  readonly metered: boolean;
}

export type TrialMessage =
  | { readonly type: "meter" }
  | Extract<TimingEvent, { readonly type: "progress" | "pulse" }>;

/** Items came as data: their type is the job's own business. */
type AnyTask = Task<unknown, unknown>;

/** How often it is told what runs on the lanes, in milliseconds. */
const PULSE_MS = 250;

/** What a trial needs beside its spec; a test's own clock and executor, for instance. */
export interface TrialHost {
  readonly open: (spec: TrialSpec) => Executor | Promise<Executor>;
  /** CPU time of this process with its threads so far, in milliseconds. */
  readonly cpuMs: () => number;
  /** CPU time of this event loop's thread alone so far, in milliseconds; not told unless given. */
  readonly eventLoopCpuMs?: () => number;
  readonly peakRssBytes: () => number;
  /** The clock, in milliseconds; default `performance.now`. */
  readonly now?: () => number;
  /** Waits until a meter has been read, before the first item and after the last outcome. */
  readonly readMeter?: () => Promise<void>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (settled: number, total: number | undefined) => void;
  /** Told from time to time, and at the end, how it stands, if the spec says so. */
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
    // What is kept of results and errors is their data, unless the job looks at results itself.
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

/** CPU time of the lanes that are processes of their own; that of threads is in this process's. */
function childrenCpuMs(usage: readonly LaneUsage[]): number {
  return usage.reduce(
    (sum, { cpuMs, peakRssBytes }) => sum + (peakRssBytes === undefined ? 0 : cpuMs ?? 0),
    0,
  );
}

/** Runs items to their end, and tells meanwhile how the lanes stand. */
async function watched(
  { executor, task, items, options, now, onPulse }: {
    readonly executor: Executor;
    readonly task: AnyTask;
    readonly items: Items<unknown>;
    readonly options: MapOptions;
    readonly now: () => number;
    readonly onPulse: (pulse: TrialPulse) => void;
  },
): Promise<Outcome<unknown>[]> {
  const watch = new LaneWatch(executor);
  const firstMs = now();
  let seen: Partial<Progress> = {};
  const pulse = () => {
    const { settled = 0, rejected: failed = 0, total } = seen;
    onPulse({ ...watch.look(), runMs: now() - firstMs, settled, failed, total });
  };
  const timer = setInterval(pulse, PULSE_MS);
  const onProgress = (progress: Progress) => {
    seen = progress;
    options.onProgress?.(progress);
  };
  const outcomes: Outcome<unknown>[] = [];
  try {
    for await (const outcome of executor.mapSettled(task, items, { ...options, onProgress })) {
      watch.ended(outcome);
      outcomes.push(outcome);
    }
  } finally {
    clearInterval(timer);
  }
  pulse();
  return outcomes;
}

/** A run waits for one item that takes this share of it, and so many times as long as most. */
const OF_THE_RUN = 0.5;
const FAR_LONGER = 5;

/** What ended first on each lane that ran any. */
function firstOnLanes(outcomes: readonly Outcome<unknown>[]): Outcome<unknown>[] {
  const first = new Map<number, Outcome<unknown>>();
  for (const outcome of outcomes) {
    const { lane, startedAtMs, endedAtMs } = outcome;
    if (!Number.isFinite(startedAtMs)) continue;
    if (endedAtMs < (first.get(lane)?.endedAtMs ?? Infinity)) first.set(lane, outcome);
  }
  return [...first.values()];
}

/** When each lane had ended its first task, and how many had ended by then; undefined if that was most of them. */
export function warmOf(
  outcomes: readonly Outcome<unknown>[],
  firstMs: number,
): TrialResult["warm"] {
  const atMs = Math.max(...firstOnLanes(outcomes).map(({ endedAtMs }) => endedAtMs));
  const items = outcomes.filter(({ endedAtMs }) => endedAtMs <= atMs).length;
  return items > 0 && 2 * items <= outcomes.length ? { afterMs: atMs - firstMs, items } : undefined;
}

/**
 * The item that a run waited for. Where tasks only queue for each other, most take long; the first on a lane
 * may only have found it cold.
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

async function measure(
  spec: TrialSpec,
  host: TrialHost,
  task: AnyTask,
  warmup: readonly unknown[],
  items: Items<unknown>,
) {
  const { now = () => performance.now(), onProgress, onPulse } = host;
  const { timeoutMs, retries, chunk, mostMs, rate, pace } = spec;
  const limit = new AbortController();
  const signal = AbortSignal.any([limit.signal, ...(host.signal ? [host.signal] : [])]);
  // In the order of items, one slow item would hold back the outcomes of all that follow.
  const options: MapOptions = { order: "completion", signal, timeoutMs, retries, chunk, rate };
  const startCpuMs = host.cpuMs();
  const startedMs = now();
  await using stack = new AsyncDisposableStack();
  const executor = stack.adopt(await host.open(spec), (of) => closeLanes(of, spec.job));
  await executor.ready(task);
  const startMs = now() - startedMs;
  const readyCpuMs = host.cpuMs();
  const atReady = await executor.usage();
  let before = atReady;
  if (warmup.length > 0) {
    await executor.mapSettled(task, warmup, options).toArray();
    before = await executor.usage();
  }
  await host.readMeter?.();
  const firstCpuMs = host.cpuMs();
  const firstLoopMs = host.eventLoopCpuMs?.();
  const firstMs = now();
  const timer = mostMs === undefined ? 0 : setTimeout(() => limit.abort(), Math.ceil(mostMs));
  const told: MapOptions = {
    ...options,
    onProgress: ({ settled, total }) => onProgress?.(settled, total),
  };
  const source = pace === undefined ? items : paced(items as readonly unknown[], pace, firstMs);
  const running = spec.live && onPulse
    ? watched({ executor, task, items: source, options: told, now, onPulse })
    : executor.mapSettled(task, source, told).toArray();
  const outcomes = await running.finally(() => clearTimeout(timer));
  const runMs = now() - firstMs;
  const ownCpuMs = host.cpuMs() - firstCpuMs;
  const lastLoopMs = host.eventLoopCpuMs?.();
  await host.readMeter?.();
  const after = await executor.usage();
  const { decisions } = executor as Partial<AutoExecutor>;
  const device = after.find(({ device }) => device !== undefined)?.device;
  const childRss = after.reduce((sum, lane) => sum + (lane.peakRssBytes ?? 0), 0);
  const runCpuMs = ownCpuMs + childrenCpuMs(after) - childrenCpuMs(before);
  return {
    round: {
      startMs,
      runMs,
      wallMs: startMs + runMs,
      cpuMs: readyCpuMs - startCpuMs + childrenCpuMs(atReady) + runCpuMs,
      runCpuMs,
      ...(lastLoopMs !== undefined && { loopCpuMs: lastLoopMs - firstLoopMs! }),
      // Read before the checksum is made, whose memory isn't the model's.
      peakRssBytes: host.peakRssBytes() + childRss,
    },
    ran: { outcomes, before, after, firstMs, ownCpuMs, decisions },
    found: {
      lanes: executor.lanes,
      slots: Number.isFinite(executor.slots) ? executor.slots : null,
      ...(mostMs !== undefined && { stopped: limit.signal.aborted }),
      ...(device && { device }),
    },
  };
}

/**
 * Runs one trial in this process.
 *
 * The order is: `prepare`, making the items, start and set-up of every lane, warm-up, the measured
 * items, stop of every lane, checksum. Only start and items are measured. Lanes are stopped, and what
 * was prepared is disposed, whatever happened before.
 */
export async function runTrialHere(spec: TrialSpec, host: TrialHost): Promise<TrialResult> {
  const { job, prefix } = spec;
  const preparing = await hook(job, job.prepare);
  const reset = await hook(job, job.reset);
  const comparable = await hook(job, job.comparable);
  await using _prepared = await prepare(preparing);
  await reset?.();
  const { items, places } = await openItems(job.items);
  const listed = spec.pace === undefined ? items : await Array.fromAsync(items);
  const { warmup, all } = await withWarmup(listed, spec.warmup ?? 0);
  const task = places === undefined ? job.task : { ...job.task, places } satisfies PlacedTask;
  const { round, ran, found } = await measure(spec, host, task as AnyTask, warmup, all);
  const { outcomes } = ran;
  const rejected = (outcomes.filter(({ status }) => status === "rejected") as Rejected[])
    .map((of) => placed(of, places));
  // A task that can't be loaded was never run: its failures say nothing of the model.
  const unloaded = rejected.map(({ reason }) => reason)
    .find((reason) => errorName(reason) === "TaskLoadError");
  if (unloaded !== undefined) throw unloaded;
  const failed = rejected.length;
  const pacePerSecond = paceOf(outcomes);
  const longest = longestOf(outcomes, round.runMs);
  const warm = found.slots === 1 ? warmOf(outcomes, ran.firstMs) : undefined;
  const settled = outcomes.filter(({ status }) => status === "fulfilled");
  const stuck = found.stopped
    ? stuckOf([...settled, ...rejected], ran.firstMs, round.runMs)
    : undefined;
  // A schedule is judged by all of its requests.
  const every = spec.pace === undefined ? shownEvery(outcomes.length) : 1;
  return {
    ...found,
    round: {
      round: spec.round,
      ...round,
      succeeded: outcomes.length - failed,
      failed,
      checksum: await checksumOf(outcomes, comparable),
      ...(failed > 0 && failuresOf(rejected)),
    },
    ...(spec.timeline && { timeline: timelineOf({ round: spec.round, every, ...ran }) }),
    ...(prefix !== undefined && {
      prefixChecksum: await checksumOf(outcomes.filter(({ index }) => index < prefix), comparable),
    }),
    ...(failed > 0 && { failures: failureKindsOf(rejected) }),
    ...(pacePerSecond !== null && { pacePerSecond }),
    ...(warm && { warm }),
    ...(longest && { longest: { ...longest, index: places?.[longest.index] ?? longest.index } }),
    ...(stuck && { stuck }),
    warnings: spec.timeline && every > 1
      ? [
        `The timeline shows one task in ${every}: there were ${outcomes.length}, and it keeps at most ` +
        `${TIMELINE_TASKS}.`,
      ]
      : [],
  };
}

/** What became of an item, named by its place in its list. */
function placed(rejected: Rejected, places: readonly number[] | undefined): Rejected {
  const { index: turn, reason, ended } = rejected;
  const index = places?.[turn] ?? turn;
  // What the executor itself says names the item by its turn.
  if (ended !== "failed" && reason instanceof Error) {
    reason.message = reason.message.replace(new RegExp(`\\b([Ii]tem) ${turn}\\b`), `$1 ${index}`);
  }
  return { ...rejected, index };
}

/** More tasks than this are thinned out: a result file must stay readable. */
export const TIMELINE_TASKS = 100_000;

const shownEvery = (tasks: number) => Math.ceil(tasks / TIMELINE_TASKS) || 1;

/** To the microsecond, which is what the clock tells. */
const rounded = (ms: number) => Math.round(ms * 1000) / 1000;

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

export function decisionsSince(firstMs: number, decisions: readonly Decision[]): TimedDecision[] {
  return decisions.map(({ atMs, figures, ...rest }) => ({
    ...rest,
    atMs: rounded(Math.max(0, atMs - firstMs)),
    figures: { ...figures, latencyMs: figures.latencyMs || null },
  }));
}

export function timelineOf(
  {
    round,
    outcomes,
    every = shownEvery(outcomes.length),
    before,
    after,
    firstMs,
    ownCpuMs,
    decisions = [],
  }: {
    readonly round: number;
    readonly outcomes: readonly Outcome<unknown>[];
    /** One task in so many is told of. */
    readonly every?: number;
    /** What each lane had used before the first item, and after the last outcome. */
    readonly before: readonly LaneUsage[];
    readonly after: readonly LaneUsage[];
    /** When the first item was asked for, on the clock of the outcomes. */
    readonly firstMs: number;
    /** CPU time of this process during the run: the lane's own where the event loop is the lane. */
    readonly ownCpuMs?: number;
    readonly decisions?: readonly Decision[];
  },
): Timeline {
  const shown = outcomes.toSorted((a, b) => a.index - b.index)
    .filter((_, place) => place % every === 0);
  const since = (ms: number) => rounded(ms - firstMs);
  const byLane = Map.groupBy(outcomes, ({ lane }) => lane);
  const lanes = after.map((usage) => {
    const earlier = before.find(({ lane }) => lane === usage.lane)?.cpuMs ?? 0;
    const cpuMs = usage.cpuMs === undefined
      ? (after.length === 1 ? ownCpuMs : undefined)
      : usage.cpuMs - earlier;
    const busy = busyMs(byLane.get(usage.lane) ?? []);
    const cpuShare = cpuMs === undefined || busy === 0
      ? null
      : Math.min(1, Math.max(0, cpuMs / busy));
    const { lane, startMs, machine } = usage;
    return { lane, startMs: rounded(Math.max(0, startMs)), cpuShare, ...(machine && { machine }) };
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
    ...(decisions.length > 0 && { decisions: decisionsSince(firstMs, decisions) }),
  };
}

/** Of so many tasks the latency is noted between two looks, at most. */
const MOST_LATENCIES = 1000;

/** Looks at the lanes of an executor. */
export class LaneWatch {
  #latencies: number[] = [];

  constructor(private readonly executor: Pick<Executor, "lanes" | "slots" | "running">) {}

  /** A task has ended; of one that never started the times are no numbers. */
  ended({ startedAtMs, endedAtMs }: { readonly startedAtMs: number; readonly endedAtMs: number }) {
    const ms = endedAtMs - startedAtMs;
    if (ms >= 0 && this.#latencies.length < MOST_LATENCIES) this.#latencies.push(ms);
  }

  look(): LanesNow {
    const { lanes: count, slots } = this.executor;
    const lanes = Array<number>(count).fill(0);
    for (const { lane } of this.executor.running()) lanes[lane] = (lanes[lane] ?? 0) + 1;
    const latencies = this.#latencies.sort((a, b) => a - b);
    this.#latencies = [];
    const most = latencies.at(-1);
    const median = latencies[latencies.length >> 1];
    return {
      lanes: Array.from(lanes, (count = 0) => count),
      slots: Number.isFinite(slots) ? slots : null,
      latencyMs: most === undefined ? null : { median: median!, most },
    };
  }
}

/** How often progress is told, at most, in milliseconds. */
const PROGRESS_MS = 100;

const sumMs = ({ user, system }: { user: number; system: number }) => (user + system) / 1000;

if (import.meta.main) {
  await answerParent<TrialOrder>(({ order: { trial, metered }, inbox, tell, signal }) => {
    const say: (message: TrialMessage) => void = tell;
    // Called once before anything is measured: Deno makes this global on first use, which takes a while.
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
