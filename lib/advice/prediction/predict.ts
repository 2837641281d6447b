/**
 * How long a job would take under a model, from the sample alone: start-up, cost per item, transfer,
 * lanes, slots and the machine's ceiling.
 *
 * @module
 */

import { BASELINE, isRemote, MODEL_TABLE } from "../../models.ts";
import type { Sample } from "../probe/sample.ts";
import type { Candidate } from "./candidate.ts";
import type { Machine } from "./machine.ts";

/** A prediction, in milliseconds. */
export interface Prediction {
  /** Until the lanes can take tasks. */
  readonly startMs: number;
  /** From the first item to the last outcome: as likely, at best, and at worst. */
  readonly runMs: number;
  /** The least that the work may take. */
  readonly lowMs: number;
  /** The most that the work may take. */
  readonly highMs: number;
}

/** Start and work together, in milliseconds. */
export function totalMs({ startMs, runMs }: Pick<Prediction, "startMs" | "runMs">): number {
  return startMs + runMs;
}

/**
 * How long a batch takes when each slot takes the next item as soon as it is free: list scheduling
 * (Graham, "Bounds on Multiprocessing Timing Anomalies", SIAM J. Appl. Math. 17, 1969).
 * `slots` counts those of all lanes together.
 */
export function listScheduleMs(timesMs: readonly number[], slots: number): number {
  if (slots >= timesMs.length) return timesMs.reduce((most, ms) => Math.max(most, ms), 0);
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
  return free.reduce((most, ms) => Math.max(most, ms), 0);
}

/**
 * How many tasks a lane ends in a millisecond, with tasks that queue for its CPU in turns with waits:
 * exact mean value analysis of a closed network of one queue and one delay (Reiser and Lavenberg,
 * "Mean-Value Analysis of Closed Multichain Queuing Networks", J. ACM 27, 1980). Its service times are
 * exponential; real tasks vary less, so this is the upper end of a prediction.
 */
export function meanValueThroughput(computeMs: number, waitMs: number, slots: number): number {
  // Far beyond saturation nothing changes any more.
  const most = Math.min(slots, 4096);
  let queue = 0;
  let throughput = 0;
  for (let inFlight = 1; inFlight <= most; inFlight++) {
    const response = computeMs * (1 + queue);
    throughput = inFlight / Math.max(1e-9, response + waitMs);
    queue = throughput * response;
  }
  return throughput;
}

/**
 * From how many slots on a lane's CPU is always busy, if nothing ever queues: the saturation point of
 * the asymptotic bounds (Denning and Buzen, "The Operational Analysis of Queueing Network Models",
 * ACM Computing Surveys 10, 1978).
 */
export function saturationSlots(computeMs: number, wallMs: number): number {
  return computeMs <= 0 ? Infinity : Math.max(1, wallMs / computeMs);
}

/** Tasks shorter than this travel together. */
const CHUNK_MS = 4;
/** What the dispatcher itself takes for an item, in milliseconds. */
const DISPATCH_MS = 0.0006;
/** What a pipe carries, in bytes a millisecond. */
const PIPE_BYTES_MS = 500_000;
/** A wait shorter than this hardly puts a thread to sleep, in milliseconds. */
const SLEEP_MS = 0.5;
/** Waking explains at most this share of what a task computes. */
const MOST_WAKING = 0.9;

/** What a task takes, in milliseconds. */
interface Demand {
  /** Computing on its lane's thread. */
  readonly loopMs: number;
  /** Waiting that holds up its lane's thread. */
  readonly blockedMs: number;
  /** Waiting that lets other tasks of its lane run. */
  readonly waitMs: number;
  /** Computing on all threads. */
  readonly allCpuMs: number;
  /** Work of the dispatcher, which is one for all lanes. */
  readonly dispatcherMs: number;
  /** What a lane's first tasks take longer, once: their code is cold. */
  readonly coldMs: number;
}

/**
 * What a task takes under a model.
 *
 * With many in flight a lane's thread hardly ever sleeps, so what waking it cost one by one is taken off
 * in proportion to how busy the lane is; what the first tasks of the sample took longer is counted
 * once a lane, however many items there are; and threads and processes are sent their items.
 */
function demandOf(sample: Sample, { model }: Candidate, inFlight: number): Demand {
  const { wallMs, cpuMs, cpuShare, coldMs, items, wakeMs } = sample;
  // Other programs on the CPU slow tasks down in the race as they did in the sample.
  const kept = Math.max(1, cpuShare * wallMs / Math.max(cpuMs, 1e-9));
  const warm = (ms: number) => kept * Math.max(0.1 * ms, ms - coldMs / items);
  const aloneMs = Math.min(wallMs, warm(sample.loopMs));
  const blockedMs = Math.min(sample.blockedMs, wallMs - aloneMs);
  const waitMs = wallMs - aloneMs - blockedMs;
  const busy = (1 - 1 / inFlight) * Math.min(1, inFlight * aloneMs / wallMs);
  const wakingMs = busy * Math.min(1, waitMs / SLEEP_MS) *
    Math.min(MOST_WAKING * aloneMs, kept * wakeMs);
  const plain = {
    loopMs: aloneMs - wakingMs,
    blockedMs,
    waitMs,
    allCpuMs: Math.max(aloneMs, warm(cpuMs)) - wakingMs,
    dispatcherMs: DISPATCH_MS,
    coldMs: kept * coldMs,
  };
  if (!isRemote(model)) return plain;
  const bytes = sample.itemBytes + sample.resultBytes;
  const pipeMs = MODEL_TABLE[model].place === "process" ? bytes / PIPE_BYTES_MS : 0;
  // Each value is written on one side and read on the other: half of a clone each.
  const sideMs = sample.cloneMs / 2 + pipeMs;
  const tripMs = MODEL_TABLE[model].roundTripMs * Math.min(1, wallMs / CHUNK_MS);
  return {
    ...plain,
    loopMs: plain.loopMs + sideMs,
    waitMs: plain.waitMs + tripMs + sideMs,
    allCpuMs: plain.allCpuMs + 2 * sideMs,
    dispatcherMs: DISPATCH_MS + sideMs,
  };
}

/** More items than this are not simulated one by one, but scaled. */
const SIMULATED = 20_000;

/** What so many busy lanes gain together, between 1 and the ceiling of all cores. */
function gainOfLanes(lanes: number, { cores, ceiling }: Machine): number {
  if (lanes >= cores) return Math.max(1, ceiling);
  return cores < 2 ? 1 : 1 + (Math.max(1, ceiling) - 1) * (lanes - 1) / (cores - 1);
}

/** The first tasks are cold once, not each time that the sample is repeated. */
const COLD = 6;

/** One item's times in the sample, in milliseconds. */
type Times = Omit<Sample["walls"][number], "count">;

/** The sample's own times, over and over, as many as there are items. */
function timesOf({ walls }: Pick<Sample, "walls">, count: number): Times[] {
  const times: Times[] = [];
  const again = walls.length >= 2 * COLD ? walls.slice(COLD) : walls;
  for (let pass = walls; times.length < count; pass = again) {
    for (const wall of pass) {
      for (let i = 0; i < wall.count && times.length < count; i++) times.push(wall);
    }
  }
  return times;
}

/** How much more than the sample's mean some items compute, and how much more they wait. */
interface Loads {
  readonly computing: number;
  readonly waiting: number;
}

/** The loads of items of which each took so long, wall time and CPU time, in the sample. */
function loadsOf(sample: Sample, times: readonly Times[]): Loads {
  const { wallMs, cpuMs, cpuShare, walls } = sample;
  const all = Math.max(1, walls.reduce((sum, { count }) => sum + count, 0));
  const ownMs = walls.reduce((sum, { count, cpuMs = 0 }) => sum + count * cpuMs, 0) / all;
  // Programs that tasks run are counted all together.
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

/** The share of their time that so many of the first items compute; the sample's own for all of them. */
export function cpuShareOf(sample: Sample, items: number): number {
  const { computing, waiting } = loadsOf(sample, timesOf(sample, Math.min(items, SIMULATED)));
  const computes = sample.cpuShare * computing;
  return computes / Math.max(1e-9, computes + (1 - sample.cpuShare) * waiting);
}

/** With many in flight a waiting task may compute so much less, or more, than one by one. */
export const LESS = 0.5;
const MORE = 2;

/**
 * Predicts how long so many items take under a model.
 *
 * The likely time is between two bounds. At best, tasks interleave without ever queueing, and the time
 * is the greatest of four: list scheduling of the sample's own times over the slots; each event loop's
 * share of what holds it up; all computing over the machine's ceiling; and what the dispatcher spends on
 * getting items and copying them, the serial part that Amdahl's law is about. At worst, they queue for
 * the event loop as in mean value analysis, or compute twice as much as seemed; and on another lane the
 * tasks in flight may all wait together and then compute in turn, for timers that are due are served
 * before messages that bring the next items.
 */
export function predict(
  sample: Sample,
  candidate: Candidate,
  items: number,
  machine: Machine,
): Prediction {
  const { model, slots } = candidate;
  const lanes = Math.min(candidate.lanes, items);
  const kind = model === "workers" || model === "processes" ? model : "eventLoop";
  const startMs = machine.startMs[kind] *
      (kind === "eventLoop" ? 1 : 0.5 + 0.5 * candidate.lanes / machine.cores) +
    (sample.laneMs ?? 0);
  const inFlight = Math.min(slots, Math.ceil(items / lanes));
  const demand = demandOf(sample, candidate, inFlight);
  const simulated = Math.min(items, SIMULATED);
  const times = timesOf(sample, simulated);
  const simulatedTimes = times.map(({ wallMs }) => wallMs);
  // The first items may be longer or shorter than the mean: what a task takes is scaled to them.
  const { computing: computes, waiting } = loadsOf(sample, times);
  const sumMs = simulatedTimes.reduce((sum, ms) => sum + ms, 0);
  const { dispatcherMs } = demand;
  const [loopMs, blockedMs, waitMs, allCpuMs] = [
    demand.loopMs * computes,
    demand.blockedMs * waiting,
    demand.waitMs * waiting,
    demand.allCpuMs * computes,
  ];
  const sourceMs = times.reduce((sum, { sourceMs }) => sum + sourceMs, 0) * items / simulated;
  const dealingMs = items * dispatcherMs + sourceMs;
  if (model === BASELINE) {
    const tasksMs = sumMs * items / simulated;
    const runMs = tasksMs + dealingMs;
    const off = 2 * sample.variation / Math.sqrt(sample.items);
    return { startMs, runMs, lowMs: runMs * Math.max(0.5, 1 - off), highMs: runMs * (1 + off) };
  }
  const taskMs = loopMs + blockedMs + waitMs;
  // A lane computes for this share of the time, and so many of them compute at the same time.
  const computing = loopMs / Math.max(loopMs + blockedMs, taskMs / inFlight, 1e-9);
  const busy = Math.max(1, lanes * computing);
  // Lanes beyond what the machine gains share it.
  const slower = Math.max(1, busy / gainOfLanes(busy, machine));
  const stretched = loopMs * slower + blockedMs + waitMs;
  const factor = stretched * simulated / Math.max(1e-9, sumMs);
  const scheduled = listScheduleMs(simulatedTimes.map((ms) => ms * factor), slots * lanes) *
    (items / simulated);
  // Each lane compiles the code for itself, all at the same time.
  const coldMs = demand.coldMs;
  const boundFor = (loopFactor: number) =>
    Math.max(
      scheduled + coldMs * (1 - 1 / lanes),
      // The first task waits before, or the last one after, while nothing else is left to do.
      items * (loopMs * loopFactor * slower + blockedMs) / lanes + coldMs + waitMs +
        (kind === "eventLoop" ? dealingMs : 0),
      (items * allCpuMs * loopFactor + lanes * coldMs + dealingMs) /
        gainOfLanes(machine.cores, machine),
      dealingMs,
    );
  const bound = boundFor(1);
  const heldMs = loopMs * slower + blockedMs;
  const queued = 1 / meanValueThroughput(heldMs, waitMs, inFlight);
  const together = kind === "eventLoop" ? 0 : heldMs + waitMs / inFlight;
  const worst = Math.max(bound, items * Math.max(queued, together) / lanes + coldMs);
  // Nearer to the best on this event loop: real times are seldom as uneven as mean value analysis takes
  // them, and a slot is filled again as soon as it is free.
  const worse = kind === "eventLoop" ? 1 / 3 : 1 / 2;
  const runMs = Math.pow(bound, 1 - worse) * Math.pow(worst, worse);
  const unknown = (waitMs / taskMs) * (1 - 1 / inFlight);
  const off = 1 + Math.min(1, 2 * sample.variation / Math.sqrt(sample.items)) + 0.1;
  return {
    startMs,
    runMs,
    lowMs: Math.min(runMs, boundFor(Math.pow(LESS, unknown))) / off,
    highMs: Math.max(worst, boundFor(Math.pow(MORE, unknown))) * off,
  };
}
