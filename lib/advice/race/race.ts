/**
 * The race: the promising models on the job's own items, in rounds, each trial in a fresh process.
 *
 * @module
 */

import { BASELINE } from "../../models.ts";
import { ONE_ROUND, TOO_SLOW } from "../../judge/thresholds.ts";
import type { FailureKind } from "../../timing/failures.ts";
import { type Random, seededRandom, shuffled } from "../../timing/random.ts";
import type { Round } from "../../timing/result.ts";
import { median } from "../../timing/statistics.ts";
import type { JobSpec, TimingEvent, TrialResult, TrialRunner } from "../../timing/spec.ts";
import { bySimplicity, type Candidate, nameOf, SEQUENTIAL } from "../prediction/candidate.ts";
import type { RacePlan } from "./race_plan.ts";

/** What one model did in the race. */
export interface Runner {
  /** The model and its size. */
  readonly candidate: Candidate;
  /** How many items it runs in each round; fewer once the job turns out to have fewer. */
  items: number;
  /** What each of its rounds took. */
  readonly rounds: Round[];
  /** Why it was taken out of the race. */
  out?: "failures" | "results" | "slower" | "broken";
  /** Why items failed in its first round that had failures. */
  failures?: readonly FailureKind[];
  /** Items a second that a refusing server let through; undefined if not known. */
  pacePerSecond?: number;
  /** After so long a trial of it was stopped, in milliseconds. */
  stoppedMs?: number;
  /** What its trial threw. */
  error?: string;
}

/** What a race came to. */
export interface Race {
  /** The models that ran. */
  readonly runners: readonly Runner[];
  /** Time that the tasks of all trials took together, in milliseconds. */
  readonly costMs: number;
  /** Trials run, so how often an item was run at most. */
  readonly trials: number;
  /** Whether the signal ended it early. */
  readonly partial: boolean;
  /** What went wrong on the way, one sentence each. */
  readonly warnings: readonly string[];
  /** How many items the job has, if the race came to their end. */
  readonly total?: number;
  /** Whether sequential itself gives other results from run to run, so that none can be compared. */
  readonly unrepeatable: boolean;
  /** Whether the plain loop repeats its results within the race, but they aren't those of the sample. */
  readonly otherResults: boolean;
  /** How many models couldn't be afforded. */
  readonly untried: number;
  /** Whether it went on beyond its allowance, because that couldn't tell. */
  readonly extended: boolean;
  /** What ended a race that can't tell yet: the budget, or how often an item may be run. */
  readonly endedBy?: "budget" | "trials";
}

/** What a race needs. */
export interface RaceOptions {
  /** The job whose items are raced. */
  readonly job: JobSpec;
  /** How many items and rounds. */
  readonly plan: RacePlan;
  /** The models to begin with. */
  readonly raced: readonly Candidate[];
  /** Trials at most, whatever happens. */
  readonly mostTrials: number;
  /** How long a task may take, in milliseconds. */
  readonly timeoutMs: number;
  /** The share of items that fail in the sample. */
  readonly failedShare: number;
  /** Checksums of the sample's first results, by their number; of any other number the first to run tells. */
  readonly checksums: ReadonlyMap<number, string>;
  /** How long a runner's items should take, in milliseconds. */
  readonly expectedMs: (candidate: Candidate, items: number) => number;
  /** What a runner's round comes to for the whole job, in milliseconds. */
  readonly scaledMs: (candidate: Candidate, items: number, round: Round) => number;
  /** Whether the runners so far are told apart well enough. */
  readonly decided: (runners: readonly Runner[]) => boolean;
  /** Whether a race can't tell yet, and more rounds would help it. */
  readonly unclear: (race: Race) => boolean;
  /** What is left of the budget for a race that can't tell yet, in milliseconds. */
  readonly leftMs: () => number;
  /** Models to try instead of one that failed or disappointed. */
  readonly instead: (runners: readonly Runner[]) => readonly Candidate[];
  /** Seeds the order of rounds and the bootstrap. */
  readonly seed: number;
  /** Runs one trial. */
  readonly runTrial: TrialRunner;
  /** Stops it. */
  readonly signal: AbortSignal;
  /** Told what is measured. */
  readonly onEvent?: (event: TimingEvent) => void;
}

/** Runs a race; a test's own answers at once. */
export type RaceRunner = (options: RaceOptions) => Promise<Race>;

/**
 * So many times as long as the best a model must take in each round to be clearly slower, by the number
 * of rounds. One round alone may have been disturbed; the more rounds agree, the less it takes.
 */
const CLEARLY = [ONE_ROUND, 1.6, 1.35, 1.25];

/** Finds the models that were clearly slower than the best one, in every round. */
export function clearlySlower(
  runners: readonly Runner[],
  scaledMs: (candidate: Candidate, items: number, round: Round) => number,
): Runner[] {
  const timesOf = ({ candidate, items, rounds }: Runner) =>
    new Map(rounds.map((round) => [round.round, scaledMs(candidate, items, round)]));
  const ran = runners.filter(({ rounds }) => rounds.length > 0)
    .map((runner) => ({ runner, times: timesOf(runner) }));
  const least = ({ times }: { times: Map<number, number> }) => Math.min(...times.values());
  const best = ran.toSorted((a, b) => least(a) - least(b))[0];
  if (best === undefined) return [];
  return ran.filter(({ runner, times }) => {
    if (runner === best.runner || runner.candidate.model === BASELINE) return false;
    const factor = CLEARLY[Math.min(times.size, CLEARLY.length) - 1]!;
    return [...times].every(([round, ms]) => ms > factor * (best.times.get(round) ?? least(best)));
  }).map(({ runner }) => runner);
}

/**
 * Chooses the models of a further round, whose tasks may take `leftMs` together: the two best at least,
 * for they are to be told apart; then sequential, against which gains are given; then the others, the
 * better ones first. None if there is no time for two.
 */
export function nextRound(
  active: readonly Runner[],
  leftMs: number,
  scaledMs: (candidate: Candidate, items: number, round: Round) => number,
): Runner[] {
  const timeOf = ({ candidate, items, rounds }: Runner) =>
    Math.min(...rounds.map((round) => scaledMs(candidate, items, round)));
  const ran = active.filter(({ rounds }) => rounds.length > 0);
  const sequential = ran.filter(({ candidate }) => candidate.model === BASELINE);
  const others = ran.filter((runner) => !sequential.includes(runner))
    .sort((a, b) => timeOf(a) - timeOf(b));
  const due: Runner[] = [];
  let restMs = leftMs;
  for (const runner of [...others.slice(0, 2), ...sequential, ...others.slice(2)]) {
    restMs -= runner.rounds.at(-1)!.runMs;
    if (restMs < 0) break;
    due.push(runner);
  }
  return due.length < 2 ? [] : due;
}

const MOST_ROUNDS = 7;
/** A model is stopped when it takes this many times as long as the plain loop should, or so much longer. */
const USELESS = 1.4;
const USELESS_MS = 150;
/** A prediction that was off by so many times is not relied on. */
const WORTHLESS = 3;
/** Where some items fail by chance, a model may have so many standard deviations more failures. */
const BY_CHANCE = 3;

class Racing {
  readonly runners: Runner[] = [];
  readonly #warnings = new Set<string>();
  readonly #reference = new Map<number, string>();
  costMs = 0;
  trials = 0;
  partial = false;
  /** Whether it may take what is left of the budget. */
  extended = false;
  #unrepeatable = false;
  #otherResults = false;
  readonly #plainChecksums: string[] = [];
  #total: number | undefined;
  /** How many times as long as predicted the worst one took. */
  #surprise = 1;
  #longestMs = 0;

  constructor(readonly options: RaceOptions) {
    for (const [count, checksum] of options.checksums) this.#reference.set(count, checksum);
    for (const candidate of options.raced) this.enter(candidate);
  }

  get race(): Race {
    const { runners, costMs, trials, partial } = this;
    const ran = runners.filter(({ rounds, out }) => rounds.length > 0 || out !== undefined);
    return {
      runners: ran,
      costMs,
      trials,
      partial,
      warnings: [...this.#warnings],
      unrepeatable: this.#unrepeatable,
      otherResults: this.#otherResults,
      untried: this.active.filter(({ rounds }) => rounds.length === 0).length,
      extended: this.extended,
      ...(this.#total !== undefined && { total: this.#total }),
    };
  }

  get active(): Runner[] {
    return this.runners.filter(({ out }) => out === undefined);
  }

  /** Whether a model is left to be told from the plain loop. */
  get hasOthers(): boolean {
    return this.active.some(({ candidate }) => candidate.model !== BASELINE);
  }

  enter(candidate: Candidate): Runner {
    const { plan } = this.options;
    const items = candidate.model === BASELINE ? plan.sequentialItems : plan.items;
    const runner: Runner = { candidate, items: Math.min(items, this.#total ?? items), rounds: [] };
    this.runners.push(runner);
    return runner;
  }

  /** Whether another trial may be run. */
  get may(): boolean {
    this.partial ||= this.options.signal.aborted;
    return !this.partial && this.trials < this.options.mostTrials;
  }

  /** What the tasks of further rounds may take. */
  get roundsMs(): number {
    const { plan, leftMs } = this.options;
    return this.extended ? leftMs() : plan.allowanceMs - this.costMs;
  }

  /** What the others may still take, with sequential's first round set aside. */
  get #leftMs(): number {
    const { plan, expectedMs, leftMs } = this.options;
    if (this.extended) return leftMs();
    const sequential = this.runners.find(({ candidate }) => candidate.model === BASELINE);
    const due = sequential?.rounds.length === 0 && sequential.out === undefined;
    const reserveMs = due ? expectedMs(SEQUENTIAL, sequential.items) : 0;
    return plan.hardMs - this.costMs - reserveMs;
  }

  /** Whether there is time for another trial. Predictions are corrected by what they were off so far. */
  affords({ candidate, items, rounds }: Runner): boolean {
    if (candidate.model === BASELINE && !this.extended) return true;
    const plainMs = this.options.expectedMs(SEQUENTIAL, items);
    const likelyMs = this.#surprise * this.options.expectedMs(candidate, items);
    // Where one prediction was far off, another may be too.
    const leastMs = this.#surprise > WORTHLESS ? this.#longestMs : 0;
    const mostMs = Math.min(1.2 * plainMs, Math.max(leastMs, likelyMs));
    return (rounds.at(-1)?.runMs ?? mostMs) <= this.#leftMs;
  }

  /** How long the plain loop takes for so many items, as measured; 0 if it wasn't. */
  #plainMs(items: number): number {
    const { expectedMs } = this.options;
    const plain = this.runners.find(({ candidate }) => candidate.model === BASELINE);
    if (plain === undefined || plain.rounds.length === 0) return 0;
    const off = median(plain.rounds.map(({ runMs }) => runMs)) /
      Math.max(1e-9, expectedMs(SEQUENTIAL, plain.items));
    return off * expectedMs(SEQUENTIAL, items);
  }

  /** Gives those another chance that were stopped before they took longer than the plain loop itself did. */
  release(): void {
    for (const runner of this.runners) {
      const { out, rounds, stoppedMs, items } = runner;
      if (out !== "slower" || rounds.length > 0 || stoppedMs === undefined) continue;
      const plainMs = this.#plainMs(items);
      if (plainMs === 0 || stoppedMs < TOO_SLOW * plainMs) delete runner.out;
    }
  }

  /** After so long a model's first trial has nothing to gain any more. */
  #uselessMs({ candidate, items, rounds }: Runner): number {
    const plainMs = Math.max(this.options.expectedMs(SEQUENTIAL, items), this.#plainMs(items));
    const useless = Math.max(USELESS * plainMs, plainMs + USELESS_MS);
    if (candidate.model === BASELINE) return 2 * useless;
    return rounds.length === 0 ? useless : Infinity;
  }

  async run(runner: Runner, round: number): Promise<void> {
    const { job, runTrial, signal, onEvent, timeoutMs, checksums } = this.options;
    const { candidate, items } = runner;
    const uselessMs = this.#uselessMs(runner);
    const leftMs = candidate.model === BASELINE && !this.extended ? Infinity : this.#leftMs;
    const known = Math.max(0, ...[...checksums.keys()].filter((count) => count < items));
    const trial = {
      model: candidate.model,
      lanes: candidate.lanes,
      ...(candidate.model === "concurrent" ? {} : { slots: candidate.slots }),
      job: { ...job, items: limitedTo(job.items, items) },
      round,
      timeoutMs,
      mostMs: Math.max(1, Math.min(uselessMs, leftMs)),
      ...(known > 0 && { prefix: known }),
    };
    const number = ++this.trials;
    onEvent?.({ type: "trial-started", trial, number, of: this.options.mostTrials });
    try {
      const result = await runTrial(trial, { signal, ...(onEvent && { onEvent }) });
      this.costMs += result.round.runMs;
      // The time of a round with failures says nothing of a prediction.
      if (candidate.model !== BASELINE && result.round.failed === 0) {
        const expectedMs = Math.max(1, this.options.expectedMs(candidate, items));
        this.#surprise = Math.max(this.#surprise, result.round.runMs / expectedMs);
        this.#longestMs = Math.max(this.#longestMs, result.round.runMs);
      }
      if (wasStopped(result, trial.mostMs)) {
        runner.stoppedMs = trial.mostMs;
        // Its time is only known to be longer; what the budget ended may not even be that.
        if (uselessMs <= leftMs && candidate.model !== BASELINE) runner.out = "slower";
      } else {
        runner.rounds.push(result.round);
        this.#learnTotal(runner, result.round);
        this.#judge(runner, result, known);
      }
      onEvent?.({ type: "trial-ended", trial, result });
    } catch (error) {
      if (signal.aborted) {
        this.partial = true;
        return;
      }
      runner.out = "broken";
      runner.error = error instanceof Error ? error.message : String(error);
      this.#warnings.add(`${nameOf(candidate)} is missing: ${runner.error}`);
    }
  }

  /** Notes how many items there are, once a source gave fewer than it was asked for. */
  #learnTotal({ items }: Runner, { succeeded, failed }: Round): void {
    const ran = succeeded + failed;
    if (ran >= items) return;
    this.#total = Math.min(ran, this.#total ?? ran);
    for (const runner of this.runners) runner.items = Math.min(runner.items, this.#total);
  }

  #judge(
    runner: Runner,
    { round, prefixChecksum, failures, pacePerSecond }: TrialResult,
    known: number,
  ): void {
    const { failed, checksum } = round;
    if (failures !== undefined) runner.failures ??= failures;
    if (pacePerSecond !== undefined) runner.pacePerSecond ??= pacePerSecond;
    if (runner.candidate.model !== BASELINE && this.#failsMore(round)) {
      runner.out = "failures";
      return;
    }
    if (runner.candidate.model === BASELINE && failed === 0) {
      this.#plainChecksums.push(checksum);
    }
    const expected = this.#reference.get(runner.items);
    const first = prefixChecksum === undefined ? undefined : this.#reference.get(known);
    const differs = (expected ?? checksum) !== checksum ||
      (first ?? prefixChecksum) !== prefixChecksum;
    if (!differs) this.#reference.set(runner.items, checksum);
    else if (this.options.failedShare === 0 && !this.#unrepeatable && !this.#otherResults) {
      runner.out = "results";
    }
  }

  /** Whether more items failed than do so one by one, chance allowed for. */
  #failsMore({ failed, succeeded }: Round): boolean {
    const { failedShare } = this.options;
    const all = failed + succeeded;
    const spread = Math.sqrt(all * failedShare * (1 - failedShare));
    const byChance = failedShare === 0 ? 0 : BY_CHANCE * spread + 1;
    return failed > failedShare * all + byChance + 1e-9;
  }

  /**
   * If not even sequential repeats the sample's results, other ones count against no model. Where it
   * repeats its own, the work has changed since; where it doesn't, it never repeats.
   */
  acceptOtherResults(): void {
    const own = this.#plainChecksums;
    const sequential = this.runners.find(({ candidate }) => candidate.model === BASELINE);
    this.#otherResults ||= sequential?.out === "results";
    if (!this.#otherResults) return;
    this.#unrepeatable = own.length < 2 || own.some((of) => of !== own[0]);
    for (const runner of this.runners) if (runner.out === "results") delete runner.out;
  }

  /** Takes out what is clearly slower than the best, for the whole job. */
  prune(): void {
    for (const runner of clearlySlower(this.active, this.options.scaledMs)) runner.out = "slower";
  }
}

function wasStopped(
  { stopped, round: { runMs, reasons = {} } }: TrialResult,
  mostMs: number,
): boolean {
  const { cancelled = 0, abandoned = 0 } = reasons;
  // A task that never waits ends in its own time: then nothing was cancelled, and items are left.
  return stopped ?? (cancelled + abandoned > 0 && runMs >= 0.99 * mostMs);
}

function limitedTo(source: JobSpec["items"], limit: number): JobSpec["items"] {
  return source.kind === "values"
    ? { kind: "values", values: source.values.slice(0, limit) }
    : { ...source, limit };
}

/** The first round tries all, and others in place of what fails or disappoints. */
async function firstRound(racing: Racing, random: Random): Promise<void> {
  for (const runner of shuffled(racing.active, random)) {
    if (racing.may && racing.affords(runner)) await racing.run(runner, 0);
  }
  racing.acceptOtherResults();
  racing.release();
  await others(racing, 0);
  racing.release();
  racing.prune();
}

/** Tries others in place of what failed or disappointed, such as fewer and fewer slots. */
async function others(racing: Racing, round: number): Promise<void> {
  let more = racing.options.instead(racing.runners);
  while (more.length > 0 && racing.may) {
    for (const candidate of more.toSorted(bySimplicity)) {
      const runner = racing.enter(candidate);
      if (racing.may && racing.affords(runner)) await racing.run(runner, round);
    }
    more = racing.options.instead(racing.runners);
  }
}

/** Runs a further round. */
async function nextOf(racing: Racing, round: number, random: Random): Promise<boolean> {
  const due = nextRound(racing.active, racing.roundsMs, racing.options.scaledMs);
  for (const runner of shuffled(due, random)) {
    if (racing.may && racing.affords(runner)) await racing.run(runner, round);
  }
  racing.acceptOtherResults();
  racing.release();
  if (racing.may) racing.prune();
  return due.length > 0 && racing.may;
}

/** Goes on with what the budget leaves: first with what couldn't be afforded, then in rounds. */
async function goOn(racing: Racing, from: number, random: Random): Promise<Race> {
  const { unclear, leftMs } = racing.options;
  const isUnclear = () => unclear(racing.race);
  if (!racing.may || !isUnclear() || leftMs() <= 0) return racing.race;
  racing.extended = true;
  for (const runner of racing.active.filter(({ rounds }) => rounds.length === 0)) {
    if (racing.may && racing.affords(runner)) await racing.run(runner, 0);
  }
  await others(racing, 0);
  let round = from;
  while (round < MOST_ROUNDS && racing.hasOthers && racing.may && isUnclear()) {
    if (!await nextOf(racing, round++, random)) break;
  }
  const { race, trials } = racing;
  if (racing.partial || !isUnclear()) return race;
  const most = trials >= racing.options.mostTrials || round >= MOST_ROUNDS;
  return { ...race, endedBy: most ? "trials" : "budget" };
}

/**
 * Runs a race. The first round tries all; models that fail, give other results or are clearly slower
 * are taken out, and others may take their place. Rounds go on until the models are told apart or the
 * allowance is spent; a race that can't tell then goes on while the budget lasts.
 */
export const race: RaceRunner = async (options): Promise<Race> => {
  const { plan, decided } = options;
  const random = seededRandom(options.seed);
  const racing = new Racing(options);
  await firstRound(racing, random);
  let round = 1;
  for (; round < MOST_ROUNDS && racing.may && racing.hasOthers; round++) {
    if (round >= plan.rounds && decided(racing.runners)) break;
    if (!await nextOf(racing, round, random)) break;
  }
  return await goOn(racing, round, random);
};
