/** Gives advice on a job: samples it, classifies it, predicts, races, and recommends a model. */

import { BASELINE, needsServer } from "../models.ts";
import { type Meter, othersBetween } from "../timing/meter/meter.ts";
import type { TrialRunner } from "../timing/spec.ts";
import type { Advice } from "./advice.ts";
import { Assessment } from "./assessment.ts";
import { type AdviseOptions, type Evidence } from "./evidence.ts";
import { composeAdvice } from "./compose_advice.ts";
import type { sharedBy } from "./job/shared_state.ts";
import { type MeasurePace, MOST_PACES, paceOfJob, plainPace, racedPace } from "./pace.ts";
import { classFor, predict, wasBusy } from "./prediction/predict.ts";
import { SEQUENTIAL } from "./prediction/candidate.ts";
import type { MachineMeter } from "./prediction/machine.ts";
import { orderCheck, type OrderProber, sampled } from "./probe/order_probe.ts";
import { checksumOfFirst, closingOf, countNeighbours, type Prober } from "./probe/probe.ts";
import { mostCpuShare, sampleOf } from "./probe/sample.ts";
import { profiled, type Profiler } from "./profile/profiler.ts";
import { tryAuto } from "./race/auto_trial.ts";
import { race as runRace } from "./race/race.ts";
import { judgeOf, type PlannedRace } from "./race/race_judge.ts";
import { planFor, withOthers, withTotal } from "./race/race_plan.ts";
import type { RaceOptions } from "./race/trials.ts";
import type { Race } from "./race/runner.ts";
import { asRaced } from "./race/same_work.ts";
import { MOST_LOOKS } from "./race/trials.ts";

const MOST_TRIALS = 16;
/** The most times that any item runs: samples, the race, runs from last to first, two paces, and a profile. */
export const MOST_TIMES: number = 2 + MOST_TRIALS + MOST_LOOKS + 2 + 2 * MOST_PACES + 1;
export const MOST_ITEMS = 50_000;
/** The sample's share of the budget, and its longest target time in milliseconds. */
const SAMPLE_SHARE = 0.12;
const SAMPLE_MS = 3000;
/** A sample is cut off after this share of the budget. */
const PROBE_SHARE = 0.5;
/** On a busy machine without a given budget, advice goes on for SOON_MS plus SOON_RUNS runs of the job. */
const SOON_MS = 2500;
const SOON_RUNS = 3;
/** Budget kept for the work after all measuring, in milliseconds. */
const RESERVE_MS = 300;
/** Budget kept for what follows a race: KEPT_RUNS runs from last to first, and their processes. */
const KEPT_RUNS = 2;
const KEPT_MS = 700;
/** The time limit of a race's task: PATIENCE times the sample's longest, or LEAST_PATIENCE_MS if greater. */
const PATIENCE = 20;
const LEAST_PATIENCE_MS = 1000;
const BUSY_PATIENCE = 4;
/** From this CPU share on, the gain of independent processes is worth measuring. */
const NEEDS_CEILING = 0.2;

/** Everything that measures; a test's own returns at once. */
export interface Instruments {
  readonly probe: Prober;
  readonly orderProbe: OrderProber;
  readonly profileJob?: Profiler;
  readonly measureMachine: MachineMeter;
  readonly sharedBy?: typeof sharedBy;
  readonly runTrial: TrialRunner;
  readonly meter?: Meter;
  readonly now: () => number;
  /** Waits; a test's own returns at once. */
  readonly pause?: RaceOptions["pause"];
}

/** The time limit of a race's task: tasks that wait for each other may all take as long as the plain loop. */
function patienceMs({ sample, machine, plan }: PlannedRace): number {
  const longestMs = Math.max(...sample.walls.map(({ wallMs }) => wallMs));
  const plainMs = predict(sample, SEQUENTIAL, plan.items, machine).runMs;
  // On a busy machine some tasks are kept waiting far longer than in the sample.
  const leastMs = LEAST_PATIENCE_MS * (wasBusy(sample, machine) ? BUSY_PATIENCE : 1);
  return Math.ceil(Math.max(leastMs, PATIENCE * longestMs, 2 * plainMs));
}

/** Gives advice within the budget. Throws a UsageError or a JobError if the job can't be run at all. */
export async function advise(
  options: AdviseOptions,
  instruments: Instruments,
): Promise<{ readonly advice: Advice; readonly evidence: Evidence }> {
  const { budgetMs, cores, server, joined, bounds, onPhase } = options;
  const { measureMachine, meter, now } = instruments;
  const startMs = now();
  let mostMs = budgetMs;
  const leftOf = (ms: number) => ms - RESERVE_MS - (now() - startMs);
  const leftMs = () => leftOf(mostMs);
  const runTrial: TrialRunner = (trial, watching) => {
    const where = needsServer(trial.model) && server && { server };
    return instruments.runTrial({ ...trial, ...where }, watching);
  };
  const before = await meter?.read();
  const shared = await instruments.sharedBy?.(options.job.task);
  const shares = shared !== undefined;
  const again = { items: 0, timesRun: 0 };
  onPhase?.("running a sample one by one");
  const { job, probed, needsOrder } = await sampled(options.job, shares, async (job, isAgain) => {
    if (isAgain) {
      again.timesRun++;
      onPhase?.("running a sample in the list's own order");
    }
    const probed = await instruments.probe(job, {
      ...{ typed: options.typed, signal: options.signal, meter, shares },
      limit: Math.min(options.items ?? Infinity, MOST_ITEMS),
      targetMs: Math.min(SAMPLE_MS, SAMPLE_SHARE * budgetMs),
      guardMs: isAgain ? Math.max(1, leftMs()) : PROBE_SHARE * budgetMs,
    });
    if (isAgain) again.items += probed.done?.items ?? 0;
    return probed;
  });
  onPhase?.("starting lanes");
  const ceiling = mostCpuShare(sampleOf(probed)) > NEEDS_CEILING;
  const machine = {
    ...await measureMachine({ runTrial, cores, signal: options.signal, ceiling }),
    ...(joined && { joined }),
  };
  const { wallMs, ...sample } = sampleOf(probed);
  if (options.isSoon && wasBusy(sample, machine)) {
    const items = Math.min(sample.total ?? Infinity, options.items ?? Infinity);
    mostMs = Math.min(budgetMs, now() - startMs + SOON_MS + SOON_RUNS * wallMs * items);
  }
  let planned = planFor(probed, machine, options, leftMs());
  const deadline = AbortSignal.timeout(Math.max(1, Math.ceil(leftMs())));
  const signal = AbortSignal.any([options.signal, deadline]);
  /** The job with what its trials have to know about its teardown. */
  const closing = { ...job, ...closingOf(probed) };
  const classed = () => classFor(planned.sample, machine, planned.horizon);
  const measured = paceOfJob(job, { leftMs, signal, runTrial, onPhase });
  const measurePace: MeasurePace = async (...how) => {
    again.timesRun++;
    const found = await measured(...how);
    again.items += found.items;
    return found;
  };
  /** Races the promising models; undefined if nothing can be gained, or nothing can be raced. */
  const raceModels = async () => {
    const { plan, sample } = planned;
    if (needsOrder || plan === null || classed().noGain !== undefined) return undefined;
    onPhase?.("racing the promising models");
    const keptMs = KEPT_RUNS * countNeighbours(probed) * sample.wallMs + KEPT_MS;
    const racing = { ...planned, plan, shared };
    return await runRace({
      ...{ plan, raced: planned.raced, judge: judgeOf(racing), mostTrials: MOST_TRIALS },
      timeoutMs: patienceMs(racing),
      sampled: sample.items,
      failedShare: sample.failed / sample.items,
      checksumOf: (count) => checksumOfFirst(count, probed),
      kept: probed.digests?.length ?? 0,
      job: closing,
      leftMs: () => leftMs() - RESERVE_MS - keptMs,
      ...{ pause: instruments.pause, seed: options.seed, onEvent: options.onEvent },
      ...{ runTrial, signal },
    });
  };
  /** Runs a few items from last to first, if their order may matter. */
  const runBackwards = async (race: Race | undefined, leavesPlainLoop: boolean) => {
    if (needsOrder) {
      return { items: probed.done!.items, timesRun: 0, orderMatters: true, fails: true };
    }
    // This tells whether the advice is right at all, so it may take what a busy machine's race may not.
    const guardMs = leftOf(budgetMs);
    if (guardMs <= 0) return undefined;
    const mayWrite = job.permissions?.write !== undefined;
    const check = orderCheck(planned.sample, probed, race, { leavesPlainLoop, shares, mayWrite });
    if (check === undefined) return undefined;
    onPhase?.("running a few items from last to first");
    const ends = AbortSignal.any([options.signal, AbortSignal.timeout(Math.ceil(guardMs))]);
    const found = await instruments.orderProbe(closing, { ...check, guardMs, signal: ends });
    return { items: check.count, timesRun: check.forwards === undefined ? 2 : 1, ...found };
  };
  /** Profiles the job's computing, unless the job is small. */
  const profileTasks = async () => {
    const { profileJob } = instruments;
    if (profileJob === undefined || classed().bound === "small") return undefined;
    return await profiled(planned.sample, probed, leftMs(), async (of) => {
      onPhase?.("looking where the time goes");
      return await profileJob(job, { ...of, signal });
    });
  };
  let pace = await plainPace({ ...planned, probed }, measurePace);
  // If a server's limit decides, a race would only be refused.
  const race = pace === undefined ? await raceModels() : undefined;
  if (race?.total !== undefined) planned = withTotal(planned, race.total);
  planned = withOthers(planned, othersBetween(before, await meter?.read()));
  planned = { ...planned, sample: asRaced(planned.sample, race?.runners) };
  pace ??= await racedPace({ ...planned, race }, measurePace);
  const known = { options, probed, ...planned, shared, race, pace, again };
  const early: Evidence = { ...known, backwards: undefined };
  const { candidate } = new Assessment(early).recommendation();
  const backwards = await runBackwards(race, candidate.model !== BASELINE);
  const profile = await profileTasks();
  if (options.withAuto) onPhase?.("running auto beside the recommended model");
  const auto = options.withAuto
    ? await tryAuto(race, candidate, { job: closing, bounds, leftMs, runTrial, signal })
    : undefined;
  const evidence: Evidence = { ...early, backwards, profile, auto };
  return { advice: composeAdvice(evidence), evidence };
}
