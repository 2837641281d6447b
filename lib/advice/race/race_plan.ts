/**
 * Plans which models are raced, how often and on how many items, so that advice costs less than three runs of
 * the sample.
 */

import { BASELINE, leavesProcess, type Model, MODELS, needsServer } from "../../models.ts";
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
import {
  predict,
  type Prediction,
  type SampledJob,
  saturationSlots,
  totalMs,
} from "../prediction/predict.ts";
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

/** Run time of the race in sample runs: RUNS allowed, HARD_RUNS at most, the share PLANNED of RUNS planned. */
const RUNS = 1.65;
const HARD_RUNS = 1.75;
const PLANNED = 0.85;
/** If that allows no race, the race may take this share of the rest of the budget. */
const BUDGET_SHARE = 0.7;
const ROUNDS = 5;
const ROUNDS_OF_FEWER = 3;
/** Where all items in flight may be the best, running all items tells more than a third round. */
const ROUNDS_OF_ALL = 2;
/**
 * More than ROUNDS_OF_FEWER rounds are planned only if a trial of a part of the items takes this long on
 * average, in milliseconds. In shorter ones a process's slow first tasks count too much.
 */
const LONG_TRIAL_MS = 250;
/** The plain loop's share of the race, and its shortest run that outweighs slow first items, in ms. */
const SEQUENTIAL_SHARE = 1 / 3;
const LEAST_PLAIN_MS = 40;
/** A model predicted to take at most this many times as long as the best may turn out to be the best. */
const NEAR = 1.1;
/** Items for each lane if there are enough; more if it has several slots, up to MOST_A_LANE. */
const ITEMS_A_LANE = 3;
const ITEMS_A_SLOT = 1.5;
const MOST_A_LANE = 12;
/** Time that a trial's process takes besides its lanes and its tasks, in milliseconds. */
const PROCESS_MS = 120;
/** A plan with the fewest items that make a race may take this many times its allotted time. */
const OVER = 1.1;

export type RacePlan = NonNullable<ReturnType<typeof planRace>>;

/** Plans a race; returns null if there isn't time for even one round. */
export function planRace(
  { sample, machine }: Pick<KnownJob, "sample" | "machine">,
  raced: readonly Candidate[],
  { alone, most, leftMs, allowanceMs = RUNS * sample.tasksMs }: {
    /** The most items that the plain loop runs, and the most that the other models run. */
    readonly alone: number;
    readonly most: number;
    readonly leftMs: number;
    readonly allowanceMs?: number | undefined;
  },
) {
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
  // A few items show how many slots one event loop fills; on several lanes items queue behind a long one.
  const enough = Math.ceil(
    Math.max(
      ...others.map(({ lanes, slots }) =>
        lanes * Math.max(ITEMS_A_LANE, lanes > 1 ? Math.min(ITEMS_A_SLOT * slots, MOST_A_LANE) : 1)
      ),
    ),
  );
  // The first few items may not be typical, so at least a typical number is run.
  const typical = typicalFrom(sample);
  const few = Math.min(most, Math.max(enough, typical));
  const least = isAllAtOnce ? ROUNDS_OF_ALL : ROUNDS_OF_FEWER;
  const planFor = (rounds: number, isWhole: boolean) => {
    const workMs = Math.min(PLANNED * allowanceMs, leftMs - rounds * startMs);
    const share = most * (1 - SEQUENTIAL_SHARE) * workMs / (rounds * othersMs);
    const items = Math.min(most, Math.max(few, Math.floor(share)));
    if (workMs <= 0 || (isWhole && items < most)) return undefined;
    // The plain loop also gets the time that the others leave over.
    const restMs = Math.max(0, workMs / rounds - othersMs * items / most);
    const fewest = Math.max(
      2,
      Math.floor(SEQUENTIAL_SHARE * typical),
      Math.floor(
        alone * Math.min(LEAST_PLAIN_MS, SEQUENTIAL_SHARE * workMs / rounds) / plain.runMs,
      ),
    );
    const sequentialItems = Math.min(
      alone,
      Math.max(fewest, Math.floor(alone * restMs / plain.runMs)),
    );
    const costMs = othersMs * items / most + plain.runMs * sequentialItems / alone;
    const isTooShort = rounds > ROUNDS_OF_FEWER && items < most &&
      costMs / raced.length < LONG_TRIAL_MS;
    return isTooShort || rounds * costMs > OVER * workMs ? undefined : {
      /** Items that the plain loop runs; its time is proportional to their number, so a part is enough. */
      sequentialItems,
      ...{ items, rounds },
      /** Total run time of the race's tasks in milliseconds, and its limit if models take longer. */
      ...{ allowanceMs, hardMs: HARD_RUNS / RUNS * allowanceMs },
    };
  };
  const first = (most: number, least: number, isWhole: boolean) => {
    for (let rounds = most; rounds >= least; rounds--) {
      const plan = planFor(rounds, isWhole);
      if (plan !== undefined) return plan;
    }
    return null;
  };
  return first(ROUNDS, least, true) ?? first(ROUNDS, 1, false);
}

/** A job as known before the race, the predictions for it, and the candidates and plan of its race. */
export type Planned = ReturnType<typeof planFor>;

const ENDLESS_HORIZON = 1000;
const LOOKS = 3;

/** Predicts the time of every model, and plans a race of the promising ones within `leftMs`. */
export function planFor(
  probed: Probed,
  machine: Machine,
  { job: { permissions }, items, models: wanted }: {
    readonly job: JobSpec;
    readonly items: number | undefined;
    readonly models?: readonly Model[] | undefined;
  },
  leftMs: number,
) {
  const sample = sampleOf(probed);
  const known = Math.min(sample.total ?? Infinity, items ?? Infinity);
  const total = Number.isFinite(known) ? known : null;
  const horizon = total ?? Math.max(ENDLESS_HORIZON, 10 * sample.items);
  const alone = Math.min(sample.items, probed.done?.kept ?? 0);
  // A model with many tasks in flight shows its gain only on more items than the sample had time for.
  const most = alone === 0 ? 0 : Math.min(horizon, Math.max(alone, MOST_RACED_ITEMS));
  const runsPrograms = permissions?.run !== undefined && sample.programsMs === undefined;
  const models = sample.unserializable === undefined
    ? wanted
    : (wanted ?? MODELS).filter((model) => !leavesProcess(model));
  const job: KnownJob = { sample, machine, total, horizon, models, runsPrograms };
  const planned = (raced: readonly Candidate[], tested: number, allowanceMs?: number) =>
    planRace(job, raced, { alone: Math.min(alone, tested), most: tested, leftMs, allowanceMs });
  let { all, raced } = promising(job, most);
  let plan = planned(raced, most);
  // With fewer items a race can fill fewer slots, so the candidates are chosen anew.
  for (let look = 0, tested = most; look < LOOKS && plan !== null && plan.items < tested; look++) {
    tested = plan.items;
    const fewer = promising(job, tested);
    const smaller = planned(fewer.raced, tested);
    if (smaller === null) break;
    ({ all, raced } = fewer);
    plan = smaller;
  }
  // A race of two models is better than none of five.
  while (plan === null && raced.length > 2) {
    raced = withoutSlowest(raced, all);
    plan = planned(raced, most);
  }
  // A few long items can't be raced for the cost of two runs, but perhaps within the budget.
  plan ??= planned(raced, most, BUDGET_SHARE * leftMs);
  return { ...job, predicted: all, raced, plan };
}

function withoutSlowest(raced: readonly Candidate[], all: readonly Predicted[]) {
  const others = all.filter(({ candidate }) =>
    candidate !== SEQUENTIAL && raced.includes(candidate)
  );
  // Other machines are compared with a model of this one, so at least one of those stays.
  const here = others.filter(({ candidate }) => !needsServer(candidate.model));
  // The simplest come first, and of two that may be equally fast the simpler one stays.
  const slowest = (here.length > 1 ? here : others.slice(-1)).reduce((a, b) =>
    NEAR * totalMs(b.prediction) > totalMs(a.prediction) ? b : a
  );
  return raced.filter((candidate) => candidate !== slowest.candidate);
}

/** Corrects the plan once the race has found how many items the job has. */
export function withTotal(planned: Planned, total: number): Planned {
  const known = { ...planned, total, horizon: total };
  const { all } = promising(known, Math.min(total, planned.plan?.items ?? 0));
  return { ...known, predicted: all };
}

/** Adds what other programs used until the race's end, if it is more than during the sample. */
export function withOthers(planned: Planned, others: Others | undefined): Planned {
  const { sample } = planned;
  return others === undefined || others.used <= (sample.others?.used ?? 0)
    ? planned
    : { ...planned, sample: { ...sample, others } };
}

/** Facts about a job and its machine before anything is raced. */
export interface KnownJob extends SampledJob {
  readonly total: number | null;
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
/** The most items on which a model is raced, unless the sample had more. */
const MOST_RACED_ITEMS = 4 * MOST_IN_FLIGHT;
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
