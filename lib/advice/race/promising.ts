/** Which models are worth racing: of those that the job could run under, the most promising. */

import { BASELINE, type Model, needsServer } from "../../models.ts";
import { MOST_MEMORY, WAITS } from "../../judge/thresholds.ts";
import {
  bySimplicity,
  type Candidate,
  eventLoop,
  isLoop as runsInLoop,
  joined as joinedOf,
  SEQUENTIAL,
  threads,
} from "../prediction/candidate.ts";
import type { Machine } from "../prediction/machine.ts";
import { predict, type Prediction, saturationSlots, totalMs } from "../prediction/predict.ts";
import {
  blocks,
  computesBeside,
  heldBytes,
  heldMs,
  mostCpuShare,
  type Sample,
} from "../probe/sample.ts";

/** Facts about a job and its machine before anything is raced. */
export interface KnownJob {
  readonly sample: Sample;
  readonly machine: Machine;
  readonly total: number | null;
  /** How many items advice counts with: all, or an assumed number if that is unknown. */
  readonly horizon: number;
  /** The models that may be raced beside the plain loop; by default the usual ones and other machines. */
  readonly models?: readonly Model[] | undefined;
  /** Whether the tasks may run programs whose CPU time the system doesn't report. */
  readonly runsPrograms?: boolean;
}

export interface Predicted {
  readonly candidate: Candidate;
  readonly prediction: Prediction;
}

/** The most tasks that are put in flight at once: file descriptors, memory and servers set limits. */
export const MOST_IN_FLIGHT = 1024;
/** The most lanes that are tried, since each takes memory and time to start. */
export const MOST_USEFUL_LANES = 32;
const FILLS = 1.1;
const SPARE = 1.5;
/** Lanes get this many times the slots that taking turns would need: tasks tend to wait all at once. */
const AMPLE = 8;
/** From this share of waiting on, an event loop with slots is always tried, because it is simple. */
const WAITS_SOME = 0.15;
/** A lane for each item is tried where a lane for each core would take this many times as long. */
const WORTH_SHARING = 1.1;
/** A model predicted to take this many times as long as the best is raced only if the best disappoint. */
const HOPELESS = 1.25;
/** The most models that are raced beside the plain loop. */
const MOST_RACED = 4;

/** The least power of two from `value` on; finer steps couldn't be told apart. */
export function powerOfTwoFrom(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}

export function inMemory(sample: Sample, { memoryBytes = Infinity }: Machine): number {
  return Math.max(1, Math.floor(MOST_MEMORY * memoryBytes / heldBytes(sample)));
}

/** Whether tasks compute much on threads beside the event loop's, or in programs. */
function mostlyBeside(sample: Sample): boolean {
  return computesBeside(sample) && mostCpuShare(sample) > WAITS;
}

function fewSlots({ cores }: Machine): number[] {
  return [cores, 2 * cores].filter((slots) => slots > 1);
}

/** More lanes than cores, for tasks that hold up their thread while they wait. */
function lanesWanted({ sample, machine, horizon }: KnownJob, tested: number): Candidate[] {
  if (!blocks(sample)) return [];
  const found: Candidate[] = [];
  for (let lanes = 2 * machine.cores; lanes <= Math.min(MOST_USEFUL_LANES, tested); lanes *= 2) {
    found.push(threads(lanes));
  }
  const timeOf = (of: Candidate) => totalMs(predict(sample, of, horizon, machine));
  return found.sort((a, b) => timeOf(a) - timeOf(b)).slice(0, 1);
}

/**
 * A lane for each of a few computing items, which then share the cores until the end. With a lane for each core
 * the last items would leave cores idle: nine items on eight cores take two turns.
 */
function laneEach({ machine: { cores }, total }: KnownJob, tested: number): Candidate[] {
  if (total === null || total > Math.min(tested, MOST_USEFUL_LANES)) return [];
  return Math.ceil(total / cores) * cores >= WORTH_SHARING * total ? [threads(total)] : [];
}

/** All models that the job could run under, in the sizes that its sample suggests. */
export function possibleCandidates(job: KnownJob, triable: number): Candidate[] {
  const { sample, machine, total } = job;
  const { wallMs, sourceMs, uncloneable } = sample;
  const { joined } = machine;
  const fitting = inMemory(sample, machine);
  const tested = Math.min(triable, fitting);
  const cores = Math.min(machine.cores, Math.max(1, tested));
  const held = heldMs(sample);
  // More slots than `saturation` find the event loop busy; more than `arrivals` find no item to take.
  const saturation = saturationSlots(held, wallMs);
  const arrivals = saturationSlots(Math.max(held, sourceMs), wallMs + sourceMs);
  const wanted = Math.min(
    MOST_IN_FLIGHT,
    powerOfTwoFrom(SPARE * Math.min(saturation, arrivals)),
  );
  const candidates: Candidate[] = [SEQUENTIAL];
  if (saturation >= FILLS && tested > 1) {
    const all = total !== null && total <= Math.min(tested, MOST_IN_FLIGHT);
    if (all) candidates.push(eventLoop());
    const slots = Math.min(wanted, tested);
    // As many slots as items would be the same as all items at once.
    if (!all || slots < total) candidates.push(eventLoop(slots));
    candidates.push(...fewSlots(machine).filter((few) => few < slots).map(eventLoop));
  }
  if (uncloneable === undefined && tested > 1) {
    const ample = powerOfTwoFrom(AMPLE * (saturation - 1));
    const each = Math.min(
      Math.max(wanted, Math.min(ample, MOST_IN_FLIGHT / cores)),
      Math.ceil(tested / cores),
      Math.floor(fitting / cores),
    );
    candidates.push(threads(cores), { ...threads(cores), model: "processes" });
    if (each > 1 && saturation >= FILLS) candidates.push(threads(cores, each));
    candidates.push(...lanesWanted(job, tested));
    if (saturation < FILLS && tested > cores) candidates.push(...laneEach(job, tested));
  }
  // Tasks on other machines take no memory of this one, so it doesn't limit them.
  if (joined !== undefined && uncloneable === undefined && triable > 1) {
    const { lanes } = joined;
    const most = Math.min(wanted, Math.ceil(triable / lanes), Math.floor(MOST_IN_FLIGHT / lanes));
    candidates.push(joinedOf(lanes, saturation >= FILLS ? Math.max(1, most) : 1));
  }
  return candidates.sort(bySimplicity);
}

/**
 * Chooses the promising models: those predicted to come near the best, and simple ones that might. Other
 * machines are always raced, because predictions don't know how fast they are.
 */
export function promising(
  job: KnownJob,
  tested: number,
): { readonly all: readonly Predicted[]; readonly raced: readonly Candidate[] } {
  const { sample, machine, horizon, models } = job;
  const all = possibleCandidates(job, tested)
    .filter(({ model }) => model === BASELINE || mayBeRaced(model, models))
    .map((candidate) => ({ candidate, prediction: predict(sample, candidate, horizon, machine) }));
  const elsewhere = all.map(({ candidate }) => candidate).filter(({ model }) => needsServer(model));
  // With only as many slots as cores, a core would be idle while its next task is handed out.
  const fillsWith = job.runsPrograms || mostlyBeside(sample) ? 2 * machine.cores : 0;
  const fills = (of: Candidate) => runsInLoop(of) && of.slots >= fillsWith;
  const isFilled = all.some(({ candidate }) => fills(candidate));
  const leavesIdle = (of: Candidate) => isFilled && runsInLoop(of) && !fills(of);
  const ranked = all.filter(({ candidate }) =>
    candidate !== SEQUENTIAL && !elsewhere.includes(candidate) && !leavesIdle(candidate)
  ).sort((a, b) => totalMs(a.prediction) - totalMs(b.prediction));
  const [best] = ranked;
  if (best === undefined) return { all, raced: [SEQUENTIAL, ...elsewhere] };
  // Lanes would use the same cores, so slots are raced in their place; lanes enter if slots disappoint.
  const areSlots = mostlyBeside(sample) && runsInLoop(best.candidate);
  const others = areSlots ? ranked.filter(({ candidate }) => runsInLoop(candidate)) : ranked;
  const waits = 1 - heldMs(sample) / sample.wallMs;
  const few = others.filter(({ candidate }) =>
    runsInLoop(candidate) && candidate.slots === fillsWith
  );
  const simple = others.find(({ candidate }) => runsInLoop(candidate));
  const chosen = others.filter((of) =>
    totalMs(of.prediction) <= HOPELESS * totalMs(best.prediction) ||
    (of === simple && waits >= WAITS_SOME)
  );
  const kept = chosen.slice(0, MOST_RACED);
  if (simple !== undefined && chosen.includes(simple) && !kept.includes(simple)) {
    kept[kept.length - 1] = simple;
  }
  const raced = [...new Set([...few, ...kept])].slice(0, MOST_RACED)
    .map(({ candidate }) => candidate).sort(bySimplicity);
  return { all, raced: [SEQUENTIAL, ...raced, ...elsewhere] };
}

/** The predicted gains over the plain loop, of the models that `items` items can fill. */
export function predictedGains(all: readonly Predicted[], items: number) {
  const plain = all.find(({ candidate }) => candidate.model === BASELINE);
  return all.filter(({ candidate: { lanes, slots } }) =>
    slots === Infinity || lanes * slots <= items
  )
    .map(({ candidate, prediction }) => ({
      candidate,
      gain: plain === undefined ? 0 : totalMs(plain.prediction) / totalMs(prediction),
    }));
}

export function mayBeRaced(model: Model, models: readonly Model[] | undefined): boolean {
  return models === undefined || models.includes(model);
}
