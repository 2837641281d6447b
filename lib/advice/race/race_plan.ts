/**
 * What is raced: the models that promise most, how often and on how many items, so that advice stays
 * cheaper than three runs of the sample.
 */

import { BASELINE, type Model, needsServer } from "../../models.ts";
import type { Others } from "../../timing/meter/meter.ts";
import type { JobSpec } from "../../timing/spec.ts";
import {
  bySimplicity,
  type Candidate,
  eventLoop,
  inFlightOf,
  isLoop as runsInLoop,
  joined as joinedOf,
  SEQUENTIAL,
  threads,
} from "../prediction/candidate.ts";
import type { Machine } from "../prediction/machine.ts";
import { predict, type Prediction, saturationSlots, totalMs } from "../prediction/predict.ts";
import type { Probed } from "../probe/probe.ts";
import {
  blocks,
  computesBeside,
  heldBytes,
  heldMs,
  mostCpuShare,
  type Sample,
  sampleOf,
  typicalFrom,
} from "../probe/sample.ts";
import { MOST_MEMORY, WAITS } from "../../judge/thresholds.ts";
import { type RacePlan } from "./race.ts";

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
/** Models raced beside sequential. */
const MOST_RACED = 4;

/** The least power of two from `value` on: finer steps couldn't be told apart. */
export function powerOfTwoFrom(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}

export function inMemory(sample: Sample, { memoryBytes = Infinity }: Machine): number {
  return Math.max(1, Math.floor(MOST_MEMORY * memoryBytes / heldBytes(sample)));
}

function fewSlots({ cores }: Machine): number[] {
  return [cores, 2 * cores].filter((slots) => slots > 1);
}

function lanesWanted(sample: Sample, machine: Machine, tested: number, horizon: number) {
  if (!blocks(sample)) return [];
  const found: Candidate[] = [];
  for (let lanes = 2 * machine.cores; lanes <= Math.min(MOST_LANES, tested); lanes *= 2) {
    found.push(threads(lanes));
  }
  const timeOf = (of: Candidate) => totalMs(predict(sample, of, horizon, machine));
  return found.sort((a, b) => timeOf(a) - timeOf(b)).slice(0, 1);
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
  const { joined } = machine;
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
    if (each > 1 && saturation >= FILLS) candidates.push(threads(cores, each));
    candidates.push(...lanesWanted(sample, machine, tested, horizon));
  }
  // What waits or is held there takes none of the memory here.
  if (joined !== undefined && uncloneable === undefined && triable > 1) {
    const { lanes } = joined;
    const most = Math.min(wanted, Math.ceil(triable / lanes), Math.floor(MOST_IN_FLIGHT / lanes));
    candidates.push(joinedOf(lanes, saturation >= FILLS ? Math.max(1, most) : 1));
  }
  return candidates.sort(bySimplicity);
}

/**
 * Chooses the promising models: those predicted to come near the best, and simple ones that might. Only a
 * race tells of other machines.
 */
export function promising(
  sample: Sample,
  machine: Machine,
  tested: number,
  total: number | null,
  horizon: number,
  { runsPrograms = false, models }: Pick<Planned, "runsPrograms" | "models"> = {},
): { readonly all: readonly Predicted[]; readonly raced: readonly Candidate[] } {
  const all = possibleCandidates(sample, machine, tested, total, horizon)
    .filter(({ model }) => model === BASELINE || mayBeRaced(model, models))
    .map((candidate) => ({ candidate, prediction: predict(sample, candidate, horizon, machine) }));
  const elsewhere = all.map(({ candidate }) => candidate).filter(({ model }) => needsServer(model));
  const others = all.filter(({ candidate }) =>
    candidate !== SEQUENTIAL && !elsewhere.includes(candidate)
  ).sort((a, b) => totalMs(a.prediction) - totalMs(b.prediction));
  const [best] = others;
  if (best === undefined) return { all, raced: [SEQUENTIAL, ...elsewhere] };
  const waits = 1 - heldMs(sample) / sample.wallMs;
  // Tasks that mostly wait need more slots than that, wherever they compute.
  const few = runsPrograms || (computesBeside(sample) && mostCpuShare(sample) > WAITS)
    ? others.filter(({ candidate: { model, slots } }) =>
      model === "limited" && fewSlots(machine).includes(slots)
    )
    : [];
  const simple = others.find(({ candidate }) => runsInLoop(candidate));
  const chosen = others.filter((of) =>
    totalMs(of.prediction) <= HOPELESS * totalMs(best.prediction) ||
    (of === simple && waits >= WAITS_SOME)
  );
  const kept = chosen.slice(0, MOST_RACED);
  if (simple !== undefined && chosen.includes(simple) && !kept.includes(simple)) {
    kept[kept.length - 1] = simple;
  }
  const raced = [...new Set([...few, ...kept])].slice(0, Math.max(MOST_RACED, few.length + 1))
    .map(({ candidate }) => candidate).sort(bySimplicity);
  return { all, raced: [SEQUENTIAL, ...raced, ...elsewhere] };
}

/** What models were predicted to gain against sequential, of those that so many items are enough for. */
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

/** The sample is one run, the race gets less than two, a few items from last to first the rest. */
const RUNS = 1.65;
const HARD_RUNS = 1.75;
const PLANNED = 0.85;
/** Where that buys no race, it may take this share of what is left of the budget. */
const BUDGET_SHARE = 0.7;
const ROUNDS = 5;
const ROUNDS_OF_FEWER = 3;
/** Where all items in flight may be the best, all of them tell more than more rounds. */
const ROUNDS_OF_ALL = 2;
/** Sequential's part of the race. */
const SEQUENTIAL_SHARE = 1 / 3;
/** A model predicted to take so many times as long as the best may well be the best. */
const NEAR = 1.1;
/** Each lane is to get about this many items, if there are enough; more for its slots, up to a dozen. */
const ITEMS_A_LANE = 3;
const ITEMS_A_SLOT = 1.5;
const MOST_A_LANE = 12;
/** What a trial's process takes beside its lanes and its tasks. */
const PROCESS_MS = 120;
/** A plan may be so much over its time, for the least that makes a race. */
const OVER = 1.1;

/** Plans a race; null if there isn't time for even one round. */
export function planRace(
  sample: Sample,
  raced: readonly Candidate[],
  machine: Machine,
  { alone, most }: { readonly alone: number; readonly most: number },
  leftMs: number,
  allowanceMs = RUNS * sample.tasksMs,
): RacePlan | null {
  const others = raced.filter(({ model }) => model !== BASELINE);
  if (others.length === 0 || Math.min(alone, most) < 2) return null;
  const predicted = others.map((of) => ({ of, ...predict(sample, of, most, machine) }));
  const plain = predict(sample, SEQUENTIAL, alone, machine);
  const othersMs = predicted.reduce((sum, { runMs }) => sum + runMs, 0);
  const startMs = [plain, ...predicted].reduce((sum, { startMs }) => sum + PROCESS_MS + startMs, 0);
  const near = NEAR * Math.min(...predicted.map(totalMs));
  const isAllAtOnce = predicted.some((one) =>
    inFlightOf(one.of, most) === most && totalMs(one) <= near
  );
  // How many slots one event loop fills shows on few items: on lanes those behind a long task wait for it.
  const enough = Math.ceil(
    Math.max(
      ...others.map(({ lanes, slots }) =>
        lanes * Math.max(ITEMS_A_LANE, lanes > 1 ? Math.min(ITEMS_A_SLOT * slots, MOST_A_LANE) : 1)
      ),
    ),
  );
  // What a few cost that aren't like the others tells nothing of these.
  const typical = typicalFrom(sample);
  const few = Math.min(most, Math.max(enough, typical));
  const least = isAllAtOnce ? ROUNDS_OF_ALL : ROUNDS_OF_FEWER;
  const planFor = (rounds: number, isWhole: boolean): RacePlan | undefined => {
    const workMs = Math.min(PLANNED * allowanceMs, leftMs - rounds * startMs);
    const share = most * (1 - SEQUENTIAL_SHARE) * workMs / (rounds * othersMs);
    const items = Math.min(most, Math.max(few, Math.floor(share)));
    if (workMs <= 0 || (isWhole && items < most)) return undefined;
    // Sequential also gets the time that the others leave over.
    const restMs = Math.max(0, workMs / rounds - othersMs * items / most);
    const fewest = Math.max(2, Math.floor(SEQUENTIAL_SHARE * typical));
    const sequentialItems = Math.min(
      alone,
      Math.max(fewest, Math.floor(alone * restMs / plain.runMs)),
    );
    const costMs = othersMs * items / most + plain.runMs * sequentialItems / alone;
    return rounds * costMs > OVER * workMs
      ? undefined
      : { sequentialItems, items, rounds, allowanceMs, hardMs: HARD_RUNS / RUNS * allowanceMs };
  };
  const first = (most: number, least: number, isWhole: boolean) => {
    for (let rounds = most; rounds >= least; rounds--) {
      const plan = planFor(rounds, isWhole);
      if (plan !== undefined) return plan;
    }
    return null;
  };
  return first(ROUNDS, least, true) ?? first(ROUNDS_OF_FEWER, 1, false);
}

/** What is known of a job and its machine before anything is raced, and what is to be raced. */
export interface Planned {
  readonly sample: Sample;
  readonly machine: Machine;
  readonly total: number | null;
  readonly horizon: number;
  readonly predicted: readonly Predicted[];
  readonly raced: readonly Candidate[];
  readonly plan: RacePlan | null;
  /** The models that may be raced beside the plain loop; the usual ones, and other machines, unless given. */
  readonly models?: readonly Model[] | undefined;
  /** Whether the tasks may run programs of which the system doesn't tell what they compute. */
  readonly runsPrograms?: boolean;
}

export function mayBeRaced(model: Model, models: readonly Model[] | undefined): boolean {
  return models === undefined || models.includes(model);
}

/** Items that a model is raced on at most, unless the sample had more. */
const MOST_RACED_ITEMS = 4 * MOST_IN_FLIGHT;
const ENDLESS_HORIZON = 1000;
const LOOKS = 3;

/** Predicts what every model would take, and plans a race of the promising ones within `leftMs`. */
export function planFor(
  probed: Probed,
  machine: Machine,
  { job, items, models }: {
    readonly job: JobSpec;
    readonly items: number | undefined;
    readonly models?: readonly Model[] | undefined;
  },
  leftMs: number,
): Planned {
  const sample = sampleOf(probed);
  const known = Math.min(sample.total ?? Infinity, items ?? Infinity);
  const total = Number.isFinite(known) ? known : null;
  const horizon = total ?? Math.max(ENDLESS_HORIZON, 10 * sample.items);
  const alone = Math.min(sample.items, probed.done?.kept ?? 0);
  // A model with many tasks in flight shows its gain only on many items, more than the sample had time for.
  const most = alone === 0 ? 0 : Math.min(horizon, Math.max(alone, MOST_RACED_ITEMS));
  const runsPrograms = job.permissions?.run !== undefined && sample.programsMs === undefined;
  const found = (tested: number) =>
    promising(sample, machine, tested, total, horizon, { runsPrograms, models });
  const planned = (raced: readonly Candidate[], tested: number, allowanceMs?: number) => {
    const size = { alone: Math.min(alone, tested), most: tested };
    return planRace(sample, raced, machine, size, leftMs, allowanceMs);
  };
  let { all, raced } = found(most);
  let plan = planned(raced, most);
  // A race of fewer items tries fewer at once: what it can't try isn't a candidate.
  for (let look = 0, tested = most; look < LOOKS && plan !== null && plan.items < tested; look++) {
    tested = plan.items;
    const fewer = found(tested);
    const smaller = planned(fewer.raced, tested);
    if (smaller === null) break;
    ({ all, raced } = fewer);
    plan = smaller;
  }
  // Better a race of two than none of five.
  while (plan === null && raced.length > 2) {
    raced = withoutSlowest(raced, all);
    plan = planned(raced, most);
  }
  // A few long items can't be raced at the cost of two runs, but perhaps within the budget.
  plan ??= planned(raced, most, BUDGET_SHARE * leftMs);
  const limits = { models, runsPrograms };
  return { sample, machine, total, horizon, predicted: all, raced, plan, ...limits };
}

function withoutSlowest(raced: readonly Candidate[], all: readonly Predicted[]) {
  const others = all.filter(({ candidate }) =>
    candidate !== SEQUENTIAL && raced.includes(candidate)
  );
  // Other machines are to be held against this one.
  const here = others.filter(({ candidate }) => !needsServer(candidate.model));
  const slowest = (here.length > 1 ? here : others.slice(-1)).reduce((a, b) =>
    totalMs(b.prediction) > totalMs(a.prediction) ? b : a
  );
  return raced.filter((candidate) => candidate !== slowest.candidate);
}

/** Corrects what was planned once the race has found how many items the job has. */
export function withTotal(planned: Planned, total: number): Planned {
  const { sample, machine, plan } = planned;
  const tested = Math.min(total, plan?.items ?? 0);
  const { all } = promising(sample, machine, tested, total, total, planned);
  return { ...planned, total, horizon: total, predicted: all };
}

/** Notes what other programs used until the race's end, if that was more than while the sample ran. */
export function withOthers(planned: Planned, others: Others | undefined): Planned {
  const { sample } = planned;
  return others === undefined || others.used <= (sample.others?.used ?? 0)
    ? planned
    : { ...planned, sample: { ...sample, others } };
}
