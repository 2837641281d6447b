/** Scales the rounds of a race to the whole job, and tells which of the gains are possible. */

import { BASELINE, isRemote, MODEL_TABLE, needsServer } from "../../models.ts";
import { gainLimit } from "../../judge/choose.ts";
import { FAR_LESS, IMPOSSIBLE, WAITS } from "../../judge/thresholds.ts";
import type { Interval, Round } from "../../timing/result.ts";
import type { TrialResult } from "../../timing/spec.ts";
import { BUSY_NOISE, Standings, USUAL_NOISE } from "../../timing/standings.ts";
import { median } from "../../timing/statistics.ts";
import {
  cpuShareOf,
  isCeilingLow,
  mayBeSlowed,
  predict,
  type SampledJob,
  totalMs,
} from "../prediction/predict.ts";
import { type Candidate, inFlightOf, nameOf, SEQUENTIAL } from "../prediction/candidate.ts";
import { withCoresOf } from "../prediction/machine.ts";
import { blocks, mostCpuShare, mostHeldShare, type Sample, SOURCE_MS } from "../probe/sample.ts";
import { isOfServer } from "./failing.ts";
import { inFlight, plainOf, type Runner } from "./runner.ts";
import { asRaced } from "./same_work.ts";

/** A model's times for the whole job, and how far to trust them. */
export interface Entry {
  readonly candidate: Candidate;
  readonly times: readonly { readonly round: number; readonly ms: number }[];
  /** Whether the model ran without failures of its own, gave the same results, and wasn't clearly slower. */
  readonly eligible: boolean;
  /** How many tasks the model had in flight at once; default 1. */
  readonly inFlight?: number;
  /** Whether tasks fail with less than twice as many in flight. */
  readonly isAtEdge?: boolean;
  /** By what factor the gain may be too great for reasons that the rounds don't show; default 1. */
  readonly doubt?: number;
  /** The greatest gain that the model itself can explain; a greater one has other causes. */
  readonly credible?: number;
  /** The greatest gain that cores and waiting allow for the whole job; any gain by default. */
  readonly most?: number;
}

export type Entries = ReturnType<typeof entriesOf>;
/** A measured gain greater than `most`, which is all that its cores and waiting allow. */
export type Impossible = Entries["impossible"][number];

/** Whether a gain remains after its doubts are taken off. */
export function isShown({ doubt = 1, credible = Infinity }: Entry, gain: Interval | null): boolean {
  return gain !== null && gain.low * Math.min(1, credible / gain.median) > doubt;
}

/**
 * Scales a round to the whole job, in proportion to the predicted times of both numbers of items. If the round
 * took longer than predicted, fewer tasks were served at once and the others queued, so fewer slots are
 * assumed. The time until a run was warm is counted once and not scaled.
 */
export function scaledMs(
  { sample, machine, horizon }: SampledJob,
  { candidate, items }: Pick<Runner, "candidate" | "items">,
  { startMs, runMs, warm }: Pick<Round, "startMs" | "runMs"> & Pick<TrialResult, "warm">,
): number {
  if (items === horizon) return startMs + runMs;
  const predictedMs = (count: number, of = candidate) => predict(sample, of, count, machine).runMs;
  if (warm !== undefined && warm.items < items) {
    const { afterMs } = warm;
    // Scaled as one by one: a prediction for lanes would hide the other items beside a long first one.
    const warmMs = (count: number) =>
      Math.max(1e-9, predictedMs(count, SEQUENTIAL) - predictedMs(warm.items, SEQUENTIAL));
    return startMs + afterMs + (runMs - afterMs) * warmMs(horizon) / warmMs(items);
  }
  const share = Math.min(1, predictedMs(items) / Math.max(1e-9, runMs));
  const slots = Math.ceil(share * inFlightOf(candidate, items) / candidate.lanes);
  const served = share < 1 ? { ...candidate, slots } : candidate;
  return startMs +
    runMs * predictedMs(horizon, served) / Math.max(1e-9, predictedMs(items, served));
}

function timesOf(job: SampledJob, runner: Runner): Entry["times"] {
  return runner.rounds.map((of) => ({ round: of.round, ms: scaledMs(job, runner, of) }));
}

/** The greatest gain that cores and waiting allow a model for this many items. */
export function possibleGain(
  sample: Pick<Sample, "cpuShare" | "cpuMs" | "loopMs" | "blockedMs" | "wallMs" | "sourceMs">,
  cores: number,
  candidate: Candidate,
  items: number,
): number {
  const { cpuShare, cpuMs, loopMs, blockedMs, wallMs, sourceMs } = sample;
  const ofTasks = gainLimit(
    {
      cpuShare,
      onLoop: cpuMs > 0 ? loopMs / cpuMs : 0,
      // A short hold-up may only be another program on the CPU.
      held: blocks(sample) ? blockedMs / wallMs : 0,
    },
    cores,
    { lanes: candidate.lanes, inFlight: inFlightOf(candidate, items) },
  );
  // A quick source's time is only that of handing out items, so it sets no limit.
  if (sourceMs < SOURCE_MS) return ofTasks;
  // The source gives items one after another, whatever the model.
  return Math.min(ofTasks, (sourceMs + wallMs) / Math.max(sourceMs, wallMs / ofTasks));
}

/**
 * The sample with its CPU share lowered to what tasks used in a runner's rounds. Waiting tasks may compute far
 * less with many in flight, for instance when one request of a client carries many of theirs.
 */
function asComputed(
  sample: Sample,
  { items, rounds }: Runner,
  cpuShare: number = sample.cpuShare,
): Sample {
  const cpuTimes = rounds.flatMap(({ runCpuMs }) => runCpuMs ?? []);
  const isTold = mostCpuShare(sample) <= WAITS && !sample.programsMs && cpuTimes.length > 0;
  const raced = isTold ? median(cpuTimes) / (items * sample.wallMs) : 1;
  return { ...sample, cpuShare: Math.min(cpuShare, raced) };
}

/** A gain is in doubt if all runners' rounds give this many times what the two runners' own rounds give. */
const SHIFTED = 1.5;

/** A runner's gain on the items that it was raced with, and what that gain is worth. */
type Held = ReturnType<typeof worthOf> & {
  /** How many times greater the gain is by all runners' rounds, if above SHIFTED; 1 otherwise. */
  readonly shift: number;
};

/** Compares each runner with the plain loop on the items that the runner was raced with. */
function heldAgainstPlain(
  ran: readonly Runner[],
  job: SampledJob,
  isBusy: boolean,
  usualNoise: number,
): Map<Runner, Held> {
  const plain = plainOf(ran);
  if (plain === undefined) return new Map();
  const others = ran.filter((runner) => runner !== plain);
  const numbers = new Set(others.map(({ items }) => items));
  const byItems = new Map(Array.from(numbers, (horizon) => {
    const times = ran.map((of) => [of, { times: timesOf({ ...job, horizon }, of) }] as const);
    const all = new Standings(times.map(([, series]) => series), usualNoise);
    return [horizon, { series: new Map(times), all }];
  }));
  return new Map(others.flatMap((runner) => {
    const { series, all } = byItems.get(runner.items)!;
    const [slow, fast] = [series.get(plain)!, series.get(runner)!];
    const ratio = new Standings([slow, fast], usualNoise).ratio(slow, fast);
    if (ratio === null) return [];
    const { median, low } = ratio;
    const among = all.ratio(slow, fast)?.median ?? median;
    const shift = among > SHIFTED * median ? among / median : 1;
    const gain = shift * median;
    // One round shows no noise, and other programs disturb more than the rounds show.
    const isUnsure = isBusy || Math.min(plain.rounds.length, runner.rounds.length) < 2;
    return [[runner, { ...worthOf(runner, job, gain, isUnsure ? gain : low), shift }]];
  }));
}

/** What a runner's gain is worth; `sure` is the part of it that its rounds show. */
function worthOf(runner: Runner, { sample, machine }: SampledJob, gain: number, sure: number) {
  const { candidate, items } = runner;
  const { cores, ceiling } = withCoresOf(machine, candidate);
  const mostShare = mostCpuShare(sample);
  // The first few items may compute less and wait more than the others.
  const possible = (cpuShare: number, cores: number) => {
    const these = asComputed(sample, runner, cpuShareOf({ ...sample, cpuShare }, items));
    return possibleGain(these, cores, candidate, items);
  };
  const most = possible(sample.cpuShare, cores);
  const isImpossible = gain > IMPOSSIBLE * most;
  // A gain that the highest possible CPU share rules out shows nothing about the cores.
  const isTold = gain <= possible(mostShare, cores);
  // Other programs can only slow down computing, so they can't explain the waits' part of the gain.
  const ofWaits = (1 - mostHeldShare(sample)) * gain;
  const ofCores = isTold ? IMPOSSIBLE * possible(mostShare, ceiling) : 0;
  return {
    gain,
    most,
    cores,
    isImpossible,
    // Other machines may be faster than this one, which says nothing about the plain loop.
    excess: isImpossible && !needsServer(candidate.model) ? Math.max(1, sure / most) : 1,
    credible: Math.max(ofWaits, ofCores),
  };
}

/** One slow round of the plain loop puts a gain in doubt that is this many times above its prediction. */
const FAR_MORE = 1.25;

/**
 * How many times as long as in the sample the plain loop's items took, where that may be the whole gain: a few
 * items may be slow in a fresh process, and a runner with more items gained far less than predicted; or its
 * only round was slow, and the runner gained more than predicted.
 */
function dearerBy(plain: Runner, runner: Runner, job: SampledJob): number {
  const middleMs = (of: Runner) => median(timesOf(job, of).map(({ ms }) => ms));
  const expectedMs = (of: Candidate) => totalMs(predict(job.sample, of, job.horizon, job.machine));
  const [plainMs, sampledMs] = [middleMs(plain), expectedMs(SEQUENTIAL)];
  const [promised, gain] = [sampledMs / expectedMs(runner.candidate), plainMs / middleMs(runner)];
  const isFarLess = plain.items < runner.items && promised > FAR_LESS * gain;
  const isOnce = plain.rounds.length === 1 && plainMs > SHIFTED * sampledMs;
  const isFarMore = isOnce && gain > FAR_MORE * promised;
  return isFarLess || isFarMore ? Math.max(1, plainMs / sampledMs) : 1;
}

/** Whether other runners of the same lane kind or server failed with fewer tasks in flight than given. */
function failsBelow(inFlightThere: number, runner: Runner, runners: readonly Runner[]): boolean {
  const laneKindOf = ({ candidate: { model } }: Runner) => MODEL_TABLE[model].laneKind;
  return runner.candidate.model !== BASELINE &&
    runners.some((of) =>
      of.out === "failures" && of.candidate.model !== BASELINE &&
      (laneKindOf(of) === laneKindOf(runner) || isOfServer(of.failures, of.lastedMs)) &&
      inFlight(of) < inFlightThere
    );
}

/**
 * Scales what the runners took to the whole job. An impossible gain puts all gains in doubt, since the plain
 * loop may have been slower than it needs to be; on a busy machine a gain above the ceiling is in doubt as
 * well. With `inOneLoop` the tasks share something that each lane would have for itself, so only event loops
 * are eligible, even if lanes were faster.
 */
export function entriesOf(runners: readonly Runner[], sampled: SampledJob, inOneLoop = false) {
  const { machine, horizon } = sampled;
  const sample = asRaced(sampled.sample, runners);
  const job = { sample, machine, horizon };
  const isBusy = mayBeSlowed(sample, machine);
  const usualNoise = isBusy ? BUSY_NOISE : USUAL_NOISE;
  const ran = runners.filter(({ out, rounds }) => out === undefined && rounds.length > 0);
  const held = heldAgainstPlain(ran, job, isBusy, usualNoise);
  const excess = Math.max(1, ...[...held.values()].map((of) => of.excess));
  // A ceiling far below the number of cores may be a wrong measurement.
  const limit = isCeilingLow(machine) ? machine.cores : machine.ceiling;
  const takeable = runners.filter(({ candidate }) => !inOneLoop || !isRemote(candidate.model));
  const entries = takeable.map((runner): Entry => {
    const { candidate, out } = runner;
    const { isImpossible = false, credible = Infinity, shift = 1 } = held.get(runner) ?? {};
    const dearer = held.has(runner) ? dearerBy(plainOf(ran)!, runner, job) : 1;
    return {
      candidate,
      times: timesOf(job, runner),
      eligible: (out === undefined || (inOneLoop && out === "slower")) && !isImpossible &&
        // This number in flight may have gone well only at first.
        !failsBelow(inFlight(runner) + 1, runner, runners),
      inFlight: inFlight(runner),
      isAtEdge: failsBelow(2 * inFlight(runner), runner, runners),
      // An error of this size for one runner may occur again for another.
      doubt: Math.max(shift, dearer, excess ** 2),
      // With more in flight, computing tasks take a greater share of the cores from other programs.
      credible: isBusy ? credible : Infinity,
      // Other machines may be faster than this one, so their gain has no known limit.
      ...(!needsServer(candidate.model) &&
        { most: possibleGain(asComputed(sample, runner), limit, candidate, horizon) }),
    };
  });
  const impossible = [...held].filter(([, { isImpossible }]) => isImpossible)
    .map(([{ candidate }, { gain, most, cores }]) => ({
      ...{ model: nameOf(candidate), gain, most, cores },
      // The cores are lanes of other machines, which may be faster than this one.
      ...(needsServer(candidate.model) && { isElsewhere: true }),
    }));
  // The noise is the usual error of a measured time here at present, as a natural logarithm.
  return { entries, usualNoise, impossible };
}
