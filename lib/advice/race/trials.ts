/** Runs the trials of a race one by one, judges each, and keeps what the race has found and spent so far. */

import { setTimeout as delay } from "node:timers/promises";
import { BASELINE, needsServer } from "../../models.ts";
import { GAINED } from "../../judge/thresholds.ts";
import { limitedTo } from "../../timing/job_items.ts";
import type { Round } from "../../timing/result.ts";
import type { JobSpec, TimingEvent, TrialResult, TrialRunner } from "../../timing/spec.ts";
import { median } from "../../timing/statistics.ts";
import { type Candidate, SEQUENTIAL } from "../prediction/candidate.ts";
import type { RacePlan } from "./race_plan.ts";
import type { RaceJudge } from "./race_judge.ts";
import { inFlight, plainOf, type Runner } from "./runner.ts";

export interface RaceOptions {
  readonly job: JobSpec;
  readonly plan: RacePlan;
  readonly judge: RaceJudge;
  readonly raced: readonly Candidate[];
  readonly mostTrials: number;
  readonly timeoutMs: number;
  /** How many items the sample ran, and the share of them that fail, 0 to 1. */
  readonly sampled: number;
  readonly failedShare: number;
  /** The checksum of the first `count` results of the sample, at most `kept`; else the first trial's is used. */
  readonly checksumOf: (count: number) => string | undefined;
  readonly kept: number;
  /** Budget left for a race that can't decide yet, in milliseconds. */
  readonly leftMs: () => number;
  /** Waits; a test's own returns at once. */
  readonly pause?: ((ms: number) => Promise<unknown>) | undefined;
  readonly seed: number;
  readonly runTrial: TrialRunner;
  readonly signal: AbortSignal;
  readonly onEvent?: ((event: TimingEvent) => void) | undefined;
}

/** A first trial is stopped at USELESS times the plain loop's time, or USELESS_MS after it if that is later. */
const USELESS = 1.4;
const USELESS_MS = 150;
/** A model predicted to gain this many times that gains nothing refutes the other predictions, too. */
const PROMISED = 4;
/** A model is out once this many of its trials were stopped. */
const MOST_STOPS = 2;
/** Where some items fail by chance, a model may have this many standard deviations more failures. */
const BY_CHANCE = 3;
/** If the plain loop's failed share exceeds the sample's by this, the race isn't the sampled job. */
const PLAIN_FAILS = 0.1;
/** How often, at most, a race checks whether items succeed one by one after failures. */
export const MOST_LOOKS = 8;
/** The first pause, doubled each time, and the shortest that is worth making, in milliseconds. */
const PAUSE_MS = 3000;
const LEAST_PAUSE_MS = 1000;
/** How many tasks are run one by one to see whether a server takes them again. */
const LOOKED_AT = 8;

/** The state of a race: its runners, what it cost, and whether it may go on. */
export class Trials {
  readonly runners: Runner[] = [];
  readonly results: Results;
  costMs = 0;
  count = 0;
  /** How many times the race checked whether items succeed one by one. */
  looks = 0;
  partial = false;
  /** Whether the race goes on beyond its allowance. */
  extended = false;
  /** Whether further trials would only fail. */
  isFutile = false;
  /** How many items the job has, once a trial has found fewer than it was to run. */
  total: number | undefined;
  /** The smallest gain of a model that took longer than predicted: others may meet the same limit. */
  leastGain = Infinity;
  /** Whether a model with a large predicted gain gained nothing. */
  isRefuted = false;
  readonly pause: (ms: number) => Promise<unknown>;
  /** How long to wait before the next trial, in milliseconds: a server may still work for a stopped one. */
  #settlesMs = 0;

  constructor(readonly options: RaceOptions) {
    const { signal, pause, raced } = options;
    this.results = new Results(options);
    this.pause = pause ?? ((ms) => delay(ms, undefined, { signal }).catch(() => {}));
    for (const candidate of raced) this.enter(candidate);
  }

  enter(candidate: Candidate): Runner {
    const { plan } = this.options;
    const items = candidate.model === BASELINE ? plan.sequentialItems : plan.items;
    const runner: Runner = { candidate, items: Math.min(items, this.total ?? items), rounds: [] };
    this.runners.push(runner);
    return runner;
  }

  /** The runners that may still win, including the plain loop. */
  get active(): Runner[] {
    return this.runners.filter(({ out }) => out === undefined);
  }

  /** Runners without a round: those never started first, then those with the fewest tasks in flight. */
  get unrun(): Runner[] {
    return this.active.filter(({ rounds }) => rounds.length === 0)
      .sort((a, b) => (a.stops ?? 0) - (b.stops ?? 0) || inFlight(a) - inFlight(b));
  }

  get may(): boolean {
    this.partial ||= this.options.signal.aborted;
    return !this.partial && !this.isFutile && this.count < this.options.mostTrials;
  }

  leftMs(of: "allowanceMs" | "hardMs"): number {
    const { plan, leftMs } = this.options;
    return this.extended ? leftMs() : plan[of] - this.costMs;
  }

  /** How long the plain loop takes for this many items in milliseconds, as measured or as expected. */
  plainMs(items: number): number {
    const { judge } = this.options;
    const plain = plainOf(this.runners);
    const off = plain === undefined || plain.rounds.length === 0
      ? 1
      : median(plain.rounds.map(({ runMs }) => runMs)) /
        Math.max(1e-9, judge.expectedMs(SEQUENTIAL, plain.items));
    return off * judge.expectedMs(SEQUENTIAL, items);
  }

  async run(runner: Runner, round: number): Promise<void> {
    const { runTrial, signal, onEvent, mostTrials, leftMs } = this.options;
    if (this.#settlesMs > 0) await this.pause(Math.max(0, Math.min(this.#settlesMs, leftMs())));
    this.#settlesMs = 0;
    const { trial, isUseless } = this.#trialOf(runner, round);
    this.count++;
    onEvent?.({ type: "trial-started", trial, number: this.count, of: mostTrials });
    try {
      const result = await runTrial(trial, { signal, onEvent });
      this.costMs += result.round.runMs;
      this.#checkCount(runner, result);
      this.#holdAgainstPrediction(runner, result.round);
      this.#take(runner, result, isUseless);
      onEvent?.({ type: "trial-ended", trial, result });
    } catch (error) {
      this.partial ||= signal.aborted;
      if (this.partial) return;
      runner.out = "broken";
      runner.error = error instanceof Error ? error.message : String(error);
    }
  }

  /** Whether a few items succeed one by one, or earlier failures have left a server refusing them. */
  async looksWell(): Promise<boolean> {
    const { job, plan, runTrial, signal } = this.options;
    if (!this.mayLook) return false;
    this.looks++;
    const few = limitedTo(job, Math.min(LOOKED_AT, plan.sequentialItems));
    const look = await runTrial({ ...SEQUENTIAL, job: few, round: 0 }, { signal })
      .catch(() => undefined);
    this.costMs += look?.round.runMs ?? 0;
    return look !== undefined && !this.#isWorse(look.round, 0);
  }

  get mayLook(): boolean {
    return this.may && this.looks < MOST_LOOKS;
  }

  /** A runner's next trial, and whether it can be stopped as useless before time runs out. */
  #trialOf({ candidate: { model, lanes, slots }, items, rounds }: Runner, round: number) {
    const { job, judge, timeoutMs, kept } = this.options;
    const isPlain = model === BASELINE;
    // A first trial that takes longer than `uselessMs` can't gain any more.
    const plainMs = this.plainMs(items);
    const uselessMs = Math.max(USELESS * plainMs, plainMs + USELESS_MS);
    const patienceMs = isPlain
      ? 2 * uselessMs * judge.byChance(items)
      : rounds.length === 0
      ? uselessMs
      : Infinity;
    const leftMs = isPlain && !this.extended ? Infinity : this.leftMs("hardMs");
    const trial = {
      model,
      lanes,
      slots: Number.isFinite(slots) ? slots : undefined,
      job: limitedTo(job, items),
      round,
      timeoutMs,
      mostMs: Math.max(1, Math.min(patienceMs, leftMs)),
      ...(kept > 0 && kept < items && { prefix: kept }),
    };
    return { trial, isUseless: patienceMs <= leftMs };
  }

  /** Throws if the job gives fewer items than in the sample. */
  #checkCount({ items }: Runner, { round: { failed, succeeded }, stopped, stuck }: TrialResult) {
    const there = Math.min(items, this.options.sampled);
    if (stopped || stuck !== undefined || failed + succeeded >= there) return;
    this.isFutile = true;
    throw new Error(
      `the job gave ${there} items or more at first, and gives ${failed + succeeded} now: ` +
        "export reset(), which brings them back",
    );
  }

  /** Records what a gain below the prediction says about the other models. */
  #holdAgainstPrediction({ candidate, items }: Runner, { runMs, failed }: Round): void {
    const { model } = candidate;
    // A round with failures says nothing about a prediction, and neither do other machines.
    if (model === BASELINE || failed > 0 || needsServer(model)) return;
    const expectedMs = Math.max(1, this.options.judge.expectedMs(candidate, items));
    const plainMs = this.plainMs(items);
    if (runMs > expectedMs) this.leastGain = Math.min(this.leastGain, plainMs / runMs);
    // If many in flight are slower than one by one, fewer may still gain, so nothing is refuted.
    const isNothing = plainMs < GAINED * runMs && runMs < GAINED * plainMs;
    this.isRefuted ||= isNothing && plainMs > PROMISED * expectedMs;
  }

  /** Records a trial's result: a round, or that it was stopped as useless or for lack of time. */
  #take(runner: Runner, result: TrialResult, isUseless: boolean): void {
    const isPlain = runner.candidate.model === BASELINE;
    const { round, stuck, stopped, warm } = result;
    if (stopped && runner.candidate.slots > 1) this.#settlesMs = round.runMs;
    // Unsettled tasks count as failed: the plain loop would have settled all of them in less time.
    if (stuck !== undefined && !isPlain && isUseless) {
      const ended = { ...round, failed: stuck.count, reasons: { [stuck.reason]: stuck.count } };
      runner.rounds.push(ended);
      this.#judge(runner, { ...result, round: ended, failures: [stuck] });
    } else if (stopped) {
      runner.stops = (runner.stops ?? 0) + 1;
      if (isUseless) runner.useless = (runner.useless ?? 0) + 1;
      // The trial's full time isn't known, and a single trial may have been disturbed.
      if (!isPlain && runner.useless === MOST_STOPS) runner.out = "slower";
    } else {
      runner.rounds.push({ ...round, ...(warm && { warm }) });
      const ran = round.succeeded + round.failed;
      if (ran < runner.items) this.#learnTotal(ran);
      this.#judge(runner, result);
    }
  }

  /** Takes a runner out of the race for failures of its own, or for different results. */
  #judge(runner: Runner, result: TrialResult): void {
    const { round, failures, pacePerSecond, longest } = result;
    const isPlain = runner.candidate.model === BASELINE;
    if (failures !== undefined) runner.failures ??= failures;
    runner.longest = longest;
    if (pacePerSecond !== undefined) runner.pacePerSecond ??= pacePerSecond;
    if (this.#isWorse(round, isPlain ? PLAIN_FAILS : 0)) {
      runner.out = "failures";
      const leftMs = this.options.leftMs();
      this.isFutile ||= isPlain ||
        failures?.some(({ retryAfterMs = 0 }) => retryAfterMs > leftMs) === true;
    } else if (this.results.areOthers(runner, result)) runner.out = "results";
  }

  /** Whether more items failed than fail one by one, beyond chance, by which the sample's share is off too. */
  #isWorse({ failed, succeeded }: Round, more: number): boolean {
    const { failedShare, sampled } = this.options;
    const all = failed + succeeded;
    const spread = Math.sqrt(all * failedShare * (1 - failedShare) * (1 + all / sampled));
    const byChance = failedShare === 0 ? 0 : BY_CHANCE * spread + 1;
    return failed > (failedShare + more) * all + byChance + 1e-9;
  }

  /** Notes that a trial found no more items than this. */
  #learnTotal(ran: number): void {
    const total = this.total = Math.min(ran, this.total ?? ran);
    for (const runner of this.runners) runner.items = Math.min(runner.items, total);
  }
}

/**
 * Pauses and checks until tasks succeed again, as after too many requests a server may refuse all for a while,
 * or no time is left; `lastedMs` is how long they were seen to fail.
 */
export async function untilWell(
  looksWell: () => Promise<boolean>,
  { leastMs = 0, leftMs, pause }: {
    /** The shortest first pause, such as a server's Retry-After. */
    readonly leastMs?: number;
    readonly leftMs: () => number;
    readonly pause: (ms: number) => Promise<unknown>;
  },
): Promise<{ readonly isWell: boolean; readonly lastedMs: number }> {
  let waitedMs = 0;
  for (let pauseMs = Math.max(PAUSE_MS, leastMs);; pauseMs *= 2) {
    const ms = Math.min(pauseMs, leftMs());
    if (ms < Math.max(LEAST_PAUSE_MS, waitedMs > 0 ? 0 : leastMs)) break;
    await pause(ms);
    if (await looksWell()) return { isWell: true, lastedMs: waitedMs };
    waitedMs += ms;
  }
  return { isWell: false, lastedMs: waitedMs };
}

/** Compares the trials' results with the sample's, or with the first trial's where those aren't kept. */
class Results {
  /** Whether the plain loop's own results differ from the sample's. */
  areOther = false;
  readonly #reference = new Map<number, string>();
  readonly #plainChecksums: string[] = [];

  constructor(private readonly options: RaceOptions) {}

  /** Whether the plain loop's results differ from run to run, so that none can be compared. */
  get areUnrepeatable(): boolean {
    const [first, ...others] = this.#plainChecksums;
    return this.areOther && (others.length === 0 || others.some((of) => of !== first));
  }

  areOthers({ candidate, items }: Runner, { round, prefixChecksum }: TrialResult): boolean {
    const { failed, checksum } = round;
    const { checksumOf, kept, failedShare } = this.options;
    if (candidate.model === BASELINE && failed === 0) this.#plainChecksums.push(checksum);
    const isAs = (count: number, own: string | undefined) =>
      own === undefined || (checksumOf(count) ?? this.#reference.get(count) ?? own) === own;
    const areSame = isAs(items, checksum) && isAs(kept, prefixChecksum);
    if (areSame) this.#reference.set(items, checksum);
    return !areSame && failedShare === 0 && !this.areOther;
  }

  /** If even the plain loop doesn't repeat the sample's results, differences count against no model. */
  accept(runners: readonly Runner[]): void {
    this.areOther ||= plainOf(runners)?.out === "results";
    if (!this.areOther) return;
    for (const runner of runners) if (runner.out === "results") delete runner.out;
  }
}
