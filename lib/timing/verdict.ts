/**
 * What a comparison comes to: whether the job waits or computes, and the simplest model that serves.
 *
 * The job is judged by its CPU time over its wall time in the sequential run, less what it queued for a
 * core that others had; where the system doesn't tell that, a task that computes looks as if it waited,
 * so the job is judged by what the models gained as well.
 *
 * @module
 */

import type { Comparison, Interval, ModelResult, Verdict } from "./result.ts";
import { median } from "./statistics.ts";
import { BASELINE, isRemote, MODELS } from "../models.ts";
import { AS_GOOD, COMPUTES, SURE, WAITS } from "../judge/thresholds.ts";
import { confidenceAbove, pairedRatio } from "./interval.ts";
import { isBusy, type Others } from "./meter/reading.ts";

/**
 * The median share of the run in which a model's tasks kept the CPU busy: CPU time over wall time, from
 * the first item to the last outcome. Starting isn't counted, nor is queueing for a core that others
 * had, where the system tells it.
 */
export function cpuShareOf({ rounds }: Pick<ModelResult, "rounds">): number {
  return median(rounds.map(({ runCpuMs, cpuMs, runMs, queuedMs = 0 }) => {
    const usedMs = runCpuMs ?? cpuMs;
    // The two clocks aren't read at the same instant, so the run is never taken as shorter than its CPU time.
    return usedMs / (Math.max(Math.min(usedMs, runMs), runMs - queuedMs) || 0.001);
  }));
}

/** What a verdict is made from. */
export interface Evidence {
  /** What the models did. */
  readonly models: readonly ModelResult[];
  /** What the machine gains in parallel, if it was measured. */
  readonly ceiling: Comparison["ceiling"];
  /** Seeds the bootstrap. */
  readonly seed: number;
  /** What others did to the machine meanwhile; undefined if that isn't known. */
  readonly others?: Others | undefined;
}

/** The times of two models, in milliseconds, in the rounds that both ran. */
export function pairedTimes(a: ModelResult, b: ModelResult): { a: number[]; b: number[] } {
  const times = new Map(b.rounds.map(({ round, wallMs }) => [round, wallMs]));
  const common = a.rounds.filter(({ round }) => times.has(round));
  return {
    a: common.map(({ wallMs }) => wallMs),
    b: common.map(({ round }) => times.get(round)!),
  };
}

/** How many times as long `slow` takes as `fast`; undefined if they share no round. */
function ratio(slow: ModelResult, fast: ModelResult, seed: number): Interval | undefined {
  const { a, b } = pairedTimes(slow, fast);
  return a.length === 0 ? undefined : pairedRatio(a, b, { seed });
}

function confidence(slow: ModelResult, fast: ModelResult, bound: number): number {
  const { a, b } = pairedTimes(slow, fast);
  return a.length === 0 ? 0.5 : confidenceAbove(a, b, bound);
}

function surelySlower(slow: ModelResult, fast: ModelResult, seed: number): boolean {
  const behind = ratio(slow, fast, seed);
  if (behind === undefined || behind.median <= AS_GOOD) return false;
  // The plain loop is passed over only for a gain whose interval leaves out 1.
  if (slow.model === BASELINE && behind.low <= 1) return false;
  return confidence(slow, fast, 1) >= SURE;
}

const rank = ({ model }: ModelResult) => {
  const place = MODELS.findIndex((name) => name === model);
  return place < 0 ? MODELS.length : place;
};

const isEventLoop = ({ model }: ModelResult) => model !== BASELINE && !isRemote(model);
const isParallel = (of: ModelResult) => of.model !== BASELINE && !isEventLoop(of);

function time(ms: number): string {
  return ms < 999.5 ? `${Number(ms.toPrecision(3))} ms` : `${Number((ms / 1000).toPrecision(3))} s`;
}

function times(by: number): string {
  return by < 10 ? by.toFixed(1) : by.toFixed(0);
}

function gainOf(chosen: ModelResult, sequential: ModelResult, seed: number): string {
  const gained = ratio(sequential, chosen, seed)!;
  return `${chosen.model} took ${time(chosen.wallMs.median)} instead of ` +
    `${time(sequential.wallMs.median)}, ${times(gained.median)} times as fast ` +
    `(${times(gained.low)} to ${times(gained.high)})`;
}

interface Judged {
  readonly sequential: ModelResult;
  readonly recommended: ModelResult;
  readonly cpuShare: number;
  readonly evidence: Evidence;
  /** Whether more slots, and whether more lanes, were detectably faster than sequential. */
  readonly concurrencyPays: boolean;
  readonly parallelismPays: boolean;
}

/** The parallel model that was ready first, and whether its start eats what it could gain at best. */
function startCost(
  { sequential, evidence }: Judged,
): { model: string; startMs: number } | undefined {
  const costs = evidence.models.filter(isParallel).map((of) => {
    const startMs = median(of.rounds.map((round) => round.startMs));
    const atBest = evidence.ceiling?.speedup ?? of.lanes;
    const saved = median(sequential.rounds.map(({ runMs }) => runMs)) * (1 - 1 / atBest);
    return { model: of.model, startMs, eaten: saved <= 2 * startMs };
  });
  if (costs.length === 0 || !costs.every(({ eaten }) => eaten)) return undefined;
  return costs.toSorted((a, b) => a.startMs - b.startMs)[0];
}

function boundOf(judged: Judged): Verdict["bound"] {
  const { cpuShare, recommended, concurrencyPays, parallelismPays } = judged;
  const pays = concurrencyPays || parallelismPays;
  if (cpuShare > WAITS && !pays && recommended.model === BASELINE && startCost(judged)) {
    return "small";
  }
  if (cpuShare >= COMPUTES) return "cpu";
  if (cpuShare <= WAITS) return "io";
  if (judged.sequential.rounds.every(({ queuedMs }) => queuedMs !== undefined)) return "mixed";
  // In between, and the system doesn't tell queueing from waiting: if slots on one event loop gain
  // nothing, there was no waiting to fill.
  const triedConcurrency = judged.evidence.models.some(isEventLoop);
  return parallelismPays && triedConcurrency && !concurrencyPays ? "cpu" : "mixed";
}

function reasonOf(judged: Judged, bound: Verdict["bound"]): string {
  const { sequential, recommended, cpuShare, evidence } = judged;
  const busy = `the CPU was busy ${
    Math.min(100, Math.round(cpuShare * 100))
  }% of the sequential run`;
  if (bound === "small") {
    const cost = startCost(judged)!;
    return `The job is small: sequential takes ${time(sequential.wallMs.median)}, and starting ` +
      `lanes alone takes ${
        time(cost.startMs)
      } (${cost.model}), which eats what parallelism could gain.`;
  }
  const nature = {
    io: `The tasks wait: ${busy}.`,
    cpu: `The tasks compute: ${busy}.`,
    mixed: `The tasks wait and compute: ${busy}.`,
  }[bound];
  if (recommended.model === BASELINE) {
    const doubt = doubtOf(judged);
    if (doubt !== undefined) return `${nature} ${doubt}`;
    return `${nature} No model was detectably faster than sequential, which took ` +
      `${time(sequential.wallMs.median)}.`;
  }
  const what = isParallel(recommended)
    ? (bound === "cpu" || !judged.concurrencyPays ? "Parallelism pays" : "More lanes pay")
    : "Concurrency pays";
  const idle = evidence.models.find(isEventLoop);
  const alone = bound === "cpu" && idle !== undefined && !judged.concurrencyPays
    ? `; concurrency alone gained nothing (${idle.model})`
    : "";
  const where = recommended.device?.software
    ? ` ${recommended.model} computed on the same cores, by their vector units: a graphics card was ` +
      "not seen."
    : "";
  return `${nature} ${what}: ${gainOf(recommended, sequential, evidence.seed)}${alone}.${where}`;
}

/** What can't be told: a model that seems to be worth it, with an interval that holds no gain too. */
function doubtOf({ sequential, evidence }: Judged): string | undefined {
  const gains = evidence.models.filter((of) => of !== sequential).flatMap((of) => {
    const gain = ratio(sequential, of, evidence.seed);
    return gain !== undefined && gain.median > AS_GOOD && gain.low <= 1 ? [{ of, gain }] : [];
  });
  if (gains.length === 0) return undefined;
  const { of, gain } = gains.reduce((a, b) => b.gain.median > a.gain.median ? b : a);
  const why = evidence.others !== undefined && isBusy(evidence.others)
    ? " on so busy a machine"
    : "";
  return `Whether another model is faster can't be told${why}: ${of.model}, the best, was ` +
    `${times(gain.median)} times as fast (${times(gain.low)} to ${times(gain.high)}).`;
}

/** How sure the recommendation is: that it beats all simpler models, and none is clearly better. */
function confidenceOf(recommended: ModelResult, evidence: Evidence): number {
  const others = evidence.models.filter((of) => of !== recommended);
  const sure = others.map((of) =>
    rank(of) < rank(recommended)
      ? confidence(of, recommended, 1)
      : 1 - confidence(recommended, of, AS_GOOD)
  );
  return Math.round(Math.min(...sure) * 1000) / 1000;
}

/**
 * Judges a comparison whose models agree.
 *
 * `recommended` is the simplest model whose wall time isn't worse than the best one's by 5 % or more, with a
 * one-sided confidence of 90 %. `small` says that the whole job is too short to
 * be worth starting lanes for. `confidence` is the least of the one-sided confidences that the
 * recommended model beats each simpler one, and that no other beats it by 5 %.
 *
 * There is no verdict without a sequential run, or with nothing to compare it to.
 */
export function judge(evidence: Evidence): Verdict | null {
  const { models, seed } = evidence;
  const sequential = models.find(({ model }) => model === BASELINE);
  if (sequential === undefined || models.length < 2) return null;
  const best = models.reduce((a, b) => b.wallMs.median < a.wallMs.median ? b : a);
  const recommended = models.toSorted((a, b) => rank(a) - rank(b)).find((of) => {
    return of === best || !surelySlower(of, best, seed);
  }) ?? best;
  const pays = (of: ModelResult) => surelySlower(sequential, of, seed);
  const judged: Judged = {
    sequential,
    recommended,
    cpuShare: cpuShareOf(sequential),
    evidence,
    concurrencyPays: models.filter(isEventLoop).some(pays),
    parallelismPays: models.filter(isParallel).some(pays),
  };
  const bound = boundOf(judged);
  return {
    bound,
    cpuShare: Math.round(judged.cpuShare * 1000) / 1000,
    recommended: recommended.model,
    confidence: confidenceOf(recommended, evidence),
    reason: reasonOf(judged, bound),
  };
}
