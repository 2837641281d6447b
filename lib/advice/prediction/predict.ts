/**
 * How long a job would take under a model, from the sample alone: start-up, cost per item, transfer,
 * lanes, slots and the machine's ceiling.
 *
 * @module
 */

import type { Candidate } from "./candidate.ts";
import { demandOf } from "./demand.ts";
import { listScheduleMs, meanValueThroughput } from "./queueing.ts";
import type { Sample } from "../probe/sample.ts";

/** What the machine does, measured. */
export interface Machine {
  /** How many CPUs there are. */
  readonly cores: number;
  /** What independent processes gain on all cores. */
  readonly ceiling: number;
  /** Memory that is free, in bytes; undefined if that may not be known. */
  readonly memoryBytes?: number | undefined;
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

/** More items than this are not simulated one by one, but scaled. */
const SIMULATED = 20_000;

/** What so many busy lanes gain together, between 1 and the ceiling of all cores. */
function gainOfLanes(lanes: number, { cores, ceiling }: Machine): number {
  if (lanes >= cores) return Math.max(1, ceiling);
  return cores < 2 ? 1 : 1 + (Math.max(1, ceiling) - 1) * (lanes - 1) / (cores - 1);
}

/** The first tasks are cold once, not each time that the sample is repeated. */
const COLD = 6;

/** The sample's own times, over and over, as many as there are items. */
function timesOf({ walls }: Sample, count: number, what: "wallMs" | "sourceMs"): number[] {
  const times: number[] = [];
  const again = walls.length >= 2 * COLD ? walls.slice(COLD) : walls;
  for (let pass = walls; times.length < count; pass = again) {
    for (const wall of pass) {
      for (let i = 0; i < wall.count && times.length < count; i++) times.push(wall[what]);
    }
  }
  return times;
}

/** What a waiting task computes with many in flight may be so much less, or more, than it seems alone. */
const LESS = 0.5;
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
 * before messages that bring the next items. See queueing.ts for the sources.
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
  const simulatedTimes = timesOf(sample, simulated, "wallMs");
  // The first few items may be longer or shorter than the mean: they weigh what the sample measured.
  const sumMs = simulatedTimes.reduce((sum, ms) => sum + ms, 0);
  const load = sample.wallMs > 0 && sumMs > 0 ? sumMs / simulated / sample.wallMs : 1;
  const { dispatcherMs } = demand;
  const [loopMs, blockedMs, waitMs, allCpuMs] = [
    demand.loopMs * load,
    demand.blockedMs * load,
    demand.waitMs * load,
    demand.allCpuMs * load,
  ];
  const sourceMs = timesOf(sample, simulated, "sourceMs").reduce((sum, ms) => sum + ms, 0) *
    items / simulated;
  const dealingMs = items * dispatcherMs + sourceMs;
  if (model === "sequential") {
    const tasksMs = simulatedTimes.reduce((sum, ms) => sum + ms, 0) * items / simulated;
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
  const factor = stretched / Math.max(1e-9, sample.wallMs * load);
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

/**
 * Start and work together.
 *
 * @returns Milliseconds.
 */
export function totalMs({ startMs, runMs }: Pick<Prediction, "startMs" | "runMs">): number {
  return startMs + runMs;
}
