/**
 * Which models are worth racing, and with how many lanes and slots.
 *
 * @module
 */

import { BASELINE } from "../../models.ts";
import { MOST_MEMORY } from "../../judge/thresholds.ts";
import { bySimplicity, type Candidate, inFlightOf, SEQUENTIAL } from "./candidate.ts";
import type { Machine } from "./machine.ts";
import { predict, type Prediction, saturationSlots, totalMs } from "./predict.ts";
import { blocks, type Sample } from "../probe/sample.ts";

/** A candidate and its prediction for the whole job. */
export interface Predicted {
  /** The model and its size. */
  readonly candidate: Candidate;
  /** Its time for the whole job. */
  readonly prediction: Prediction;
}

/** More tasks than this are not put in flight at once: file descriptors, memory, and servers set limits. */
export const MOST_IN_FLIGHT = 1024;
/** More lanes than this aren't tried: each takes memory and time to start. */
export const MOST_LANES = 32;
/** Where slots could not gain even this, there is no waiting to fill. */
const FILLS = 1.1;
/** Slots are made ready for tasks that wait longer than the mean. */
const SPARE = 1.5;
/**
 * A worker or process gets so many times the slots that would keep it busy if its tasks took turns: they
 * tend to wait all at the same time, and more slots make that wait a small part.
 */
const AMPLE = 8;
/** From this share of waiting on, an event loop with slots is always tried: it is so simple. */
const WAITS_SOME = 0.15;
/** A model predicted to take this many times as long as the best isn't raced, unless the best disappoint. */
const HOPELESS = 1.25;
/** Below this share of the CPU time on the event loop, the rest is tasks' own work on other threads. */
const BESIDE = 0.85;
/** Models raced beside sequential. */
const MOST_RACED = 4;

/** The least power of two from `value` on: finer steps couldn't be told apart. */
export function powerOfTwoFrom(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}

/** Tasks that hold less than this each don't fill a machine's memory, in bytes. */
const MUCH_MEMORY = 50 * (1 << 20);

/** How many tasks in flight fit the memory that is free. */
export function inMemory({ taskBytes = 0 }: Sample, { memoryBytes }: Machine): number {
  return memoryBytes === undefined || taskBytes < MUCH_MEMORY
    ? Infinity
    : Math.max(1, Math.floor(MOST_MEMORY * memoryBytes / taskBytes));
}

/** Whether tasks compute beside their event loop, as far as this process itself can see. */
export function computesBeside({ cpuMs, loopMs }: Pick<Sample, "cpuMs" | "loopMs">): boolean {
  return loopMs < BESIDE * cpuMs;
}

/** Whether a model has one or two slots a core, for tasks that compute beside the event loop. */
function isFewSlots({ model, slots }: Candidate, { cores }: Machine): boolean {
  return model === "limited" && (slots === cores || slots === 2 * cores);
}

/** How long a task holds up its event loop, by computing or by waiting without letting others run. */
function heldMs({ wallMs, cpuShare, loopMs, cpuMs, blockedMs }: Sample): number {
  return wallMs * cpuShare * (loopMs / Math.max(1e-9, cpuMs)) + blockedMs;
}

/** Slots beyond these find the event loop busy, or no item to take. */
function slotsWanted(sample: Sample): { saturation: number; slots: number } {
  const { wallMs, sourceMs } = sample;
  const saturation = saturationSlots(heldMs(sample), wallMs);
  const arrivals = saturationSlots(Math.max(heldMs(sample), sourceMs), wallMs + sourceMs);
  return {
    saturation,
    slots: Math.min(MOST_IN_FLIGHT, powerOfTwoFrom(SPARE * Math.min(saturation, arrivals))),
  };
}

/** More lanes than cores, for tasks that hold up their thread while they wait: the number predicted best. */
function lanesWanted(
  sample: Sample,
  machine: Machine,
  tested: number,
  horizon: number,
): number | undefined {
  if (!blocks(sample)) return undefined;
  const most = Math.min(MOST_LANES, tested);
  const numbers: number[] = [];
  for (let lanes = 2 * machine.cores; lanes <= most; lanes *= 2) numbers.push(lanes);
  const timeOf = (lanes: number) =>
    totalMs(predict(sample, { model: "workers", lanes, slots: 1 }, horizon, machine));
  return numbers.sort((a, b) => timeOf(a) - timeOf(b))[0];
}

/**
 * All models that the job could run under, with the sizes that its sample suggests: as many slots as
 * keep a lane busy while tasks wait, as many lanes as there are cores, or more if tasks wait without
 * letting others run. `concurrent` is one only if the race tries all items at once.
 */
export function possibleCandidates(
  sample: Sample,
  machine: Machine,
  triable: number,
  total: number | null,
  horizon: number,
): Candidate[] {
  const tested = Math.min(triable, inMemory(sample, machine));
  const cores = Math.min(machine.cores, Math.max(1, tested));
  const { saturation, slots: wanted } = slotsWanted(sample);
  const candidates: Candidate[] = [SEQUENTIAL];
  const fills = saturation >= FILLS && tested > 1;
  if (fills && total !== null && total <= Math.min(tested, MOST_IN_FLIGHT)) {
    candidates.push({ model: "concurrent", lanes: 1, slots: Infinity });
  }
  const slots = Math.min(wanted, tested);
  // As many slots as items would be concurrent once more.
  if (fills && !(candidates.length > 1 && slots >= total!)) {
    candidates.push({ model: "limited", lanes: 1, slots });
  }
  // Where tasks compute beside the event loop, as many as there are cores are enough.
  for (const few of [machine.cores, 2 * machine.cores]) {
    if (fills && few > 1 && few < slots) {
      candidates.push({ model: "limited", lanes: 1, slots: few });
    }
  }
  if (sample.uncloneable === undefined && tested > 1) {
    candidates.push({ model: "workers", lanes: cores, slots: 1 });
    const ample = powerOfTwoFrom(AMPLE * (saturation - 1));
    const each = Math.min(
      Math.max(wanted, Math.min(ample, MOST_IN_FLIGHT / cores)),
      Math.ceil(tested / cores),
      Math.floor(inMemory(sample, machine) / cores),
    );
    if (each > 1 && saturation > SPARE) {
      candidates.push({ model: "workers", lanes: cores, slots: each });
    }
    const lanes = lanesWanted(sample, machine, tested, horizon);
    if (lanes !== undefined) candidates.push({ model: "workers", lanes, slots: 1 });
    candidates.push({ model: "processes", lanes: cores, slots: 1 });
  }
  return candidates.sort(bySimplicity);
}

/** Chooses the promising models: those predicted to come near the best, and simple ones that might. */
export function promising(
  sample: Sample,
  machine: Machine,
  tested: number,
  total: number | null,
  horizon: number,
  beside = false,
): { readonly all: readonly Predicted[]; readonly raced: readonly Candidate[] } {
  const all = possibleCandidates(sample, machine, tested, total, horizon).map((candidate) => ({
    candidate,
    prediction: predict(sample, candidate, horizon, machine),
  }));
  const others = all.filter(({ candidate }) => candidate !== SEQUENTIAL)
    .sort((a, b) => totalMs(a.prediction) - totalMs(b.prediction));
  const best = others[0];
  if (best === undefined) return { all, raced: [SEQUENTIAL] };
  const waits = 1 - heldMs(sample) / sample.wallMs;
  const few = (beside || computesBeside(sample))
    ? others.filter(({ candidate }) => isFewSlots(candidate, machine))
    : [];
  const simple = others.find(({ candidate }) => candidate.lanes === 1);
  const chosen = others.filter((of) =>
    totalMs(of.prediction) <= HOPELESS * totalMs(best.prediction) ||
    (of === simple && waits >= WAITS_SOME)
  );
  const kept = chosen.slice(0, MOST_RACED);
  if (simple !== undefined && chosen.includes(simple) && !kept.includes(simple)) {
    kept[kept.length - 1] = simple;
  }
  const raced = [...new Set([...few, ...kept])].slice(0, Math.max(MOST_RACED, few.length + 1));
  return {
    all,
    raced: [SEQUENTIAL, ...raced.map(({ candidate }) => candidate).sort(bySimplicity)],
  };
}

/** Takes the model with the longest predicted time out of a race. */
export function withoutSlowest(
  raced: readonly Candidate[],
  all: readonly Predicted[],
): readonly Candidate[] {
  const timeOf = (candidate: Candidate) => {
    const found = all.find((of) => of.candidate === candidate);
    return found === undefined ? Infinity : totalMs(found.prediction);
  };
  const slowest = raced.filter((candidate) => candidate !== SEQUENTIAL)
    .sort((a, b) => timeOf(b) - timeOf(a))[0];
  return raced.filter((candidate) => candidate !== slowest);
}

/** What models were predicted to gain against sequential. */
export function predictedGains(
  all: readonly Predicted[],
  items: number,
): { readonly candidate: Candidate; readonly gain: number }[] {
  const sequential = all.find(({ candidate }) => candidate.model === BASELINE);
  if (sequential === undefined) return [];
  return all.filter(({ candidate }) => inFlightOf(candidate, Infinity) <= items)
    .map(({ candidate, prediction }) => ({
      candidate,
      gain: totalMs(sequential.prediction) / totalMs(prediction),
    }));
}
