/**
 * Advice on a job: probe a sample, classify, predict, race, recommend.
 *
 * @module
 */

import { BASELINE } from "../models.ts";
import type { Meter } from "../timing/meter/meter.ts";
import { othersBetween } from "../timing/meter/reading.ts";
import type { TrialRunner } from "../timing/spec.ts";
import type { Round } from "../timing/result.ts";
import type { Advice } from "./advice.ts";
import { composeAdvice, recommends } from "./compose_advice.ts";
import { type Candidate, SEQUENTIAL } from "./prediction/candidate.ts";
import { predictedGains } from "./prediction/choose_candidates.ts";
import { COMPUTES, SURE, TELLS_NOTHING, WAITS } from "../judge/thresholds.ts";
import type { AdviseOptions, Evidence } from "./evidence.ts";
import type { MachineMeter } from "./prediction/machine.ts";
import { nothingToGain, planFor, type Planned, withOthers, withTotal } from "./race/race_plan.ts";
import { classFor } from "./prediction/classify.ts";
import { predict } from "./prediction/predict.ts";
import { countBackwards, orderCheck, type OrderProber } from "./probe/order_probe.ts";
import { type MeasurePace, paceProbe, plainPace, racedPace } from "./pace.ts";
import { profiled, type Profiler } from "./profile/profiler.ts";
import { graceFor, type Probed, type Prober } from "./probe/probe.ts";
import type { Race, RaceRunner, Runner } from "./race/race.ts";
import { missingOf } from "./words/reasons.ts";
import { entriesOf, recommend, scaledMs } from "./race/recommend.ts";
import { sameWork } from "./findings.ts";
import { sampleOf } from "./probe/sample.ts";
import { substitutes } from "./race/substitutes.ts";

const MOST_TRIALS = 16;
/** How often any item is run at most: in the sample, the race, from last to first, for a pace, and a profile. */
export const MOST_TIMES: number = 1 + MOST_TRIALS + 1 + 1 + 1;
/** Items in a sample at most. */
export const MOST_ITEMS = 50_000;
/** The sample's share of the budget, and how long it lasts at most if there is time, in milliseconds. */
const SAMPLE_SHARE = 0.12;
const SAMPLE_MS = 3000;
/** What the probe may take before the answer would be late. */
const PROBE_SHARE = 0.5;
/** Reserved to print and to end processes. */
const RESERVE_MS = 300;
/** How long a server's pace is looked for at most, in milliseconds. */
const PACE_MS = 4000;
/** Ends of an interval that lie nearer together need no more rounds. */
const NARROW = 1.3;
/** Kept of the budget for what follows a race: the run from last to first, so many times, and processes. */
const KEPT_RUNS = 2;
const KEPT_MS = 700;
/** A task gets this many times as long as the longest of the sample before it is given up. */
const PATIENCE = 20;

/** Whatever measures; a test's own answer at once. */
export interface Instruments {
  /** Runs the sample. */
  readonly probe: Prober;
  /** Runs the race. */
  readonly race: RaceRunner;
  /** Says whether the order of tasks matters. */
  readonly orderProbe: OrderProber;
  /** Finds where the time goes; without one nothing is said of that. */
  readonly profileJob?: Profiler;
  /** Measures the machine. */
  readonly measureMachine: MachineMeter;
  /** Runs one trial. */
  readonly runTrial: TrialRunner;
  /** Tells waiting from queueing for a core. */
  readonly meter?: Meter;
  /** The clock, in milliseconds. */
  readonly now: () => number;
}

/** Whether more rounds would help a race that can't tell yet, or was told what can't be. */
function isUnclear(of: Race, { sample, machine, horizon }: Planned): boolean {
  const work = sameWork(sample, of);
  if (of.unrepeatable || work?.same === false) return false;
  const { entries, usualNoise, impossible } = entriesOf(of.runners, sample, machine, horizon);
  const { gain, decision } = recommend(entries, usualNoise);
  // What couldn't be afforded so far may well be what pays, where all others failed.
  const nothingRan = entries.every(({ candidate, eligible, times }) =>
    candidate.model === BASELINE || !eligible || times.length === 0
  );
  const isUntried = of.untried > 0 && nothingRan;
  return impossible.length > 0 || decision === "can't tell" || decision === "unmeasured" ||
    isUntried ||
    (gain !== null && gain.high / gain.low >= TELLS_NOTHING);
}

async function raceFor(
  planned: Planned,
  probed: Probed,
  options: AdviseOptions,
  instruments: Instruments,
  signal: AbortSignal,
  leftMs: () => number,
): Promise<Race | undefined> {
  const { sample, machine, plan, raced, horizon } = planned;
  if (plan === null || nothingToGain(planned) !== undefined) return undefined;
  options.onPhase?.("racing the promising models");
  const scaled = (candidate: Candidate, items: number, round: Round) =>
    scaledMs(sample, machine, candidate, items, horizon, round);
  const last = ({ candidate, items, rounds }: Runner) => scaled(candidate, items, rounds.at(-1)!);
  const longest = Math.max(...sample.walls.map(({ wallMs }) => wallMs));
  const sequentialMs = predict(sample, SEQUENTIAL, plan.items, machine).runMs;
  const { onEvent } = options;
  return await instruments.race({
    job: options.job,
    plan,
    raced,
    mostTrials: MOST_TRIALS,
    // Tasks that wait for each other may all take as long as the plain loop.
    timeoutMs: Math.ceil(Math.max(1000, PATIENCE * longest, 2 * sequentialMs)),
    failedShare: sample.failed / sample.items,
    checksums: probed.checksums,
    expectedMs: (candidate, items) => predict(sample, candidate, items, machine).runMs,
    scaledMs: scaled,
    decided: (runners) => {
      const { entries, usualNoise } = entriesOf(runners, sample, machine, horizon);
      const { confidence, gain, decision } = recommend(entries, usualNoise);
      return confidence >= SURE && decision !== "can't tell" &&
        (gain === null || gain.high / gain.low < NARROW);
    },
    unclear: (of) => isUnclear(of, planned),
    leftMs: () =>
      leftMs() - RESERVE_MS - KEPT_RUNS * countBackwards(probed) * sample.wallMs - KEPT_MS,
    instead: (runners) =>
      substitutes(runners, {
        cores: machine.cores,
        taskMs: sample.wallMs,
        waits: sample.cpuShare < (WAITS + COMPUTES) / 2,
        canTravel: sample.uncloneable === undefined,
        predicted: predictedGains(planned.predicted, plan.items),
      }, last),
    seed: options.seed,
    runTrial: instruments.runTrial,
    signal,
    ...(onEvent && { onEvent }),
  });
}

/** Takes a list's items in an order in which the first few stand for all. */
function spread(job: AdviseOptions["job"]): AdviseOptions["job"] {
  const { items } = job;
  if (items.kind === "values") return job;
  return {
    ...job,
    items: { ...items, spread: true, ...(items.limit !== undefined && { first: items.limit }) },
  };
}

/** What advice is given of, and how it was come by. */
interface Advised {
  /** The advice. */
  readonly advice: Advice;
  /** What it rests on. */
  readonly evidence: Evidence;
}

/**
 * Gives advice on a job. There is always an answer within the budget: what could not be measured is
 * predicted, and said to be. Throws a UsageError if the job's module lacks something, a JobError if the
 * job can't be run at all.
 */
export async function advise(options: AdviseOptions, instruments: Instruments): Promise<Advised> {
  const job = spread(options.job);
  const { typed, budgetMs, signal, cores, onPhase } = options;
  const { probe, orderProbe, profileJob, measureMachine, runTrial, meter, now } = instruments;
  const startMs = now();
  const before = await meter?.read();
  const leftMs = () => budgetMs - RESERVE_MS - (now() - startMs);
  let planned: Planned | undefined;
  const plan = async (probed: Probed): Promise<Planned> => {
    onPhase?.("starting lanes");
    const { cpuShare } = sampleOf(probed);
    const machine = await measureMachine({ runTrial, cores, signal, ceiling: cpuShare > 0.2 });
    return planFor(probed, machine, options, leftMs());
  };
  onPhase?.("running a sample one by one");
  let sample: Probed | undefined;
  const probed = await probe(job, {
    typed,
    limit: Math.min(options.items ?? Infinity, MOST_ITEMS),
    targetMs: Math.min(SAMPLE_MS, SAMPLE_SHARE * budgetMs),
    guardMs: PROBE_SHARE * budgetMs,
    signal,
    ...(meter && { meter }),
  }, async (sampled) => {
    sample = sampled;
    planned = await plan(sampled);
    return planned.plan === null || nothingToGain(planned) !== undefined ? [] : [
      planned.plan.sequentialItems,
      Math.min(planned.plan.items, sampled.done?.kept ?? 0),
      countBackwards(sampled),
    ];
  }).catch((error) => {
    // After an interruption the sample is used, without its checksums.
    if (sample === undefined || !signal.aborted) throw error;
    return sample;
  });
  planned ??= await plan(probed);
  const graceMs = graceFor(probed);
  const measured = graceMs === undefined ? job : { ...job, graceMs };
  const deadline = AbortSignal.timeout(Math.max(1, Math.ceil(leftMs())));
  const either = AbortSignal.any([signal, deadline]);
  const measurePace: MeasurePace = async (slots) => {
    onPhase?.("measuring the pace that the server allows");
    const mostMs = Math.max(1, Math.min(PACE_MS, leftMs()));
    return await paceProbe(job, { slots, mostMs, signal: either, runTrial });
  };
  let pace = await plainPace(probed, measurePace);
  // Where a server's limit decides, a race would only be refused.
  const race = pace !== undefined ? undefined : await raceFor(
    planned,
    probed,
    { ...options, job: measured },
    instruments,
    either,
    leftMs,
  );
  if (race?.total !== undefined) planned = withTotal(planned, race.total);
  planned = withOthers(planned, othersBetween(before, await meter?.read()));
  pace ??= await racedPace(race, measurePace);
  const early: Evidence = {
    options: { ...options, job },
    probed,
    ...planned,
    race,
    backwards: undefined,
    pace,
    missing: undefined,
  };
  const leavesPlainLoop = recommends(early) !== BASELINE;
  const check = orderCheck(planned.sample, probed, race, leavesPlainLoop);
  if (check !== undefined) onPhase?.("running a few items from last to first");
  const backwards = check && leftMs() > 0
    ? {
      items: check.count,
      ...await orderProbe(job, { ...check, guardMs: leftMs(), signal: either }),
    }
    : undefined;
  const { sample: ran, machine, horizon } = planned;
  const small = classFor(ran, machine, horizon).bound === "small";
  const profile = await profiled(planned.sample, probed, { small, leftMs: leftMs() }, {
    take: profileJob && ((of) => profileJob(job, { ...of, signal: either })),
    onPhase,
  });
  const evidence: Evidence = {
    ...early,
    backwards,
    profile,
    missing: pace?.ofPlainLoop ? undefined : missingOf({ ...planned, probed, race }, signal),
  };
  return { advice: composeAdvice(evidence), evidence };
}
