/**
 * From a race to a recommendation: times for the whole job, gains that can't be, and the model to
 * take.
 */

import { BASELINE, isRemote, MODEL_TABLE, needsServer } from "../../models.ts";
import { choose, possibleGain as possibleOf } from "../../judge/choose.ts";
import { GAINED, IMPOSSIBLE, TOO_SLOW, UNSURE, WAITS } from "../../judge/thresholds.ts";
import type { Interval, Round } from "../../timing/result.ts";
import { median } from "../../timing/statistics.ts";
import type { TrialResult } from "../../timing/spec.ts";
import { type Finding, isCeilingLow, mayBeSlowed, SOURCE_MS } from "../findings.ts";
import { asRaced } from "./sample_check.ts";
import {
  bySimplicity,
  type Candidate,
  inFlightOf,
  lanesOf,
  nameOf,
  SEQUENTIAL,
} from "../prediction/candidate.ts";
import { type Machine, withCoresOf } from "../prediction/machine.ts";
import { cpuShareOf, predict, totalMs } from "../prediction/predict.ts";
import { blocks, mostCpuShare, mostHeldShare, type Sample } from "../probe/sample.ts";
import { inFlight, plainOf, type Race, type Runner } from "./race.ts";
import { BUSY_NOISE, Standings, USUAL_NOISE } from "../../timing/standings.ts";
import { QUEUEING } from "./substitutes.ts";

export interface Entry {
  readonly candidate: Candidate;
  readonly times: readonly { readonly round: number; readonly ms: number }[];
  /** Whether it ran without failures of its own, gave the same results, and wasn't clearly slower. */
  readonly eligible: boolean;
  /** How many tasks it had in flight at once; default 1. */
  readonly inFlight?: number;
  /** So many times its gain may be too great for reasons that its rounds don't show; default 1. */
  readonly doubt?: number;
  /** A greater gain than this has other causes than the model. */
  readonly credible?: number;
  /** What cores and waiting can give for the whole job; default any gain. */
  readonly most?: number;
}

/** Whether a gain is one, after all that speaks against it. */
export function isShown({ doubt = 1, credible = Infinity }: Entry, gain: Interval | null): boolean {
  return gain !== null && gain.low * Math.min(1, credible / gain.median) > doubt;
}

/**
 * What a round comes to for `horizon` items: its work in proportion to the predictions for both numbers.
 * Where it took so many times as long as predicted, so many fewer were served at once, and the others queued.
 * Until its lanes have ended their first tasks, which are dear in each of them, it counts once.
 */
export function scaledMs(
  sample: Sample,
  machine: Machine,
  candidate: Candidate,
  items: number,
  horizon: number,
  { startMs, runMs, warm }: Pick<Round, "startMs" | "runMs"> & Pick<TrialResult, "warm">,
): number {
  if (items === horizon) return startMs + runMs;
  const predictedMs = (count: number, of = candidate) => predict(sample, of, count, machine).runMs;
  if (warm !== undefined && warm.items < items) {
    const { afterMs } = warm;
    const warmMs = (count: number) => Math.max(1e-9, predictedMs(count) - predictedMs(warm.items));
    return startMs + afterMs + (runMs - afterMs) * warmMs(horizon) / warmMs(items);
  }
  const share = Math.min(1, predictedMs(items) / Math.max(1e-9, runMs));
  const slots = Math.ceil(share * inFlightOf(candidate, items) / candidate.lanes);
  const served = share < 1 ? { ...candidate, slots } : candidate;
  return startMs +
    runMs * predictedMs(horizon, served) / Math.max(1e-9, predictedMs(items, served));
}

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

/** Whether others of the same place failed with no more in flight: what went well then is allowed so many only at first. */
function failsWithFewer(runner: Runner, runners: readonly Runner[]): boolean {
  const placeOf = ({ candidate: { model } }: Runner) => MODEL_TABLE[model].place;
  return runner.candidate.model !== BASELINE &&
    runners.some((of) =>
      of.out === "failures" && of.candidate.model !== BASELINE &&
      placeOf(of) === placeOf(runner) && inFlight(of) <= inFlight(runner)
    );
}

/** What gained so many times less than predicted isn't what was predicted. */
const FAR_LESS = 1.5;
/** A gain so many times as great among all rounds as in the two's own is in doubt. */
const SHIFTED = 1.5;

/**
 * Scales what runners took to the whole job. A gain that can't be tells of the measurement: the
 * plain loop was slower than need be, perhaps, so that all gains are in doubt. On a busy machine
 * those are that exceed what independent processes gained. With `inOneLoop` tasks share what each lane
 * would have of its own: only an event loop may be taken then, however much faster lanes were.
 */
export function entriesOf(
  runners: readonly Runner[],
  sampled: Sample,
  machine: Machine,
  horizon: number,
  inOneLoop = false,
) {
  const sample = asRaced(sampled, runners);
  const busy = mayBeSlowed(sample, machine);
  // What a time is usually off by on this machine at present, on the logarithm.
  const usualNoise = busy ? BUSY_NOISE : USUAL_NOISE;
  const mostShare = mostCpuShare(sample);
  const timesOf = ({ candidate, items, rounds }: Runner, horizon: number) =>
    rounds.map((round) => ({
      round: round.round,
      ms: scaledMs(sample, machine, candidate, items, horizon, round),
    }));
  const ran = runners.filter(({ out, rounds }) => out === undefined && rounds.length > 0);
  const plain = plainOf(ran);
  const middleMs = (runner: Runner) => median(timesOf(runner, horizon).map(({ ms }) => ms));
  const expectedMs = (of: Candidate) => totalMs(predict(sample, of, horizon, machine));
  // The plain loop's few items may be dearer in fresh processes than the many of the sample: where far less
  // was gained than predicted, that may be all of it.
  const dearer = (runner: Runner) => {
    if (plain === undefined || plain.items >= runner.items) return 1;
    const [plainMs, sampledMs] = [middleMs(plain), expectedMs(SEQUENTIAL)];
    const isFarLess = sampledMs / expectedMs(runner.candidate) >
      FAR_LESS * plainMs / middleMs(runner);
    return isFarLess ? Math.max(1, plainMs / sampledMs) : 1;
  };
  // With many in flight tasks that wait may compute far less: a request of a client's carries many of them.
  const asComputed = ({ items, rounds }: Runner, cpuShare = sample.cpuShare) => {
    const cpuTimes = rounds.flatMap(({ runCpuMs }) => runCpuMs ?? []);
    const isTold = mostShare <= WAITS && !sample.programsMs && cpuTimes.length > 0;
    const raced = isTold ? median(cpuTimes) / (items * sample.wallMs) : 1;
    return { ...sample, cpuShare: Math.min(cpuShare, raced) };
  };
  const numbers = [...new Set(ran.map(({ items }) => items))];
  const byItems = new Map(numbers.map((items) => {
    const series = new Map(ran.map((runner) => [runner, { times: timesOf(runner, items) }]));
    return [items, { series, all: new Standings([...series.values()], usualNoise) }];
  }));
  // On the very items that each was raced with; the first few may compute less than the others, and wait more.
  const held = new Map(ran.flatMap((runner) => {
    const { candidate, items } = runner;
    if (plain === undefined || runner === plain) return [];
    const { series, all } = byItems.get(items)!;
    const [slow, fast] = [series.get(plain)!, series.get(runner)!];
    const ratio = new Standings([slow, fast], usualNoise).ratio(slow, fast);
    if (ratio === null) return [];
    const { cores, ceiling } = withCoresOf(machine, candidate);
    const { median, low } = ratio;
    // What others took in rounds of their own may shift it, if they were disturbed there.
    const among = all.ratio(slow, fast)?.median ?? median;
    const shift = among > SHIFTED * median ? among / median : 1;
    const gain = shift * median;
    const possible = (cpuShare: number, cores: number) => {
      const these = asComputed(runner, cpuShareOf({ ...sample, cpuShare }, items));
      return possibleGain(these, cores, candidate, items);
    };
    const most = possible(sample.cpuShare, cores);
    // What only waiting, or others' share, can have given tells nothing.
    const isTold = gain <= possible(mostShare, cores);
    // Others' share can shorten computing alone, not what is waited for besides.
    const ofWaits = (1 - mostHeldShare(sample)) * gain;
    const ofCores = isTold ? IMPOSSIBLE * possible(mostShare, ceiling) : 0;
    const isImpossible = gain > IMPOSSIBLE * most;
    // One round tells nothing of the noise, and others' programs disturb more than that.
    const sure = busy || plain.rounds.length < 2 || runner.rounds.length < 2 ? gain : low;
    // Other machines may be faster, which says nothing of the plain loop.
    const excess = isImpossible && !needsServer(candidate.model) ? Math.max(1, sure / most) : 1;
    const credible = Math.max(ofWaits, ofCores);
    return [[runner, { gain, most, cores, credible, isImpossible, excess, shift }] as const];
  }));
  const excess = Math.max(1, ...[...held.values()].map((of) => of.excess));
  const takeable = runners.filter(({ candidate }) => !inOneLoop || !isRemote(candidate.model));
  const entries = takeable.map((runner): Entry => {
    const { candidate, items, out } = runner;
    const { isImpossible = false, credible = Infinity, shift = 1 } = held.get(runner) ?? {};
    // A ceiling far below the cores may have been mismeasured.
    const limit = isCeilingLow(machine) ? machine.cores : machine.ceiling;
    return {
      candidate,
      times: timesOf(runner, horizon),
      eligible: (out === undefined || (inOneLoop && out === "slower")) && !isImpossible &&
        !failsWithFewer(runner, runners),
      inFlight: inFlightOf(candidate, items),
      // What is off by so much for one may be off by as much again for another.
      doubt: Math.max(shift, held.has(runner) ? dearer(runner) : 1, excess ** 2),
      // With more in flight what computes takes a greater share of the cores from others.
      credible: busy ? credible : Infinity,
      // Other machines may be faster than this one.
      ...(!needsServer(candidate.model) &&
        { most: possibleGain(asComputed(runner), limit, candidate, horizon) }),
    };
  });
  const impossible = [...held].filter(([, { isImpossible }]) => isImpossible)
    .map(([{ candidate }, { gain, most, cores }]): Finding & { readonly kind: "impossible" } => {
      const elsewhere = needsServer(candidate.model) && { isElsewhere: true };
      return { kind: "impossible", model: nameOf(candidate), gain, most, cores, ...elsewhere };
    });
  return { entries, usualNoise, impossible };
}

export type Entries = ReturnType<typeof entriesOf>;

/**
 * Whether what couldn't be afforded may well be what pays: all others failed, or those with slots were slower
 * than the plain loop, as many in flight can be where few gain.
 */
export function isOneUntried(
  { untried }: Pick<Race, "untried">,
  sample: Sample,
  entries: readonly Entry[],
): boolean {
  const middle = ({ times }: Entry) => median(times.map(({ ms }) => ms));
  const ran = entries.filter(({ eligible, times }) => eligible && times.length > 0);
  const plain = ran.find(({ candidate }) => candidate.model === BASELINE);
  const isSlower = (of: Entry) =>
    plain !== undefined && of.candidate.slots > 1 && mostCpuShare(sample) <= WAITS &&
    middle(of) > GAINED * middle(plain);
  return untried > 0 && ran.every((of) => of === plain || isSlower(of));
}

/** How it was decided. */
export const DECISIONS = [
  "gain",
  "no gain",
  "can't tell",
  "unmeasured",
  /** A server's limit decides, whatever the model. */
  "server's pace",
  /** A task's result depends on those before it. */
  "order matters",
  /** The race wasn't the sampled job, so its times don't count. */
  "other work",
] as const;
export type Decision = typeof DECISIONS[number];

export interface Recommendation {
  readonly candidate: Candidate;
  /** Against sequential, and no more than can be; null if that or the model wasn't measured. */
  readonly gain: Interval | null;
  readonly confidence: number;
  readonly best: Candidate;
  readonly bestGain: Interval | null;
  /** One that is likely faster by a tenth, but not surely: the confidence is that the recommended one gains. */
  readonly rival?: Candidate;
  readonly decision: Decision;
}

/** The plain loop, where nothing measured speaks for another. */
export function plainly(decision: Decision, confidence: number): Recommendation {
  const gain = decision === "unmeasured" || decision === "server's pace" ? null : NO_GAIN;
  return { candidate: SEQUENTIAL, gain, confidence, best: SEQUENTIAL, bestGain: null, decision };
}

const NO_GAIN: Interval = { median: 1, low: 1, high: 1 };

function atMost({ median, low, high }: Interval, most: number): Interval {
  return { median: Math.min(median, most), low: Math.min(low, most), high: Math.min(high, most) };
}

/** The simplest first, but few slots before many on which most tasks only queue. */
function inOrder(entries: readonly Entry[], gainOf: (entry: Entry) => number): Entry[] {
  const queues = (entry: Entry) => (entry.inFlight ?? 1) >= QUEUEING * gainOf(entry);
  const rank = (entry: Entry) => isRemote(entry.candidate.model) ? 2 : queues(entry) ? 1 : 0;
  return entries.toSorted((a, b) => rank(a) - rank(b) || bySimplicity(a.candidate, b.candidate));
}

/** Recommends a model by the rule of judge/choose.ts, of those that may be. */
export function recommend(entries: readonly Entry[], usualNoise?: number): Recommendation {
  const ran = entries.filter(({ times, eligible }) => eligible && times.length > 0);
  const plain = ran.find(({ candidate }) => candidate.model === BASELINE);
  if (plain === undefined) return plainly("unmeasured", 0.5);
  const standings = new Standings(ran, usualNoise);
  const others = inOrder(
    ran.filter((entry) => entry !== plain),
    (entry) => standings.ratio(plain, entry)?.median ?? 0,
  );
  const { chosen, best, confidence, rival, ...found } = choose(
    plain,
    others,
    standings,
    isShown,
    // Slots cost next to nothing.
    (a, b) => lanesOf(a.candidate) === lanesOf(b.candidate),
  );
  const gain = chosen === plain ? NO_GAIN : standings.ratio(plain, chosen);
  const { most = Infinity } = chosen;
  const isTooMuch = gain !== null && gain.median > TOO_SLOW * most;
  return {
    ...found,
    ...(rival && { rival: rival.candidate }),
    candidate: chosen.candidate,
    gain: isTooMuch ? atMost(gain, most) : gain,
    // Certainty is never whole.
    confidence: Math.round(Math.min(isTooMuch ? UNSURE : 0.99, confidence) * 100) / 100,
    best: best.candidate,
  };
}
