/**
 * What is to be raced, on how many items and how often: from the sample and what it predicts, and so that
 * advice stays cheaper than three sequential runs of the sample where that tells.
 *
 * @module
 */

import { BASELINE } from "../../models.ts";
import type { Others } from "../../timing/meter/reading.ts";
import type { JobSpec } from "../../timing/spec.ts";
import { type Candidate, SEQUENTIAL } from "../prediction/candidate.ts";
import {
  MOST_IN_FLIGHT,
  type Predicted,
  promising,
  withoutSlowest,
} from "../prediction/choose_candidates.ts";
import { classFor, type NoGain } from "../prediction/classify.ts";
import type { Machine } from "../prediction/machine.ts";
import { predict, totalMs } from "../prediction/predict.ts";
import type { Probed } from "../probe/probe.ts";
import { type Sample, sampleOf } from "../probe/sample.ts";

/** What a race is to do. */
export interface RacePlan {
  /** Items that sequential runs: its time grows evenly with their number, so a part is enough. */
  readonly sequentialItems: number;
  /** Items that each other model runs. */
  readonly items: number;
  /** Rounds to begin with. */
  readonly rounds: number;
  /** How long the tasks of the race may run together, in milliseconds. */
  readonly allowanceMs: number;
  /** What they may take if some run longer than predicted, in milliseconds. */
  readonly hardMs: number;
}

/**
 * The sample itself is one run; the race gets less than the two others, and is planned for less. The
 * rest is for a few items from last to first.
 */
const RUNS = 1.65;
const HARD_RUNS = 1.75;
const PLANNED = 0.85;
/** Where that buys no race, it may take this share of what is left of the budget. */
const BUDGET_SHARE = 0.7;
const ROUNDS = 5;
/** More rounds than this aren't worth fewer items. */
const ROUNDS_OF_FEWER = 3;
/** Sequential's part of the race. */
const SEQUENTIAL_SHARE = 1 / 3;
/** A model predicted to take so many times as long as the best may well be the best. */
const NEAR = 1.1;
/** Each lane is to get about this many items, if there are enough. */
const ITEMS_A_LANE = 3;
/** What a trial's process takes beside its lanes and its tasks, in milliseconds. */
const PROCESS_MS = 120;

/** So much of the planned number of items is enough, where that is a fairer share of the sample. */
const FAIR_SHARE = 0.75;
/** First items whose mean is off by less than this, on the logarithm, are a fair share. */
const FAIR = 0.05;

/** The number of first items, not much below that planned, whose mean is nearest to that of the sample. */
export function fairCount({ walls, wallMs, items }: Sample, planned: number, most: number): number {
  if (planned >= most || planned > items) return planned;
  let [best, bestOff, sumMs, count] = [planned, Infinity, 0, 0];
  for (const wall of walls) {
    for (let i = 0; i < wall.count && count < planned; i++) {
      sumMs += wall.wallMs;
      count++;
      if (count < Math.max(2, FAIR_SHARE * planned)) continue;
      const off = Math.max(FAIR, Math.abs(Math.log(Math.max(1e-9, sumMs / count / wallMs))));
      if (off <= bestOff) [best, bestOff] = [count, off];
    }
  }
  return best;
}

/** Plans a race within what is left of the budget; null if there isn't time for even one round. */
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
  const startMs = raced.reduce(
    (sum, candidate) => sum + PROCESS_MS + predict(sample, candidate, most, machine).startMs,
    0,
  );
  // Where a model with all items in flight may be the best, all items in fewer rounds tell more than some
  // items in more rounds.
  const timeOf = (candidate: Candidate) => totalMs(predict(sample, candidate, most, machine));
  const near = NEAR * Math.min(...others.map(timeOf));
  const many = others.some((of) => of.lanes * of.slots >= most && timeOf(of) <= near);
  const least = many ? 2 : ROUNDS_OF_FEWER;
  const whole = Array.from({ length: ROUNDS - least + 1 }, (_, place) => ROUNDS - place);
  const part = Array.from({ length: ROUNDS_OF_FEWER }, (_, place) => ROUNDS_OF_FEWER - place);
  for (const [place, rounds] of [...whole, ...part].entries()) {
    const workMs = Math.min(PLANNED * allowanceMs, leftMs - rounds * startMs);
    if (workMs <= 0) continue;
    const sequentialMs = predict(sample, SEQUENTIAL, alone, machine).runMs;
    const othersMs = others.reduce(
      (sum, candidate) => sum + predict(sample, candidate, most, machine).runMs,
      0,
    );
    const few = Math.min(most, ITEMS_A_LANE * Math.max(...others.map(({ lanes }) => lanes)));
    const share = (ms: number, part: number) => Math.floor(most * part * workMs / (rounds * ms));
    const items = Math.min(most, Math.max(few, share(othersMs, 1 - SEQUENTIAL_SHARE)));
    if (place < whole.length && items < most) continue;
    // Sequential also gets the time that the others leave over.
    const restMs = workMs - rounds * othersMs * items / most;
    const sequentialItems = Math.min(
      alone,
      Math.max(2, Math.floor(alone * Math.max(0, restMs) / (rounds * sequentialMs))),
    );
    const costMs = rounds *
      (othersMs * items / most + sequentialMs * sequentialItems / alone);
    const hardMs = HARD_RUNS / RUNS * allowanceMs;
    if (costMs > 1.1 * workMs) continue;
    return {
      sequentialItems: fairCount(sample, sequentialItems, alone),
      items: fairCount(sample, items, most),
      rounds,
      allowanceMs,
      hardMs,
    };
  }
  return null;
}

/** What is known of a job and its machine before anything is raced, and what is to be raced. */
export interface Planned {
  /** The sample in figures. */
  readonly sample: Sample;
  /** What the machine does. */
  readonly machine: Machine;
  /** How many items the job has; null if unknown. */
  readonly total: number | null;
  /** The number of items that times are for. */
  readonly horizon: number;
  /** All models and their predictions. */
  readonly predicted: readonly Predicted[];
  /** The models to race, sequential first. */
  readonly raced: readonly Candidate[];
  /** The race; null if there is no time for one. */
  readonly plan: RacePlan | null;
}

/** Items that a model is raced on at most, unless the sample had more. */
const MOST_RACED_ITEMS = 4 * MOST_IN_FLIGHT;
/** Items that an endless job is judged by, at least. */
const ENDLESS_HORIZON = 1000;

/** Predicts what every model would take, and plans a race of the promising ones within `leftMs`. */
export function planFor(
  probed: Probed,
  machine: Machine,
  options: { readonly job: JobSpec; readonly items: number | undefined },
  leftMs: number,
): Planned {
  const sample = sampleOf(probed);
  const known = sample.total === null ? undefined : sample.total;
  const total = known === undefined && options.items === undefined
    ? null
    : Math.min(known ?? Infinity, options.items ?? Infinity);
  const horizon = total ?? Math.max(ENDLESS_HORIZON, 10 * sample.items);
  const alone = Math.min(sample.items, probed.done?.kept ?? 0);
  // A model with many tasks in flight shows its gain only on many items, more than the sample had time for.
  const most = alone === 0 ? 0 : Math.min(
    total ?? Math.min(options.items ?? Infinity, horizon),
    Math.max(alone, MOST_RACED_ITEMS),
  );
  const size = (most: number) => ({ alone: Math.min(alone, most), most });
  const beside = options.job.permissions?.run !== undefined;
  let found = promising(sample, machine, most, total, horizon, beside);
  let plan = planRace(sample, found.raced, machine, size(most), leftMs);
  // A race of fewer items tries fewer at once: what it can't try isn't a candidate.
  for (let again = 0, tested = most; again < 3 && plan !== null && plan.items < tested; again++) {
    tested = plan.items;
    const fewer = promising(sample, machine, tested, total, horizon, beside);
    const smaller = planRace(sample, fewer.raced, machine, size(tested), leftMs);
    if (smaller === null) break;
    [found, plan] = [fewer, smaller];
  }
  let { raced } = found;
  // Better a race of two than none of five.
  while (plan === null && raced.length > 2) {
    raced = withoutSlowest(raced, found.all);
    plan = planRace(sample, raced, machine, size(most), leftMs);
  }
  // A few long items can't be raced at the cost of two runs, but perhaps within the budget.
  plan ??= planRace(sample, raced, machine, size(most), leftMs, BUDGET_SHARE * leftMs);
  return { sample, machine, total, horizon, predicted: found.all, raced, plan };
}

/** Corrects what was planned once the race has found how many items the job has. */
export function withTotal(planned: Planned, total: number): Planned {
  const { sample, machine, plan } = planned;
  const tested = Math.min(total, plan?.items ?? 0);
  const { all } = promising(sample, machine, tested, total, total);
  return { ...planned, total, horizon: total, predicted: all };
}

/** Notes what other programs used until the race's end, if that was more than while the sample ran. */
export function withOthers(planned: Planned, others: Others | undefined): Planned {
  const { sample } = planned;
  return others === undefined || others.used <= (sample.others?.used ?? 0)
    ? planned
    : { ...planned, sample: { ...sample, others } };
}

/** Why nothing is to be gained, so that nothing need be raced; undefined where something may be. */
export function nothingToGain(
  { sample, machine, horizon }: Pick<Planned, "sample" | "machine" | "horizon">,
): NoGain | undefined {
  return classFor(sample, machine, horizon).noGain;
}
