/**
 * Compares concurrency models on one job: interleaved rounds, results checked first, speedups paired by
 * round.
 *
 * @module
 */

import { pairedRatio, timeInterval } from "./interval.ts";
import {
  type Comparison,
  type Interval,
  isComparable,
  type ModelResult,
  type Round,
  type Timeline,
} from "./result.ts";
import type {
  Compare,
  CompareOptions,
  ComparisonSpec,
  ModelSpec,
  TrialResult,
  TrialSpec,
} from "./spec.ts";
import type { Device } from "../lanes/lane.ts";
import { counted } from "../text/format.ts";
import { BASELINE, isRemote } from "../models.ts";
import { ceiling as measuredCeiling } from "./ceiling.ts";
import { cpuShareOf, judge, pairedTimes } from "./verdict.ts";
import { othersBetween } from "./meter/reading.ts";
import { trialProcesses } from "./run_trial.ts";
import { schedule } from "./schedule.ts";
import { type TimedTrial, warningsOf } from "./warnings.ts";

/** What has been measured of one model so far. */
class Series {
  /** The finished rounds, as they came. */
  readonly rounds: Round[] = [];
  readonly #timelines = new Map<number, Timeline>();
  #lanes = 1;
  #slots: number | null = null;
  #device: Device | undefined;

  /** Begins with no round. */
  constructor(readonly spec: ModelSpec) {}

  /** Takes one more round. */
  add({ round, timeline, lanes, slots, device }: TrialResult): void {
    this.rounds.push(round);
    if (timeline !== undefined) this.#timelines.set(round.round, timeline);
    this.#lanes = lanes;
    this.#slots = slots;
    this.#device = device;
    this.#forget();
  }

  /** The round whose time is the median, or the faster of the two next to it. */
  get #middle(): Round | undefined {
    return this.rounds.toSorted((a, b) => a.wallMs - b.wallMs)[(this.rounds.length - 1) >> 1];
  }

  /** Timelines are large: with many rounds, keep those that can still be the median's. */
  #forget(): void {
    const sorted = this.rounds.toSorted((a, b) => a.wallMs - b.wallMs);
    const middle = (sorted.length - 1) / 2;
    sorted.forEach(({ round }, place) => {
      if (Math.abs(place - middle) > 2) this.#timelines.delete(round);
    });
  }

  /** What the rounds come to. */
  result(seed: number): ModelResult {
    const rounds = this.rounds.toSorted((a, b) => a.round - b.round);
    const middle = this.#middle!;
    const nearest = [...this.#timelines.keys()].toSorted((a, b) => {
      const off = (of: number) =>
        Math.abs(rounds.find(({ round }) => round === of)!.wallMs - middle.wallMs);
      return off(a) - off(b);
    })[0];
    const timeline = nearest === undefined ? undefined : this.#timelines.get(nearest);
    return {
      model: this.spec.model,
      lanes: this.#lanes,
      slots: this.#slots,
      ...(this.#device && { device: this.#device }),
      rounds,
      wallMs: timeInterval(rounds.map(({ wallMs }) => wallMs), { seed }),
      speedup: null,
      ...(timeline && { timeline }),
    };
  }
}

/** What comparing results comes to. */
interface Agreement {
  /** Whether all results are equal. */
  readonly agree: boolean;
  /** One sentence each, naming the models and what differs. */
  readonly warnings: string[];
}

const counts = ({ succeeded, failed }: Round) => `${succeeded} succeeded, ${failed} failed`;

/** Compares the results of all models in all rounds. */
export function agreementOf(models: readonly ModelResult[]): Agreement {
  const reference = models.find(({ model }) => model === BASELINE) ?? models[0];
  const expected = reference?.rounds[0];
  if (reference === undefined || expected === undefined) return { agree: true, warnings: [] };
  const warnings: string[] = [];
  for (const { model, rounds } of models) {
    const differing = rounds.filter(({ checksum }) => checksum !== expected.checksum);
    const odd = differing[0];
    if (odd === undefined) continue;
    const who = model === reference.model
      ? `${model} gave other results in round ${odd.round + 1} than in round ${expected.round + 1}`
      : `${model} gave other results than ${reference.model} in ${differing.length} of ` +
        counted(rounds.length, "round");
    const what = counts(odd) === counts(expected)
      ? `as many items succeeded, but their results differ`
      : `${counts(odd)}, against ${counts(expected)}`;
    warnings.push(`${who} (${what}); no speedup is shown, for the work was not the same.`);
  }
  return { agree: warnings.length === 0, warnings };
}

/** From this CPU share on a job computes enough for a ceiling to mean something. */
const CEILING_SHARE = 0.5;

/** What the trials came to. */
interface Measured {
  readonly series: readonly Series[];
  /** In the order in which they ran. */
  readonly trials: readonly TimedTrial[];
  readonly warnings: readonly string[];
  readonly partial: boolean;
}

async function runTrials(spec: ComparisonSpec, options: CompareOptions): Promise<Measured> {
  const { signal, onEvent, meter, runTrial = trialProcesses({ ...(meter && { meter }) }) } =
    options;
  const series = spec.models.map((model) => new Series(model));
  const trials: TimedTrial[] = [];
  const warnings = new Set<string>();
  const errors: unknown[] = [];
  const of = spec.models.length * spec.rounds;
  let number = 0;
  let partial = false;
  for (const [round, order] of schedule(series, spec.rounds, spec.seed).entries()) {
    for (const model of order) {
      partial = signal?.aborted ?? false;
      if (partial) break;
      const trial = trialOf(spec, model.spec, round);
      onEvent?.({ type: "trial-started", trial, number: ++number, of });
      try {
        const result = await runTrial(trial, {
          ...(signal && { signal }),
          ...(onEvent && { onEvent }),
        });
        model.add(result);
        trials.push({ model: trial.model, wallMs: result.round.wallMs });
        for (const warning of result.warnings) warnings.add(warning);
        onEvent?.({ type: "trial-ended", trial, result });
      } catch (error) {
        // What an abort interrupts isn't a failure of the model.
        partial = signal?.aborted ?? false;
        if (partial) break;
        errors.push(error);
        warnings.add(
          `${trial.model}, round ${round + 1}, is missing: ` +
            (error instanceof Error ? error.message : String(error)),
        );
      }
    }
    // A job that can't run at all won't in the next round either.
    if (errors.length > 0 && trials.length === 0) throw errors[0];
    if (partial) break;
  }
  return {
    series: series.filter(({ rounds }) => rounds.length > 0),
    trials,
    warnings: [...warnings],
    partial,
  };
}

function trialOf(spec: ComparisonSpec, model: ModelSpec, round: number): TrialSpec {
  const { job, warmup, timeoutMs, retries, chunk } = spec;
  return {
    ...model,
    job,
    round,
    ...(warmup !== undefined && { warmup }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retries !== undefined && { retries }),
    ...(chunk !== undefined && { chunk }),
    timeline: true,
  };
}

function withSpeedups(models: readonly ModelResult[], seed: number): ModelResult[] {
  const sequential = models.find(({ model }) => model === BASELINE);
  if (sequential === undefined || !isComparable(sequential)) return [...models];
  return models.map((of) => {
    if (!isComparable(of)) return of;
    const { a, b } = pairedTimes(sequential, of);
    const speedup: Interval | null = a.length === 0 ? null : pairedRatio(a, b, { seed });
    return { ...of, speedup: of === sequential ? { median: 1, low: 1, high: 1 } : speedup };
  });
}

/** The most lanes that a model may gain from. */
function parallelLanes(models: readonly ModelResult[]): number {
  const lanes = models.filter(({ model }) => isRemote(model))
    .map(({ lanes }) => lanes);
  return Math.min(Math.max(1, ...lanes), navigator.hardwareConcurrency);
}

async function ceilingOf(
  spec: ComparisonSpec,
  models: readonly ModelResult[],
  options: CompareOptions,
): Promise<{ ceiling: Comparison["ceiling"]; warnings: string[] }> {
  const { signal, onEvent, measureCeiling = measuredCeiling } = options;
  const sequential = models.find(({ model }) => model === BASELINE);
  const wanted = models.every(isComparable) &&
    (spec.ceiling ?? (sequential !== undefined && cpuShareOf(sequential) >= CEILING_SHARE));
  const lanes = parallelLanes(models);
  if (!wanted || lanes < 2 || signal?.aborted) return { ceiling: null, warnings: [] };
  onEvent?.({ type: "ceiling-started" });
  try {
    const ceiling = await measureCeiling(spec.job, lanes, { ...(signal && { signal }) });
    onEvent?.({ type: "ceiling-ended", speedup: ceiling.speedup });
    return { ceiling, warnings: [] };
  } catch (error) {
    if (signal?.aborted) return { ceiling: null, warnings: [] };
    const why = error instanceof Error ? error.message : String(error);
    return { ceiling: null, warnings: [`The ceiling is missing: ${why}`] };
  }
}

function describeJob({ job }: ComparisonSpec, models: readonly ModelResult[]): Comparison["job"] {
  const round = models[0]?.rounds[0];
  const items = job.items.kind === "values"
    ? job.items.values.length
    : round === undefined
    ? 0
    : round.succeeded + round.failed;
  const module = job.task.module.startsWith("data:")
    ? "data:"
    : job.task.module.slice(job.task.module.lastIndexOf("/") + 1);
  return {
    name: job.name,
    task: job.task.export === "default" ? module : `${module}#${job.task.export}`,
    items,
    options: { ...job.options },
  };
}

/**
 * Compares models on one job.
 *
 * Every model runs once a round, in an order drawn from the seed, each in a fresh process. Results are
 * compared first: if they differ, there is no speedup and no verdict. The timeline kept of each model is
 * that of its median round.
 * If the signal was aborted, the comparison holds what was measured until then, and `partial` is true.
 *
 * @throws {RangeError} If there is no model, a model is there twice, or `rounds` isn't a whole number
 * from 1.
 * @throws What the first trial threw, if none of the first round gave a result.
 */
export async function compare(
  spec: ComparisonSpec,
  options: CompareOptions = {},
): Promise<Awaited<ReturnType<Compare>>> {
  check(spec);
  const before = await options.meter?.read();
  const measured = await runTrials(spec, options);
  const after = await options.meter?.read();
  const others = othersBetween(before, after);
  const plain = measured.series.map((series) => series.result(spec.seed));
  const { agree, warnings: differences } = agreementOf(plain);
  const models = agree ? withSpeedups(plain, spec.seed) : plain;
  // The time of a model whose items all failed says only how fast they failed.
  const worked = models.filter(isComparable);
  const { ceiling, warnings: missing } = measured.partial
    ? { ceiling: null, warnings: [] }
    : await ceilingOf(spec, models, options);
  const comparison: Comparison = {
    job: describeJob(spec, models),
    ceiling,
    ...(others && { others }),
    models,
    agree,
    warnings: [
      ...differences,
      ...measured.warnings,
      ...missing,
      ...(worked.length > 0 ? warningsOf(worked, ceiling, measured.trials, others) : []),
    ],
    verdict: agree && worked.length === models.length
      ? judge({ models, ceiling, seed: spec.seed, others })
      : null,
  };
  return { comparison, partial: measured.partial || (options.signal?.aborted ?? false) };
}

function check({ models, rounds }: ComparisonSpec): void {
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new RangeError(`Cannot compare: rounds ${rounds} is not a whole number from 1`);
  }
  if (models.length === 0) throw new RangeError("Cannot compare: there are no models");
  const names = models.map(({ model }) => model);
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined) throw new RangeError(`Cannot compare: model ${twice} is there twice`);
}
