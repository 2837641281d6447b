/** Compares models on one job: results first, then speeds, paired by round. */

import { timeInterval } from "./interval.ts";
import {
  type Comparison,
  isComparable,
  isOfCores,
  type ModelResult,
  type Round,
} from "./result.ts";
import type { ComparisonSpec, ModelSpec, TrialResult, TrialRunner, Watching } from "./spec.ts";
import { counted } from "../text/format.ts";
import { BASELINE, isRemote } from "../models.ts";
import { ceiling as measuredCeiling } from "./ceiling.ts";
import { PAIRWISE } from "./standings.ts";
import { judge, measuredCpuShare } from "./verdict.ts";
import { messageOf } from "./failures.ts";
import { titleOf } from "../lanes/task.ts";
import { type Meter, othersBetween } from "./meter/meter.ts";
import { NoLaneError, trialProcesses } from "./run_trial.ts";
import { schedule } from "./random.ts";
import { warningsOf } from "./warnings.ts";

/** Options besides the spec; finished rounds are kept after an abort. */
interface CompareOptions extends Watching {
  /** How a trial is run; by default in a fresh process. */
  readonly runTrial?: TrialRunner;
  /** Measures what other programs use; without it nothing is reported about them. */
  readonly meter?: Meter;
  readonly measureCeiling?: typeof measuredCeiling;
}

/** One model's trials so far, the fastest first. */
type Trials = TrialResult[];

/** Timelines are large, so only those of rounds near the median are kept. */
function addTrial(trials: Trials, trial: TrialResult): void {
  trials.push(trial);
  trials.sort((a, b) => a.round.wallMs - b.round.wallMs);
  const middle = (trials.length - 1) / 2;
  trials.forEach(({ timeline: _, ...rest }, place) => {
    if (Math.abs(place - middle) > 2) trials[place] = rest;
  });
}

/** A model's result from its trials; the timeline is that of the round nearest to the median. */
function resultOf({ model }: ModelSpec, trials: Trials): ModelResult {
  const middleMs = trials[(trials.length - 1) >> 1]!.round.wallMs;
  const off = ({ round }: TrialResult) => Math.abs(round.wallMs - middleMs);
  const rounds = trials.map(({ round }) => round).sort((a, b) => a.round - b.round);
  const last = trials.find(({ round }) => round === rounds.at(-1))!;
  const timeline = trials.toSorted((a, b) => off(a) - off(b))
    .find(({ timeline }) => timeline !== undefined)?.timeline;
  return {
    model,
    lanes: last.lanes,
    slots: last.slots,
    ...(last.device && { device: last.device }),
    rounds,
    wallMs: timeInterval(rounds.map(({ wallMs }) => wallMs)),
    speedup: null,
    ...(timeline && { timeline }),
  };
}

const counts = ({ succeeded, failed }: Round) => `${succeeded} succeeded, ${failed} failed`;

/** Compares the results of all models in all rounds, with a warning for each model that differs. */
export function agreementOf(models: readonly ModelResult[]) {
  const reference = models.find(({ model }) => model === BASELINE) ?? models[0];
  const expected = reference?.rounds[0];
  if (reference === undefined || expected === undefined) return { agree: true, warnings: [] };
  const warnings = models.flatMap(({ model, rounds }) => {
    const differing = rounds.filter(({ checksum }) => checksum !== expected.checksum);
    const [odd] = differing;
    if (odd === undefined) return [];
    const who = model === reference.model
      ? `${model} gave other results in round ${odd.round + 1} than in round ${expected.round + 1}`
      : `${model} gave other results than ${reference.model} in ${differing.length} of ` +
        counted(rounds.length, "round");
    const what = counts(odd) === counts(expected)
      ? `as many items succeeded, but their results differ`
      : `${counts(odd)}, against ${counts(expected)}`;
    return [`${who} (${what}); no speedup is shown, for the work was not the same.`];
  });
  return { agree: warnings.length === 0, warnings };
}

/** From this CPU share on, a job computes enough for a ceiling to mean something. */
const CEILING_SHARE = 0.5;

/** A trial without a result, and the reason. */
interface LostTrial {
  readonly model: string;
  readonly round: number;
  readonly why: string;
}

const listOf = new Intl.ListFormat("en-GB");

/** One warning for all trials that a model lost for the same reason. */
function lostWarnings(lost: readonly LostTrial[]): string[] {
  const alike = Map.groupBy(lost, ({ model, why }) => `${model}: ${why}`);
  return [...alike.values()].map((trials) => {
    const { model, why } = trials[0]!;
    const rounds = listOf.format(trials.map(({ round }) => String(round)));
    const which = trials.length === 1 ? `round ${rounds}, is` : `rounds ${rounds}, are`;
    return `${model}, ${which} missing: ${why}`;
  });
}

async function runTrials(spec: ComparisonSpec, options: CompareOptions) {
  const { signal, onEvent, meter, runTrial = trialProcesses({ meter }) } = options;
  const { models: sizes, rounds, seed, ceiling: _, ...common } = spec;
  const series = sizes.map((model) => ({ model, trials: [] as Trials }));
  const warnings = new Set<string>();
  const errors: unknown[] = [];
  const missing = new Set<ModelSpec>();
  const lost: LostTrial[] = [];
  let number = 0;
  let partial = false;
  for (const [round, order] of schedule(series, rounds, seed).entries()) {
    for (const { model, trials } of order) {
      partial = signal?.aborted ?? false;
      if (partial) break;
      number++;
      if (missing.has(model)) continue;
      const trial = { ...common, ...model, round, timeline: true };
      onEvent?.({ type: "trial-started", trial, number, of: sizes.length * rounds });
      try {
        const result = await runTrial(trial, { signal, onEvent });
        addTrial(trials, result);
        for (const warning of result.warnings) warnings.add(warning);
        onEvent?.({ type: "trial-ended", trial, result });
      } catch (error) {
        // An interrupted trial isn't a failure of the model.
        partial = signal?.aborted ?? false;
        if (partial) break;
        errors.push(error);
        if (error instanceof NoLaneError) {
          missing.add(model);
          warnings.add(error.message);
        } else {
          const { model: name } = model;
          const why = messageOf(error).replace(`The trial of ${name}, round ${round + 1} `, "it ");
          lost.push({ model: name, round: round + 1, why });
        }
      }
    }
    // A job that can't run at all won't run in the next round either.
    if (errors.length > 0 && series.every(({ trials }) => trials.length === 0)) throw errors[0];
    if (partial) break;
  }
  const models = series.filter(({ trials }) => trials.length > 0)
    .map(({ model, trials }) => resultOf(model, trials));
  return { models, warnings: [...warnings, ...lostWarnings(lost)], partial };
}

function withSpeedups(models: readonly ModelResult[]): ModelResult[] {
  const sequential = models.find(({ model }) => model === BASELINE);
  if (sequential === undefined || !isComparable(sequential)) return [...models];
  return models.map((of) => {
    if (!isComparable(of)) return of;
    if (of === sequential) return { ...of, speedup: { median: 1, low: 1, high: 1 } };
    return { ...of, speedup: PAIRWISE.ratio(sequential, of) };
  });
}

async function ceilingOf(
  spec: ComparisonSpec,
  models: readonly ModelResult[],
  { signal, onEvent, measureCeiling = measuredCeiling }: CompareOptions,
) {
  const sequential = models.find(({ model }) => model === BASELINE);
  const wanted = models.every(isComparable) &&
    (spec.ceiling ?? (sequential !== undefined && measuredCpuShare(sequential) >= CEILING_SHARE));
  // The most lanes that any model used here.
  const used = models.filter((of) => isRemote(of.model) && isOfCores(of)).map(({ lanes }) => lanes);
  const lanes = Math.min(Math.max(1, ...used), navigator.hardwareConcurrency);
  if (!wanted || lanes < 2 || signal?.aborted) return { ceiling: null };
  onEvent?.({ type: "ceiling-started" });
  try {
    const ceiling = await measureCeiling(spec.job, lanes, { signal });
    onEvent?.({ type: "ceiling-ended", speedup: ceiling.speedup });
    return { ceiling };
  } catch (error) {
    if (signal?.aborted) return { ceiling: null };
    return { ceiling: null, missing: `The ceiling is missing: ${messageOf(error)}` };
  }
}

function describeJob({ job }: ComparisonSpec, models: readonly ModelResult[]): Comparison["job"] {
  const { items, task, name, options } = job;
  const { succeeded, failed } = models[0]?.rounds[0] ?? { succeeded: 0, failed: 0 };
  return {
    name,
    task: titleOf(task),
    items: items.kind === "values" ? items.values.length : succeeded + failed,
    options: { ...options },
  };
}

/**
 * Compares models on one job: each runs once a round, in an order drawn from the seed, in a fresh process. If
 * results differ there is no speedup and no verdict. After an abort the comparison holds what was measured
 * until then, and `partial` is true.
 */
export async function compare(
  spec: ComparisonSpec,
  options: CompareOptions = {},
): Promise<{ readonly comparison: Comparison; readonly partial: boolean }> {
  const before = await options.meter?.read();
  const { models: plain, warnings, partial } = await runTrials(spec, options);
  const others = othersBetween(before, await options.meter?.read());
  const { agree, warnings: differences } = agreementOf(plain);
  const models = agree ? withSpeedups(plain) : plain;
  // The time of a model whose items all failed shows only how fast they failed.
  const worked = models.filter(isComparable);
  const { ceiling, missing = [] } = partial
    ? { ceiling: null }
    : await ceilingOf(spec, models, options);
  const comparison: Comparison = {
    job: describeJob(spec, models),
    ceiling,
    ...(others && { others }),
    models,
    agree,
    warnings: [...differences, ...warnings]
      .concat(missing, worked.length > 0 ? warningsOf(worked, ceiling, others) : []),
    verdict: agree && worked.length === models.length ? judge({ models, ceiling, others }) : null,
  };
  return { comparison, partial: partial || (options.signal?.aborted ?? false) };
}
