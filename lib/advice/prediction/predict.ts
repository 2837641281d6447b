/** Predicts from the sample alone how long a job takes under a model, what it is bound by, and if that holds. */

import { LESS, mostSaved } from "../../judge/choose.ts";
import { BASELINE, isRemote } from "../../models.ts";
import { computesBeside, isCold, mostCpuShare, type Sample } from "../probe/sample.ts";
import { type Candidate, SEQUENTIAL } from "./candidate.ts";
import { type Machine, startMsOf, withCoresOf } from "./machine.ts";
import { studentCdf } from "../../timing/statistics.ts";
import { boundOfShare, COMPUTES, LITTLE_MS, WAITS } from "../../judge/thresholds.ts";
import { isBusy } from "../../timing/meter/meter.ts";
import type { SharedState } from "../job/shared_state.ts";

/** A job as its sample shows it on its machine; `horizon` is its number of items, known or assumed. */
export interface SampledJob {
  readonly sample: Sample;
  readonly machine: Machine;
  readonly horizon: number;
}

/** From the first item to the last outcome, in milliseconds: the likely, the least and the greatest time. */
export type Prediction = ReturnType<typeof predict>;

export function totalMs({ startMs, runMs }: Pick<Prediction, "startMs" | "runMs">): number {
  return startMs + runMs;
}

/**
 * How long tasks take when each free slot takes the next one: list scheduling (Graham, SIAM J. Appl. Math. 17,
 * 1969); and for how long all slots are taken.
 */
export function listSchedule(timesMs: readonly number[], slots: number) {
  const longer = (a: number, b: number) => Math.max(a, b);
  if (slots > timesMs.length) return { endMs: timesMs.reduce(longer, 0), fullMs: 0 };
  // A binary heap of the times at which slots become free, the earliest first.
  const free = new Float64Array(slots);
  for (const ms of timesMs) {
    const ends = free[0]! + ms;
    let at = 0;
    while (true) {
      let child = 2 * at + 1;
      if (child >= slots) break;
      if (child + 1 < slots && free[child + 1]! < free[child]!) child++;
      if (free[child]! >= ends) break;
      free[at] = free[child]!;
      at = child;
    }
    free[at] = ends;
  }
  return { endMs: free.reduce(longer, 0), fullMs: free[0] ?? 0 };
}

/** The slots that keep a lane's CPU always busy (Denning and Buzen, ACM Computing Surveys 10, 1978). */
export function saturationSlots(computeMs: number, wallMs: number): number {
  return computeMs <= 0 ? Infinity : Math.max(1, wallMs / computeMs);
}

/** Time that the dispatcher takes for an item, in milliseconds. */
const DISPATCH_MS = 0.0006;

/** More items than this are not simulated one by one; their time is scaled. */
const SIMULATED = 20_000;

function gainOfLanes(lanes: number, { cores, ceiling }: Machine): number {
  if (lanes >= cores) return Math.max(1, ceiling);
  return cores < 2 ? 1 : 1 + (Math.max(1, ceiling) - 1) * (lanes - 1) / (cores - 1);
}

type Times = Omit<Sample["walls"][number], "count">;

function timesOf(
  { walls, rest }: Pick<Sample, "walls" | "rest">,
  count: number,
  lanes = 1,
): Times[] {
  const times: Times[] = [];
  while (times.length < count) {
    for (const wall of walls) {
      for (let i = 0; i < wall.count && times.length < count; i++) times.push(wall);
    }
    while (rest !== undefined && times.length < count) times.push(rest);
  }
  // Each lane runs its first item as cold as the sample ran its own.
  return isCold({ walls, rest }) ? times.fill(walls[0]!, 0, lanes) : times;
}

/** How many times the sample's mean these items compute, and how many times they wait. */
function loadsOf(sample: Sample, times: readonly Times[]) {
  const { wallMs, cpuMs, cpuShare, walls } = sample;
  const all = Math.max(1, walls.reduce((sum, { count }) => sum + count, 0));
  const ownMs = walls.reduce((sum, { count, cpuMs = 0 }) => sum + count * cpuMs, 0) / all;
  // CPU time of programs that tasks run is known only for all items together.
  const programsMs = Math.max(0, cpuMs - ownMs);
  const queued = cpuShare * wallMs / Math.max(cpuMs, 1e-9);
  const computed = (of: Times) => (of.cpuMs ?? 0) + programsMs;
  const waited = (of: Times) => Math.max(0, of.wallMs - queued * computed(of));
  const waitedMs = walls.reduce((sum, wall) => sum + wall.count * waited(wall), 0) / all;
  const mean = (timeOf: (of: Times) => number) =>
    times.reduce((sum, of) => sum + timeOf(of), 0) / Math.max(1, times.length);
  const whole = wallMs > 0 ? mean((of) => of.wallMs) / wallMs || 1 : 1;
  const known = walls.every((wall) => wall.cpuMs !== undefined);
  return {
    computing: known && cpuMs > 0 ? mean(computed) / cpuMs : whole,
    waiting: known && waitedMs > 0 ? mean(waited) / waitedMs : whole,
  };
}

/** The share of their time in which the first `items` items compute, 0 to 1. */
export function cpuShareOf(sample: Sample, items: number): number {
  const { computing, waiting } = loadsOf(sample, timesOf(sample, Math.min(items, SIMULATED)));
  const computes = sample.cpuShare * computing;
  return computes / Math.max(1e-9, computes + (1 - sample.cpuShare) * waiting);
}

/**
 * How a task spends its time on average, in milliseconds: computing on its lane's thread, and on all threads;
 * waiting that holds up the lane's thread, and other waiting. Writing or reading its values takes `sideMs`.
 */
function partsOf(sample: Sample, times: readonly Times[], sideMs: number) {
  const { wallMs, cpuMs, cpuShare } = sample;
  // Other programs are taken to slow computing down in the race as much as in the sample.
  const kept = Math.max(1, cpuShare * wallMs / Math.max(cpuMs, 1e-9));
  const aloneMs = Math.min(wallMs, kept * sample.loopMs);
  const holdingMs = Math.min(sample.blockedMs, wallMs - aloneMs);
  // A part of the time away from the lane's thread may be computing elsewhere.
  const awayMs = wallMs - aloneMs - holdingMs;
  const elsewhereMs = Math.min(awayMs, Math.max(0, kept * cpuMs - aloneMs));
  // The first items may take more or less than the mean, so times are scaled to them.
  const { computing, waiting } = loadsOf(sample, times);
  return {
    loopMs: (aloneMs + sideMs) * computing,
    allCpuMs: (Math.max(aloneMs, kept * cpuMs) + 2 * sideMs) * computing,
    blockedMs: holdingMs * waiting,
    waitMs: elsewhereMs * computing + (awayMs - elsewhereMs + sideMs) * waiting,
  };
}

/** With many tasks in flight, a waiting task may compute up to this many times what it does alone. */
const MORE = 2;
/** A prediction may always be wrong by this share. */
const OFF = 0.1;

/**
 * The likely, least and greatest time of `items` items. At best tasks never queue, and the time is the greatest
 * of four: list scheduling; what holds up each event loop; all computing over the machine's ceiling; and the
 * dispatcher, which is serial. On another lane, the tasks in flight may instead all wait together and then
 * compute in turn, since timers that are due come before messages. The likely time is the geometric mean of
 * these two. The limits also allow for tasks that compute less or more than one by one.
 */
export function predict(
  sample: Sample,
  candidate: Candidate,
  items: number,
  own: Machine,
) {
  const { model, slots } = candidate;
  const machine = withCoresOf(own, candidate);
  const remote = isRemote(model);
  const lanes = Math.min(candidate.lanes, items);
  const startMs = startMsOf(machine, model) *
      (remote ? 0.5 + 0.5 * candidate.lanes / machine.cores : 1) +
    (sample.laneMs ?? 0) - (remote ? 0 : sample.loadMs ?? 0);
  const inFlight = Math.min(slots, Math.ceil(items / lanes));
  const times = timesOf(sample, Math.min(items, SIMULATED), remote ? lanes : 1);
  const repeats = items / times.length;
  const sumOf = (of: (one: Times) => number) => times.reduce((sum, one) => sum + of(one), 0);
  const sumMs = sumOf(({ wallMs }) => wallMs);
  // Each value is written on one side and read on the other, which is half of a clone each.
  const sideMs = remote ? sample.cloneMs / 2 : 0;
  // All lanes share one dispatcher.
  const dealingMs = items * (DISPATCH_MS + sideMs) + repeats * sumOf(({ sourceMs }) => sourceMs);
  const uneven = 2 * sample.variation / Math.sqrt(sample.items);
  if (model === BASELINE) {
    const runMs = repeats * sumMs + dealingMs;
    const lowMs = runMs * Math.max(0.5, 1 - uneven);
    return { startMs, runMs, lowMs, highMs: runMs * (1 + uneven) };
  }
  const { loopMs, allCpuMs, blockedMs, waitMs } = partsOf(sample, times, sideMs);
  const taskMs = loopMs + blockedMs + waitMs;
  // The share of its time in which a lane computes, and how many lanes compute at the same time.
  const share = loopMs / Math.max(loopMs + blockedMs, taskMs / inFlight, 1e-9);
  const busy = Math.max(1, lanes * share);
  // Lanes that compute at the same time share what the machine gains.
  const slower = Math.max(1, busy / gainOfLanes(busy, machine));
  const heldMs = loopMs * slower + blockedMs;
  const factor = taskMs * times.length / Math.max(1e-9, sumMs);
  const { endMs, fullMs } = listSchedule(times.map(({ wallMs }) => wallMs * factor), slots * lanes);
  // Once slots are free at the end, the last tasks no longer slow each other.
  const scheduledMs = repeats * (endMs + fullMs * ((heldMs + waitMs) / Math.max(1e-9, taskMs) - 1));
  const boundFor = (computes: number) =>
    Math.max(
      scheduledMs,
      // The first task's wait, or the last one's, passes while there is nothing else to do.
      items * (loopMs * computes * slower + blockedMs) / lanes + waitMs + (remote ? 0 : dealingMs),
      (items * allCpuMs * computes + dealingMs) / gainOfLanes(machine.cores, machine),
      dealingMs,
    );
  const bestMs = boundFor(1);
  const worstMs = remote ? Math.max(bestMs, items * (heldMs + waitMs / inFlight) / lanes) : bestMs;
  const runMs = Math.sqrt(bestMs * worstMs);
  const unknown = (waitMs / taskMs) * (1 - 1 / inFlight);
  const off = 1 + Math.min(1, uneven) + OFF;
  return {
    startMs,
    runMs,
    lowMs: Math.min(runMs, boundFor(LESS ** unknown)) / off,
    highMs: Math.max(worstMs, boundFor(MORE ** unknown)) * off,
  };
}

/** Why no model can gain anything, regardless of measurements. */
export type NoGain =
  | { readonly why: "little" | "loading"; readonly savedMs: number }
  | { readonly why: "one item" | "dealing" | "copying" };

export interface Classified {
  readonly bound: ReturnType<typeof boundOfShare> | "small";
  readonly cpuShare: number;
  readonly confidence: number;
  readonly noGain?: NoGain | undefined;
}

/** Error of the CPU share whatever the sample says, since caches, clocks and other programs change. */
const SYSTEMATIC = 0.03;
/** Further error if other programs have a core all the time, because waits get longer, too. */
const CONTENDED = 0.3;
/** The most degrees of freedom that a sample counts for; a small sample promises little. */
const MOST_FREEDOM = 60;

function certainty(probability: number): number {
  return Math.round(Math.min(0.99, Math.max(0.5, probability)) * 100) / 100;
}

/** Classifies tasks by their CPU share, regardless of how short the job is. */
export function classByShare(
  sample: Pick<Sample, "cpuShare" | "cpuShareError" | "items"> & Partial<Sample>,
): Classified {
  const { cpuShare, cpuShareError, items, available = 1 } = sample;
  const unknown = mostCpuShare(sample) - cpuShare;
  const error = Math.hypot(cpuShareError, unknown, SYSTEMATIC + CONTENDED * (1 - available));
  const freedom = Math.max(1, Math.min(items - 1, MOST_FREEDOM));
  const below = (threshold: number) => studentCdf((threshold - cpuShare) / error, freedom);
  const bound = boundOfShare(cpuShare);
  const sure = {
    io: below(WAITS),
    mixed: below(COMPUTES) - below(WAITS),
    cpu: 1 - below(COMPUTES),
  }[bound];
  return { bound, cpuShare, confidence: certainty(sure) };
}

/** Time that the dispatcher and a lane need for an item in a large batch, in milliseconds. */
const LEAST_ITEM_MS = 0.001;

/** Classifies a job; it is small if the best model saves less than twice the start of a lane. */
export function classFor(sample: Sample, machine: Machine, items: number): Classified {
  const { cpuShare, wallMs, cloneMs } = sample;
  // On a busy machine lanes start slowly, which doesn't make the job smaller.
  const leastMs = Math.min(2 * machine.startMs.workers, LITTLE_MS);
  const cores = Math.max(machine.cores, machine.joined?.lanes ?? 0);
  // One long task isn't a small job, though nothing can run beside it.
  const saved = items < 2 ? 1 : mostSaved(cpuShare, cores, items);
  const savedMs = predict(sample, SEQUENTIAL, items, machine).runMs * saved;
  const isLittle = savedMs <= leastMs;
  const computeMs = cpuShare > COMPUTES ? wallMs * cpuShare : Infinity;
  const isDealt = items > 1 && computeMs < LEAST_ITEM_MS;
  const isCopied = computeMs < LEAST_ITEM_MS + cloneMs;
  const why = isDealt ? "dealing" : isCopied ? "copying" : undefined;
  const { loadMs = 0 } = sample;
  const isLoading = loadMs >= savedMs && cpuShare > COMPUTES && !computesBeside(sample);
  const noGain: NoGain | undefined = items < 2
    ? { why: "one item" }
    : isLittle
    ? { why: "little", savedMs }
    : isLoading
    ? { why: "loading", savedMs }
    : why && { why };
  if (!isLittle && !isDealt) return { ...classByShare(sample), noGain };
  // The distance from the limit is logarithmic; at a factor of two the class is 97 % sure.
  const distance = 2 * Math.log2(Math.max(1e-9, isDealt ? 0 : savedMs) / leastMs);
  return { bound: "small", cpuShare, confidence: certainty(studentCdf(-distance, 30)), noGain };
}

/** Other programs count if they leave a busy thread less than this share of a CPU. */
export const BUSY_CPU = 0.85;
/** Other programs count if independent processes gain less than this share of the cores. */
const BUSY_CORES = 0.75;

/** Whether other programs used the CPUs so much that times of computing lanes may not hold. */
export function wasBusy(
  { available, others }: Pick<Sample, "available" | "others">,
  machine: Machine,
): boolean {
  // If the system counts other programs' use, a low ceiling is the machine's own, or a wrong measurement.
  if (others === undefined) return available < BUSY_CPU || isCeilingLow(machine);
  // A thread that queued longer than others used a core queued behind threads of its own program.
  return isBusy(others) || (available < BUSY_CPU && others.used >= 1 - available);
}

/** Whether independent processes gained so little that something else must have slowed them. */
export function isCeilingLow({ cores, ceiling }: Pick<Machine, "cores" | "ceiling">): boolean {
  return ceiling < BUSY_CORES * cores;
}

/** Whether other programs may have slowed the tasks; waiting is hardly slowed. */
export function mayBeSlowed(sample: Sample, machine: Machine): boolean {
  return mostCpuShare(sample) > WAITS && wasBusy(sample, machine);
}

/** Whether this matters to the advice: the tasks might gain on an idle machine, not only on an event loop. */
export function busyMatters(
  { sample, machine, horizon, shared }: SampledJob & {
    /** State that keeps the tasks in one event loop. */
    readonly shared?: SharedState | undefined;
  },
): boolean {
  return mayBeSlowed(sample, machine) && (shared === undefined || computesBeside(sample)) &&
    classFor(sample, machine, horizon).noGain === undefined;
}
