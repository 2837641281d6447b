/**
 * Plans which models are raced, how often and on how many items, so that advice costs less than three runs of
 * the sample.
 */

import { BASELINE, leavesProcess, type Model, MODELS, needsServer } from "../../models.ts";
import type { Others } from "../../timing/meter/meter.ts";
import type { JobSpec } from "../../timing/spec.ts";
import { type Candidate, inFlightOf, SEQUENTIAL } from "../prediction/candidate.ts";
import type { Machine } from "../prediction/machine.ts";
import { predict, totalMs } from "../prediction/predict.ts";
import type { Probed } from "../probe/probe.ts";
import { sampleOf, typicalFrom } from "../probe/sample.ts";
import { type KnownJob, MOST_IN_FLIGHT, type Predicted, promising } from "./promising.ts";

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

export interface RacePlan {
  /** Items that the plain loop runs; its time is proportional to their number, so a part is enough. */
  readonly sequentialItems: number;
  readonly items: number;
  readonly rounds: number;
  /** Total run time of the race's tasks in milliseconds, and its limit if models take longer than predicted. */
  readonly allowanceMs: number;
  readonly hardMs: number;
}

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
  const planFor = (rounds: number, isWhole: boolean): RacePlan | undefined => {
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
    return isTooShort || rounds * costMs > OVER * workMs
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
  return first(ROUNDS, least, true) ?? first(ROUNDS, 1, false);
}

/** A job as known before the race, the predictions for it, and the candidates and plan of its race. */
export interface Planned extends KnownJob {
  readonly predicted: readonly Predicted[];
  readonly raced: readonly Candidate[];
  readonly plan: RacePlan | null;
}

/** The most items on which a model is raced, unless the sample had more. */
const MOST_RACED_ITEMS = 4 * MOST_IN_FLIGHT;
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
): Planned {
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
  const slowest = (here.length > 1 ? here : others.slice(-1)).reduce((a, b) =>
    totalMs(b.prediction) > totalMs(a.prediction) ? b : a
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
