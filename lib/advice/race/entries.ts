/** What the rounds of a race come to for the whole job, and which of the gains can be. */

import { BASELINE, isRemote, MODEL_TABLE, needsServer } from "../../models.ts";
import { possibleGain as possibleOf } from "../../judge/choose.ts";
import { FAR_LESS, IMPOSSIBLE, WAITS } from "../../judge/thresholds.ts";
import type { Interval, Round } from "../../timing/result.ts";
import type { TrialResult } from "../../timing/spec.ts";
import { BUSY_NOISE, Standings, USUAL_NOISE } from "../../timing/standings.ts";
import { median } from "../../timing/statistics.ts";
import { isCeilingLow, mayBeSlowed } from "../prediction/busy.ts";
import { type Candidate, inFlightOf, nameOf, SEQUENTIAL } from "../prediction/candidate.ts";
import { withCoresOf } from "../prediction/machine.ts";
import { cpuShareOf, predict, totalMs } from "../prediction/predict.ts";
import { blocks, mostCpuShare, mostHeldShare, type Sample, SOURCE_MS } from "../probe/sample.ts";
import type { KnownJob } from "./promising.ts";
import { isOfServer } from "./failing.ts";
import { inFlight, plainOf, type Runner } from "./runner.ts";
import { asRaced } from "./same_work.ts";

/** The job that is raced, as far as it is known: `horizon` is its number of items. */
type Job = Pick<KnownJob, "sample" | "machine" | "horizon">;

/** What is known of a model's time for the whole job. */
export interface Entry {
  readonly candidate: Candidate;
  readonly times: readonly { readonly round: number; readonly ms: number }[];
  /** Whether it ran without failures of its own, gave the same results, and wasn't clearly slower. */
  readonly eligible: boolean;
  /** How many tasks it had in flight at once; default 1. */
  readonly inFlight?: number;
  /** Whether tasks fail with less than twice as many in flight. */
  readonly isAtEdge?: boolean;
  /** So many times its gain may be too great for reasons that its rounds don't show; default 1. */
  readonly doubt?: number;
  /** A greater gain than this has other causes than the model. */
  readonly credible?: number;
  /** What cores and waiting can give for the whole job; default any gain. */
  readonly most?: number;
}

/** A measured gain that is greater than `most`, what so many cores and waiting can give. */
export interface Impossible {
  readonly model: string;
  readonly gain: number;
  readonly most: number;
  readonly cores: number;
  /** Whether the cores are lanes of other machines, which may be faster than this one. */
  readonly isElsewhere?: boolean;
}

export interface Entries {
  readonly entries: readonly Entry[];
  readonly impossible: readonly Impossible[];
  /** What a time is usually off by on this machine at present, on the logarithm. */
  readonly usualNoise: number;
}

/** Whether a gain is one, after all that speaks against it. */
export function isShown({ doubt = 1, credible = Infinity }: Entry, gain: Interval | null): boolean {
  return gain !== null && gain.low * Math.min(1, credible / gain.median) > doubt;
}

/**
 * What a round comes to for the whole job: its work in proportion to the predictions for both numbers of
 * items. Where it took so many times as long as predicted, so many fewer were served at once, and the others
 * queued. What its lanes took until their first tasks had ended, which are dear in each lane, counts once.
 */
export function scaledMs(
  { sample, machine, horizon }: Job,
  { candidate, items }: Pick<Runner, "candidate" | "items">,
  { startMs, runMs, warm }: Pick<Round, "startMs" | "runMs"> & Pick<TrialResult, "warm">,
): number {
  if (items === horizon) return startMs + runMs;
  const predictedMs = (count: number, of = candidate) => predict(sample, of, count, machine).runMs;
  if (warm !== undefined && warm.items < items) {
    const { afterMs } = warm;
    // One after the other: on lanes a long first item would hide what the others take beside it.
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

function timesOf(job: Job, runner: Runner): Entry["times"] {
  return runner.rounds.map((of) => ({ round: of.round, ms: scaledMs(job, runner, of) }));
}

/** What cores and waiting can give a model for so many items. */
export function possibleGain(
  sample: Pick<Sample, "cpuShare" | "cpuMs" | "loopMs" | "blockedMs" | "wallMs" | "sourceMs">,
  cores: number,
  candidate: Candidate,
  items: number,
): number {
  const { cpuShare, cpuMs, loopMs, blockedMs, wallMs, sourceMs } = sample;
  const ofTasks = possibleOf(
    {
      cpuShare,
      onLoop: cpuMs > 0 ? loopMs / cpuMs : 0,
      // A short hold may be a neighbour on the CPU.
      held: blocks(sample) ? blockedMs / wallMs : 0,
    },
    cores,
    { lanes: candidate.lanes, inFlight: inFlightOf(candidate, items) },
  );
  // What a quick source takes is dealing out, and waking up for it.
  if (sourceMs < SOURCE_MS) return ofTasks;
  // Items come one after the other, whatever becomes of them.
  return Math.min(ofTasks, (sourceMs + wallMs) / Math.max(sourceMs, wallMs / ofTasks));
}

/**
 * The sample, its tasks computing no more than they did in a runner's rounds: with many in flight tasks that
 * wait may compute far less, where one request of a client's carries many of theirs.
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

/** A gain so many times as great among all rounds as in the two's own is in doubt. */
const SHIFTED = 1.5;

/** A runner's gain on the items that it was raced with, and what it is worth. */
type Held = ReturnType<typeof worthOf> & {
  /** So many times as great was the gain by what others took in rounds of their own, if they were disturbed there. */
  readonly shift: number;
};

/** Holds runners against the plain loop, each on the very items that it was raced with. */
function heldAgainstPlain(
  ran: readonly Runner[],
  job: Job,
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
    // One round tells nothing of the noise, and others' programs disturb more than rounds show.
    const isUnsure = isBusy || Math.min(plain.rounds.length, runner.rounds.length) < 2;
    return [[runner, { ...worthOf(runner, job, gain, isUnsure ? gain : low), shift }]];
  }));
}

/** What a runner's gain is worth, of which `sure` is what its rounds show. */
function worthOf(runner: Runner, { sample, machine }: Job, gain: number, sure: number) {
  const { candidate, items } = runner;
  const { cores, ceiling } = withCoresOf(machine, candidate);
  const mostShare = mostCpuShare(sample);
  // The first few items may compute less than the others, and wait more.
  const possible = (cpuShare: number, cores: number) => {
    const these = asComputed(sample, runner, cpuShareOf({ ...sample, cpuShare }, items));
    return possibleGain(these, cores, candidate, items);
  };
  const most = possible(sample.cpuShare, cores);
  const isImpossible = gain > IMPOSSIBLE * most;
  // What only waiting, or others' share, can have given tells nothing.
  const isTold = gain <= possible(mostShare, cores);
  // Others' share can shorten computing alone, not what is waited for besides.
  const ofWaits = (1 - mostHeldShare(sample)) * gain;
  const ofCores = isTold ? IMPOSSIBLE * possible(mostShare, ceiling) : 0;
  return {
    gain,
    most,
    cores,
    isImpossible,
    // Other machines may be faster, which says nothing of the plain loop.
    excess: isImpossible && !needsServer(candidate.model) ? Math.max(1, sure / most) : 1,
    credible: Math.max(ofWaits, ofCores),
  };
}

/**
 * So many times as dear as in the sample were the plain loop's items, where a runner gained far less than
 * predicted: they may be so in fresh processes, as they are few, and that may be all of its gain.
 */
function dearerBy(plain: Runner, runner: Runner, job: Job): number {
  if (plain.items >= runner.items) return 1;
  const middleMs = (of: Runner) => median(timesOf(job, of).map(({ ms }) => ms));
  const expectedMs = (of: Candidate) => totalMs(predict(job.sample, of, job.horizon, job.machine));
  const [plainMs, sampledMs] = [middleMs(plain), expectedMs(SEQUENTIAL)];
  const isFarLess = sampledMs / expectedMs(runner.candidate) >
    FAR_LESS * plainMs / middleMs(runner);
  return isFarLess ? Math.max(1, plainMs / sampledMs) : 1;
}

/** Whether others failed with less than that in flight, where the same is shared. */
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
 * Scales what runners took to the whole job. A gain that can't be tells of the measurement: the
 * plain loop was slower than need be, perhaps, so that all gains are in doubt. On a busy machine
 * those are that exceed what independent processes gained. With `inOneLoop` tasks share what each lane
 * would have of its own: only an event loop may be taken then, however much faster lanes were.
 */
export function entriesOf(runners: readonly Runner[], sampled: Job, inOneLoop = false): Entries {
  const { machine, horizon } = sampled;
  const sample = asRaced(sampled.sample, runners);
  const job = { sample, machine, horizon };
  const isBusy = mayBeSlowed(sample, machine);
  const usualNoise = isBusy ? BUSY_NOISE : USUAL_NOISE;
  const ran = runners.filter(({ out, rounds }) => out === undefined && rounds.length > 0);
  const held = heldAgainstPlain(ran, job, isBusy, usualNoise);
  const excess = Math.max(1, ...[...held.values()].map((of) => of.excess));
  // A ceiling far below the cores may have been mismeasured.
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
        // So many may have gone well only at first.
        !failsBelow(inFlight(runner) + 1, runner, runners),
      inFlight: inFlight(runner),
      isAtEdge: failsBelow(2 * inFlight(runner), runner, runners),
      // What is off by so much for one may be off by as much again for another.
      doubt: Math.max(shift, dearer, excess ** 2),
      // With more in flight what computes takes a greater share of the cores from others.
      credible: isBusy ? credible : Infinity,
      // Other machines may be faster than this one.
      ...(!needsServer(candidate.model) &&
        { most: possibleGain(asComputed(sample, runner), limit, candidate, horizon) }),
    };
  });
  const impossible = [...held].filter(([, { isImpossible }]) => isImpossible)
    .map(([{ candidate }, { gain, most, cores }]): Impossible => {
      const elsewhere = needsServer(candidate.model) && { isElsewhere: true };
      return { model: nameOf(candidate), gain, most, cores, ...elsewhere };
    });
  return { entries, usualNoise, impossible };
}
