/** Advice on a job: probe a sample, classify, predict, race, recommend. */

import { BASELINE, isRemote, needsServer } from "../models.ts";
import { type Meter, othersBetween } from "../timing/meter/meter.ts";
import type { TrialRunner } from "../timing/spec.ts";
import type { Advice } from "./advice.ts";
import { composeAdvice } from "./compose_advice.ts";
import { Assessment } from "./assessment.ts";
import { SEQUENTIAL } from "./prediction/candidate.ts";
import { isNeedless, substitutes } from "./race/substitutes.ts";
import {
  mayBeRaced,
  planFor,
  type Planned,
  predictedGains,
  withOthers,
  withTotal,
} from "./race/race_plan.ts";
import { COMPUTES, SURE, TELLS_NOTHING, WAITS } from "../judge/thresholds.ts";
import type { AdviseOptions, Evidence } from "./evidence.ts";
import type { sharedBy } from "./job/shared_state.ts";
import type { MachineMeter } from "./prediction/machine.ts";
import { classFor, predict } from "./prediction/predict.ts";
import { orderCheck, type OrderProber, sampled } from "./probe/order_probe.ts";
import { type MeasurePace, PACE_MS, paceProbe, plainPace, racedPace, TRY_MS } from "./pace.ts";
import { profiled, type Profiler } from "./profile/profiler.ts";
import { checksumOfFirst, closingOf, countNeighbours, type Prober } from "./probe/probe.ts";
import { tryAuto } from "./race/auto_trial.ts";
import {
  MOST_LOOKS,
  type Race,
  race as runRace,
  type RaceJudge,
  type RaceOptions,
  type Runner,
} from "./race/race.ts";
import { entriesOf, isOneUntried, recommend, scaledMs } from "./race/recommend.ts";
import { asRaced, sameWork } from "./race/sample_check.ts";
import { byChance, mostCpuShare, sampleOf } from "./probe/sample.ts";

const MOST_TRIALS = 16;
/** How often any item is run at most: in two samples, the race, from last to first, for a pace, and a profile. */
export const MOST_TIMES: number = 2 + MOST_TRIALS + MOST_LOOKS + 1 + 2 + 1;
export const MOST_ITEMS = 50_000;
/** The sample's share of the budget, and how long it lasts at most if there is time, in milliseconds. */
const SAMPLE_SHARE = 0.12;
const SAMPLE_MS = 3000;
const PROBE_SHARE = 0.5;
const RESERVE_MS = 300;
/** Ends of an interval that lie nearer together need no more rounds. */
const NARROW = 1.3;
/** Kept of the budget for what follows a race: the run from last to first, so many times, and processes. */
const KEPT_RUNS = 2;
const KEPT_MS = 700;
const PATIENCE = 20;
const LEAST_PATIENCE_MS = 1000;
/** From this CPU share on what independent processes gain is worth measuring. */
const NEEDS_CEILING = 0.2;

/** Whatever measures; a test's own answer at once. */
export interface Instruments {
  readonly probe: Prober;
  readonly orderProbe: OrderProber;
  readonly profileJob?: Profiler;
  readonly measureMachine: MachineMeter;
  readonly sharedBy?: typeof sharedBy;
  readonly runTrial: TrialRunner;
  readonly meter?: Meter;
  readonly now: () => number;
  /** Waits; a test's own at once. */
  readonly pause?: RaceOptions["pause"];
}

/** Why nothing is to be gained, so that nothing need be raced; undefined where something may be. */
function nothingToGain({ sample, machine, horizon }: Planned) {
  return classFor(sample, machine, horizon).noGain;
}

interface Racing extends Planned {
  readonly plan: NonNullable<Planned["plan"]>;
  readonly shared: Evidence["shared"];
}

/** What a race that goes on has come to so far, among what may be taken. */
function judged(runners: readonly Runner[], { sample, machine, horizon, shared }: Racing) {
  const found = entriesOf(runners, sample, machine, horizon, shared !== undefined);
  // Lanes are at most offered then, and once will do.
  const isOver = shared !== undefined &&
    found.entries.every(({ candidate }) => candidate.model === BASELINE);
  return { ...found, ...recommend(found.entries, found.usualNoise), isOver };
}

/** Whether more rounds would help a race that can't tell yet, or was told what can't be. */
function isUnclear(of: Race, planned: Racing): boolean {
  const { sample } = planned;
  if (of.unrepeatable || sameWork(asRaced(sample, of.runners), of)?.same === false) return false;
  const { entries, impossible, gain, decision, isOver } = judged(of.runners, planned);
  if (isOver) return false;
  const isUntried = isOneUntried(of, sample, entries);
  return impossible.length > 0 || decision === "can't tell" || decision === "unmeasured" ||
    isUntried || (gain !== null && gain.high / gain.low >= TELLS_NOTHING);
}

function judgeOf(planned: Racing): RaceJudge {
  const { sample, machine, plan, horizon, predicted } = planned;
  const { cpuShare, uncloneable, wallMs: taskMs } = sample;
  const scaledBy: RaceJudge["scaledBy"] = (runners) => {
    const raced = asRaced(sample, runners);
    return (candidate, items, round) => scaledMs(raced, machine, candidate, items, horizon, round);
  };
  const timeBy = (runners: readonly Runner[]) => {
    const scaled = scaledBy(runners);
    return ({ candidate, items, rounds }: Runner) => scaled(candidate, items, rounds.at(-1)!);
  };
  return {
    expectedMs: (candidate, items) => predict(sample, candidate, items, machine).runMs,
    byChance: (items) => byChance(sample, items),
    scaledBy,
    isDecided: (runners) => {
      const { confidence, gain, decision, isOver } = judged(runners, planned);
      return isOver || (confidence >= SURE && decision !== "can't tell" &&
        (gain === null || gain.high / gain.low < NARROW));
    },
    isUnclear: (of) => isUnclear(of, planned),
    isNeedless: (runner, runners) => isNeedless(runner, runners, timeBy(runners)),
    instead: (runners) =>
      substitutes(runners, {
        cores: machine.cores,
        taskMs,
        waits: cpuShare < (WAITS + COMPUTES) / 2,
        canTravel: uncloneable === undefined,
        predicted: predictedGains(predicted, plan.items),
      }, timeBy(runners))
        .filter(({ model }) =>
          mayBeRaced(model, planned.models) && !(planned.shared && isRemote(model))
        ),
  };
}

/** How long a task of a race may take: those that wait for each other may all take as long as the plain loop. */
function patienceMs({ sample, machine, plan }: Racing): number {
  const longestMs = Math.max(...sample.walls.map(({ wallMs }) => wallMs));
  const plainMs = predict(sample, SEQUENTIAL, plan.items, machine).runMs;
  return Math.ceil(Math.max(LEAST_PATIENCE_MS, PATIENCE * longestMs, 2 * plainMs));
}

/** Gives advice within the budget. Throws a UsageError or a JobError if the job can't be run at all. */
export async function advise(
  options: AdviseOptions,
  instruments: Instruments,
): Promise<{ readonly advice: Advice; readonly evidence: Evidence }> {
  const { typed, budgetMs, signal, cores, seed, server, joined, onPhase, onEvent } = options;
  const { probe, orderProbe, profileJob, measureMachine, meter, now } = instruments;
  const runTrial: TrialRunner = (trial, watching) => {
    const where = needsServer(trial.model) && server && { server };
    return instruments.runTrial({ ...trial, ...where }, watching);
  };
  const startMs = now();
  const before = await meter?.read();
  const shared = await instruments.sharedBy?.(options.job.task);
  const leftMs = () => budgetMs - RESERVE_MS - (now() - startMs);
  onPhase?.("running a sample one by one");
  const { job, probed, leans } = await sampled(
    options.job,
    shared !== undefined,
    (job, isAgain) => {
      if (isAgain) onPhase?.("running a sample in the list's own order");
      return probe(job, {
        typed,
        limit: Math.min(options.items ?? Infinity, MOST_ITEMS),
        targetMs: Math.min(SAMPLE_MS, SAMPLE_SHARE * budgetMs),
        guardMs: isAgain ? Math.max(1, leftMs()) : PROBE_SHARE * budgetMs,
        signal,
        meter,
        shares: shared !== undefined,
      });
    },
  );
  onPhase?.("starting lanes");
  const ceiling = mostCpuShare(sampleOf(probed)) > NEEDS_CEILING;
  const machine = {
    ...await measureMachine({ runTrial, cores, signal, ceiling }),
    ...(joined && { joined }),
  };
  let planned = planFor(probed, machine, options, leftMs());
  const closing = { ...job, ...closingOf(probed) };
  const deadline = AbortSignal.timeout(Math.max(1, Math.ceil(leftMs())));
  const either = AbortSignal.any([signal, deadline]);
  const measurePace: MeasurePace = async (slots, care = {}) => {
    onPhase?.("measuring the pace that the server allows");
    const mostMs = Math.max(1, Math.min(care.rate ? TRY_MS : PACE_MS, leftMs()));
    return await paceProbe(job, { slots, ...care, mostMs, signal: either, runTrial });
  };
  let pace = await plainPace({ ...planned, probed }, measurePace);
  let race: Race | undefined;
  // Where a server's limit decides, a race would only be refused.
  if (
    !leans && pace === undefined && planned.plan !== null && nothingToGain(planned) === undefined
  ) {
    onPhase?.("racing the promising models");
    const keptMs = KEPT_RUNS * countNeighbours(probed) * planned.sample.wallMs + KEPT_MS;
    const racing: Racing = { ...planned, plan: planned.plan, shared };
    race = await runRace({
      plan: racing.plan,
      raced: racing.raced,
      judge: judgeOf(racing),
      mostTrials: MOST_TRIALS,
      timeoutMs: patienceMs(racing),
      sampled: racing.sample.items,
      failedShare: racing.sample.failed / racing.sample.items,
      checksumOf: (count) => checksumOfFirst(count, probed),
      kept: probed.digests?.length ?? 0,
      job: closing,
      leftMs: () => leftMs() - RESERVE_MS - keptMs,
      pause: instruments.pause,
      seed,
      runTrial,
      signal: either,
      onEvent,
    });
  }
  if (race?.total !== undefined) planned = withTotal(planned, race.total);
  planned = withOthers(planned, othersBetween(before, await meter?.read()));
  planned = { ...planned, sample: asRaced(planned.sample, race?.runners) };
  pace ??= await racedPace({ ...planned, race }, measurePace);
  const early: Evidence = { options, probed, ...planned, shared, race, backwards: undefined, pace };
  const { candidate } = new Assessment(early).recommendation();
  const check = leans || leftMs() <= 0 ? undefined : orderCheck(planned.sample, probed, race, {
    leavesPlainLoop: candidate.model !== BASELINE,
    shares: shared !== undefined,
  });
  if (check !== undefined) onPhase?.("running a few items from last to first");
  const backwards = leans
    ? { items: probed.done!.items, timesRun: 1, orderMatters: true, fails: true }
    : check
    ? {
      items: check.count,
      timesRun: check.forwards === undefined ? 2 : 1,
      ...await orderProbe(closing, { ...check, guardMs: leftMs(), signal: either }),
    }
    : undefined;
  const isSmall = classFor(planned.sample, planned.machine, planned.horizon).bound === "small";
  const profile = profileJob && !isSmall
    ? await profiled(planned.sample, probed, leftMs(), async (of) => {
      onPhase?.("looking where the time goes");
      return await profileJob(job, { ...of, signal: either });
    })
    : undefined;
  if (options.withAuto) onPhase?.("running auto beside the recommended model");
  const auto = options.withAuto
    ? await tryAuto(race, candidate, {
      job: closing,
      bounds: options.bounds,
      leftMs,
      runTrial,
      signal: either,
    })
    : undefined;
  const evidence: Evidence = { ...early, backwards, profile, auto };
  return { advice: composeAdvice(evidence), evidence };
}
