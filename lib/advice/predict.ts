/**
 * How long a job would take under a model, from the sample alone: start-up, cost per item, transfer,
 * lanes, slots and the machine's ceiling.
 *
 * @module
 */

import type { Candidate } from "./candidate.ts";
import { listScheduleMs, meanValueThroughput } from "./queueing.ts";
import type { Sample } from "./sample.ts";

/** What the machine does, measured. */
export interface Machine {
  /** How many CPUs there are. */
  readonly cores: number;
  /** What independent processes gain on all cores. */
  readonly ceiling: number;
  /** Until a model's lanes can take tasks, in milliseconds, with as many lanes as cores. */
  readonly startMs: Readonly<Record<"eventLoop" | "workers" | "processes", number>>;
}

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

/** A message to a lane and back takes about this, in milliseconds; one of a subprocess. */
const ROUND_TRIP_MS = { workers: 0.06, processes: 0.12 };
/** Tasks shorter than this travel together (dispatch/chunk_sizer.ts). */
const CHUNK_MS = 4;
/** What the dispatcher itself takes for an item, in milliseconds. */
const DISPATCH_MS = 0.0006;
/** What a pipe carries, in bytes a millisecond. */
const PIPE_BYTES_MS = 500_000;
/** More items than this are not simulated one by one, but scaled. */
const SIMULATED = 20_000;

/** What a task would take of each resource on another lane, in milliseconds. */
interface Demand {
  readonly loopMs: number;
  /** Waiting that holds up the event loop. */
  readonly blockedMs: number;
  /** Waiting that lets others run. */
  readonly waitMs: number;
  readonly allCpuMs: number;
  readonly dispatcherMs: number;
}

function demandOf(sample: Sample, { model }: Candidate): Demand {
  const { wallMs, loopMs, cpuMs, cpuShare } = sample;
  // What others take of the CPU slows every task down, here as in the race.
  const kept = Math.max(1, cpuShare * wallMs / Math.max(cpuMs, 1e-9));
  const ownLoopMs = Math.min(wallMs, loopMs * kept);
  const blockedMs = Math.min(sample.blockedMs, wallMs - ownLoopMs);
  const plain = {
    loopMs: ownLoopMs,
    blockedMs,
    waitMs: wallMs - ownLoopMs - blockedMs,
    allCpuMs: Math.max(ownLoopMs, cpuMs * kept),
    dispatcherMs: DISPATCH_MS,
  };
  if (model !== "workers" && model !== "processes") return plain;
  const bytes = sample.itemBytes + sample.resultBytes;
  const pipeMs = model === "processes" ? bytes / PIPE_BYTES_MS : 0;
  // Each value is written on one side and read on the other: half of a clone each.
  const sideMs = sample.cloneMs / 2 + pipeMs;
  const tripMs = ROUND_TRIP_MS[model] * Math.min(1, wallMs / CHUNK_MS);
  return {
    blockedMs,
    loopMs: plain.loopMs + sideMs,
    waitMs: plain.waitMs + tripMs + sideMs,
    allCpuMs: plain.allCpuMs + 2 * sideMs,
    dispatcherMs: DISPATCH_MS + sideMs,
  };
}

/** What so many busy lanes gain together, between 1 and the ceiling of all cores. */
function gainOfLanes(lanes: number, { cores, ceiling }: Machine): number {
  if (lanes >= cores) return Math.max(1, ceiling);
  return cores < 2 ? 1 : 1 + (Math.max(1, ceiling) - 1) * (lanes - 1) / (cores - 1);
}

/** The sample's own times, over and over, as many as there are items. */
function timesOf({ walls }: Sample, count: number, what: "wallMs" | "sourceMs"): number[] {
  const times: number[] = [];
  while (times.length < count) {
    for (const wall of walls) {
      for (let i = 0; i < wall.count && times.length < count; i++) times.push(wall[what]);
    }
  }
  return times;
}

/**
 * Predicts how long so many items take under a model.
 *
 * The likely time is between two bounds. At best, tasks interleave without ever queueing, and the time
 * is the greatest of four: list scheduling of the sample's own times over the slots; each event loop's
 * share of what holds it up; all computing over the machine's ceiling; and what the dispatcher spends on
 * getting items and copying them, the serial part that Amdahl's law is about. At worst, they queue for the event loop as in
 * mean value analysis. See queueing.ts for the sources.
 *
 * @param sample The sample.
 * @param candidate The model and its size.
 * @param items How many items.
 * @param machine What the machine does.
 * @returns The prediction.
 *
 * @example
 * ```ts
 * import type { Machine, Prediction } from "./predict.ts";
 * import { predict } from "./predict.ts";
 * import type { Sample } from "./sample.ts";
 *
 * function plainLoop(sample: Sample, machine: Machine): Prediction {
 *   return predict(sample, { model: "sequential", lanes: 1, slots: 1 }, 100, machine);
 * }
 * console.log(plainLoop.length); // 2
 * ```
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
    (kind === "eventLoop" ? 1 : 0.5 + 0.5 * candidate.lanes / machine.cores);
  const demand = demandOf(sample, candidate);
  const { loopMs, blockedMs, waitMs, allCpuMs, dispatcherMs } = demand;
  const simulated = Math.min(items, SIMULATED);
  const simulatedTimes = timesOf(sample, simulated, "wallMs");
  const sourceMs = timesOf(sample, simulated, "sourceMs").reduce((sum, ms) => sum + ms, 0) *
    items / simulated;
  const dealingMs = items * dispatcherMs + sourceMs;
  if (model === "sequential") {
    const tasksMs = simulatedTimes.reduce((sum, ms) => sum + ms, 0) * items / simulated;
    const runMs = tasksMs + dealingMs;
    const off = 2 * sample.variation / Math.sqrt(sample.items);
    return { startMs, runMs, lowMs: runMs * Math.max(0.5, 1 - off), highMs: runMs * (1 + off) };
  }
  const inFlight = Math.min(slots, Math.ceil(items / lanes));
  const taskMs = loopMs + blockedMs + waitMs;
  // A lane computes for this share of the time, and so many of them compute at the same time.
  const computing = loopMs / Math.max(loopMs + blockedMs, taskMs / inFlight, 1e-9);
  const busy = Math.max(1, lanes * computing);
  // Lanes beyond what the machine gains share it.
  const slower = Math.max(1, busy / gainOfLanes(busy, machine));
  const heldMs = loopMs * slower + blockedMs;
  const stretched = heldMs + waitMs;
  const factor = stretched / sample.wallMs;
  const scheduled = listScheduleMs(simulatedTimes.map((ms) => ms * factor), slots * lanes) *
    (items / simulated);
  const bound = Math.max(
    scheduled,
    // The first task waits before, or the last one after, while nothing else is left to do.
    items * heldMs / lanes + waitMs + (kind === "eventLoop" ? dealingMs : 0),
    (items * allCpuMs + dealingMs) / gainOfLanes(machine.cores, machine),
    dealingMs,
  );
  // Each further lane compiles the code anew, all at the same time.
  const coldMs = kind === "eventLoop" ? 0 : sample.coldMs * (1 - 1 / lanes);
  const queued = items / (lanes * meanValueThroughput(heldMs, waitMs, inFlight));
  const worst = Math.max(bound, queued) + coldMs;
  const off = 1 + Math.min(1, 2 * sample.variation / Math.sqrt(sample.items)) + 0.1;
  // Nearer to the best: the times of real tasks are seldom as uneven as mean value analysis takes them.
  const runMs = Math.pow(bound + coldMs, 2 / 3) * Math.pow(worst, 1 / 3);
  return { startMs, runMs, lowMs: (bound + coldMs) / off, highMs: worst * off };
}

/**
 * Start and work together.
 *
 * @param prediction The prediction.
 * @returns Milliseconds.
 *
 * @example
 * ```ts
 * import { totalMs } from "./predict.ts";
 *
 * console.log(totalMs({ startMs: 20, runMs: 100 })); // 120
 * ```
 */
export function totalMs({ startMs, runMs }: Pick<Prediction, "startMs" | "runMs">): number {
  return startMs + runMs;
}
