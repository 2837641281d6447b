/**
 * What is to be raced, from the sample and what it predicts.
 *
 * @module
 */

import type { AdviseOptions } from "./findings.ts";
import type { Candidate } from "./prediction/candidate.ts";
import {
  MOST_IN_FLIGHT,
  type Predicted,
  promising,
  withoutSlowest,
} from "./prediction/candidates.ts";
import { classFor } from "./prediction/classify.ts";
import type { Machine } from "./prediction/predict.ts";
import type { Probed } from "./probe/probe.ts";
import type { Others } from "../timing/meter/reading.ts";
import { type Sample, sampleOf } from "./probe/sample.ts";
import { planRace, type RacePlan } from "./race/race_plan.ts";

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

/**
 * Predicts what every model would take, and plans a race of those that promise most.
 *
 * @param leftMs What is left of the budget, in milliseconds.
 */
export function planFor(
  probed: Probed,
  machine: Machine,
  options: Pick<AdviseOptions, "items" | "job">,
  leftMs: number,
): Planned {
  const sample = sampleOf(probed);
  const known = sample.total === null ? undefined : sample.total;
  const total = known === undefined && options.items === undefined
    ? null
    : Math.min(known ?? Infinity, options.items ?? Infinity);
  const horizon = total ?? Math.max(ENDLESS_HORIZON, 10 * sample.items);
  const alone = Math.min(sample.items, probed.done?.kept ?? 0);
  // What runs many at once shows it on many items: more than the sample had time for.
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
  return { sample, machine, total, horizon, predicted: found.all, raced, plan };
}

/** Makes a plan one for as many items as the race found the job to have. */
export function withTotal(planned: Planned, total: number): Planned {
  const { sample, machine, plan } = planned;
  const tested = Math.min(total, plan?.items ?? 0);
  const { all } = promising(sample, machine, tested, total, total);
  return { ...planned, total, horizon: total, predicted: all };
}

/** Takes down what others did until the race's end, if that was more than while the sample ran. */
export function withOthers(planned: Planned, others: Others | undefined): Planned {
  const { sample } = planned;
  return others === undefined || others.used <= (sample.others?.used ?? 0)
    ? planned
    : { ...planned, sample: { ...sample, others } };
}

/** Whether there is too little to win for anything to be raced. */
export function isSmall(
  { sample, machine, horizon }: Pick<Planned, "sample" | "machine" | "horizon">,
): boolean {
  return classFor(sample, machine, horizon).bound === "small";
}
