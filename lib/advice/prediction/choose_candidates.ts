/** Which models are worth racing, and with how many lanes and slots. */

import { BASELINE } from "../../models.ts";
import { MOST_MEMORY } from "../../judge/thresholds.ts";
import {
  bySimplicity,
  type Candidate,
  eventLoop,
  inFlightOf,
  SEQUENTIAL,
  threads,
} from "./candidate.ts";
import type { Machine } from "./machine.ts";
import { predict, type Prediction, saturationSlots, totalMs } from "./predict.ts";
import { blocks, type Sample } from "../probe/sample.ts";

export interface Predicted {
  readonly candidate: Candidate;
  readonly prediction: Prediction;
}

/** More tasks than this are not put in flight at once: file descriptors, memory, and servers set limits. */
export const MOST_IN_FLIGHT = 1024;
/** More lanes than this aren't tried: each takes memory and time to start. */
export const MOST_LANES = 32;
const FILLS = 1.1;
const SPARE = 1.5;
/** Tasks tend to wait all at the same time: so many times the slots that their turns would need. */
const AMPLE = 8;
/** From this share of waiting on, an event loop with slots is always tried: it is so simple. */
const WAITS_SOME = 0.15;
/** A model predicted to take this many times as long as the best isn't raced, unless the best disappoint. */
const HOPELESS = 1.25;
/** Below this share of the CPU time on the event loop, the rest is tasks' own work on other threads. */
const BESIDE = 0.85;
/** Models raced beside sequential. */
const MOST_RACED = 4;
/** Tasks that hold less than this each don't fill a machine's memory: the runtime itself grows as much at first. */
const MUCH_MEMORY = 50 * (1 << 20);

/** The least power of two from `value` on: finer steps couldn't be told apart. */
export function powerOfTwoFrom(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}

/** What each task in flight holds, as far as the first one shows. */
export function heldBytes({ taskBytes = 0 }: Pick<Sample, "taskBytes">): number {
  return taskBytes < MUCH_MEMORY ? 0 : taskBytes;
}

export function inMemory(sample: Sample, { memoryBytes = Infinity }: Machine): number {
  return Math.max(1, Math.floor(MOST_MEMORY * memoryBytes / heldBytes(sample)));
}

/** Whether tasks compute beside their event loop, as far as this process itself can see. */
export function computesBeside({ cpuMs, loopMs }: Pick<Sample, "cpuMs" | "loopMs">): boolean {
  return loopMs < BESIDE * cpuMs;
}

/** How long a task holds up its event loop, by computing or by waiting without letting others run. */
export function heldMs({ wallMs, cpuShare, loopMs, cpuMs, blockedMs }: Sample): number {
  return wallMs * cpuShare * (loopMs / Math.max(1e-9, cpuMs)) + blockedMs;
}

function fewSlots({ cores }: Machine): number[] {
  return [cores, 2 * cores].filter((slots) => slots > 1);
}

function lanesWanted(
  sample: Sample,
  machine: Machine,
  tested: number,
  horizon: number,
): Candidate[] {
  const found: Candidate[] = [];
  for (let lanes = 2 * machine.cores; lanes <= Math.min(MOST_LANES, tested); lanes *= 2) {
    found.push(threads(lanes));
  }
  const timeOf = (of: Candidate) => totalMs(predict(sample, of, horizon, machine));
  return blocks(sample) ? found.sort((a, b) => timeOf(a) - timeOf(b)).slice(0, 1) : [];
}

/** All models that the job could run under, with the sizes that its sample suggests. */
export function possibleCandidates(
  sample: Sample,
  machine: Machine,
  triable: number,
  total: number | null,
  horizon: number,
): Candidate[] {
  const { wallMs, sourceMs, uncloneable } = sample;
  const fitting = inMemory(sample, machine);
  const tested = Math.min(triable, fitting);
  const cores = Math.min(machine.cores, Math.max(1, tested));
  const held = heldMs(sample);
  // Slots beyond these find the event loop busy, or no item to take.
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
    // As many slots as items would be all at once once more.
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
    if (each > 1 && saturation > SPARE) candidates.push(threads(cores, each));
    candidates.push(...lanesWanted(sample, machine, tested, horizon));
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
  runsPrograms = false,
): { readonly all: readonly Predicted[]; readonly raced: readonly Candidate[] } {
  const all = possibleCandidates(sample, machine, tested, total, horizon)
    .map((candidate) => ({ candidate, prediction: predict(sample, candidate, horizon, machine) }));
  const others = all.filter(({ candidate }) => candidate !== SEQUENTIAL)
    .sort((a, b) => totalMs(a.prediction) - totalMs(b.prediction));
  const [best] = others;
  if (best === undefined) return { all, raced: [SEQUENTIAL] };
  const waits = 1 - heldMs(sample) / sample.wallMs;
  const few = runsPrograms || computesBeside(sample)
    ? others.filter(({ candidate: { model, slots } }) =>
      model === "limited" && fewSlots(machine).includes(slots)
    )
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

/** What models were predicted to gain against sequential, of those that so many items are enough for. */
export function predictedGains(
  all: readonly Predicted[],
  items: number,
): { readonly candidate: Candidate; readonly gain: number }[] {
  const plain = all.find(({ candidate }) => candidate.model === BASELINE);
  return all.filter(({ candidate }) => inFlightOf(candidate, Infinity) <= items)
    .map(({ candidate, prediction }) => ({
      candidate,
      gain: plain === undefined ? 0 : totalMs(plain.prediction) / totalMs(prediction),
    }));
}
