/**
 * The race: the promising models on the job's own items, in rounds, each trial in a fresh process.
 */

import { setTimeout as delay } from "node:timers/promises";
import { BASELINE, needsServer } from "../../models.ts";
import { GAINED, ONE_ROUND } from "../../judge/thresholds.ts";
import { limitedTo } from "../../timing/job_items.ts";
import { seededRandom, shuffled } from "../../timing/random.ts";
import type { Round } from "../../timing/result.ts";
import { median } from "../../timing/statistics.ts";
import type { JobSpec, TimingEvent, TrialResult, TrialRunner } from "../../timing/spec.ts";
import { LOOKED_AT, untilWell } from "../../timing/until_well.ts";
import { bySimplicity, type Candidate, isLoop, SEQUENTIAL } from "../prediction/candidate.ts";
import type { RacePlan } from "./race_plan.ts";
import { inFlight, plainOf, type Race, type RacedRound, type Runner } from "./runner.ts";

/** What a round of a runner's comes to for the whole job, in milliseconds. */
type Scaled = (runner: Runner, round: RacedRound) => number;

/** Who knows the job: what its runners should take, and what their rounds come to. */
export interface RaceJudge {
  expectedMs(candidate: Candidate, items: number): number;
  /** So many times as long as expected may the plain loop take by chance alone. */
  byChance(items: number): number;
  scaledBy(runners: readonly Runner[]): Scaled;
  isDecided(runners: readonly Runner[]): boolean;
  /** Whether a race can't tell yet, and more rounds would help it. */
  isUnclear(race: Race): boolean;
  /** Who may run in place of those that failed or disappointed. */
  instead(runners: readonly Runner[]): readonly Candidate[];
  /** Whether what others came to leaves nothing to be learnt of one that hasn't run. */
  isNeedless(runner: Runner, runners: readonly Runner[]): boolean;
}

export interface RaceOptions {
  readonly job: JobSpec;
  readonly plan: RacePlan;
  readonly judge: RaceJudge;
  readonly raced: readonly Candidate[];
  readonly mostTrials: number;
  readonly timeoutMs: number;
  /** How many items the sample ran, and the share of them that fail. */
  readonly sampled: number;
  readonly failedShare: number;
  /** The checksum of so many of the sample's first results, and of how many at most; else the first to run tells. */
  readonly checksumOf: (count: number) => string | undefined;
  readonly kept: number;
  /** What is left of the budget for a race that can't tell yet. */
  readonly leftMs: () => number;
  /** Waits; a test's own at once. */
  readonly pause?: ((ms: number) => Promise<unknown>) | undefined;
  readonly seed: number;
  readonly runTrial: TrialRunner;
  readonly signal: AbortSignal;
  readonly onEvent?: ((event: TimingEvent) => void) | undefined;
}

const MOST_ROUNDS = 7;

/**
 * The first round tries all, the plain loop first, for it says how long is too long; others may
 * take the place of what fails. Rounds go on until the models are told apart or the allowance is
 * spent, and the budget where they still aren't.
 */
export async function race(options: RaceOptions): Promise<Race> {
  const { plan, judge, leftMs, mostTrials, seed } = options;
  const random = seededRandom(seed);
  const racing = new Racing(options);
  let round = 1;
  const goOn = async (isDone: () => boolean) => {
    while (round < MOST_ROUNDS && racing.active.length > 1 && racing.may && !isDone()) {
      const scaledMs = judge.scaledBy(racing.runners);
      const leftMs = racing.leftMs("allowanceMs");
      // A budget is no reason to run what matters little again.
      const due = [Math.min(leftMs, plan.allowanceMs), leftMs]
        .map((ms) => nextRound(racing.active, ms, scaledMs)).find(({ length }) => length > 0);
      if (due === undefined) break;
      await racing.runAll(shuffled(due, random), round++);
      if (racing.may) racing.prune();
    }
  };
  const [plain, ...others] = racing.runners;
  await racing.runAll([plain!, ...shuffled(others, random)], 0);
  await racing.tryOthers();
  racing.prune();
  await goOn(() => round >= plan.rounds && judge.isDecided(racing.runners));
  if (!racing.may || !judge.isUnclear(racing.race) || leftMs() <= 0) return racing.race;
  racing.extended = true;
  await racing.runAll(racing.unrun, 0);
  await racing.tryOthers();
  if (judge.isUnclear(racing.race) && await racing.widenPlain(round)) round++;
  await goOn(() => !judge.isUnclear(racing.race));
  if (racing.partial || !judge.isUnclear(racing.race)) return racing.race;
  const isMost = racing.trials >= mostTrials || round >= MOST_ROUNDS;
  return { ...racing.race, endedBy: isMost ? "trials" : "budget" };
}

/** A model is stopped when it takes this many times as long as the plain loop should, or so much longer. */
const USELESS = 1.4;
const USELESS_MS = 150;
/** What is predicted to gain so much and gains nothing refutes what is predicted of the others, too. */
const PROMISED = 4;
/** The least items on which others are raced then. */
const LEAST_ITEMS = 8;
/** A model is out once so many trials of it were stopped. */
const MOST_STOPS = 2;
/** Until a model has run, a trial of it is expected to take no more than so many times the plain loop. */
const AT_MOST = 1.2;
/** Where some items fail by chance, a model may have so many standard deviations more failures. */
const BY_CHANCE = 3;
/** How often a race looks, at most, whether what failed under a model goes well one by one. */
export const MOST_LOOKS = 8;
/** Where the plain loop's few items took so many times as long as in the sample, all of them tell more. */
const DEARER = 1.1;
/** If so much more of the plain loop's items fail than in the sample, the race isn't the job. */
const PLAIN_FAILS = 0.1;

class Racing {
  readonly runners: Runner[] = [];
  readonly #reference = new Map<number, string>();
  readonly #plainChecksums: string[] = [];
  costMs = 0;
  trials = 0;
  partial = false;
  extended = false;
  #unrepeatable = false;
  #otherResults = false;
  /** Whether further trials would only fail. */
  #isFutile = false;
  #looks = 0;
  /** The last trial, if it had failures of its own, and the fewest tasks in flight that had. */
  #failed: Runner | undefined;
  #tooMany = Infinity;
  /** Whether failures were seen to leave a refusal behind, such as a ban or a used-up quota. */
  #shutsOut = false;
  #total: number | undefined;
  /** The least that one gained which took longer than predicted: others may find the same limit. */
  #leastGain = Infinity;
  /** Whether one of which much was promised gained nothing. */
  #isRefuted = false;
  /** How long what was stopped may go on where its tasks asked, and hold up who comes next. */
  #settlesMs = 0;

  constructor(readonly options: RaceOptions) {
    for (const candidate of options.raced) this.#enter(candidate);
  }

  get race(): Race {
    return {
      runners: this.runners.filter(({ rounds, out, stops }) =>
        rounds.length > 0 || out !== undefined || stops !== undefined
      ),
      costMs: this.costMs,
      trials: this.trials + this.#looks,
      partial: this.partial,
      unrepeatable: this.#unrepeatable,
      otherResults: this.#otherResults,
      untried: this.unrun.length,
      extended: this.extended,
      total: this.#total,
    };
  }

  /** Those that may still win; the plain loop is one of them. */
  get active(): Runner[] {
    return this.runners.filter(({ out }) => out === undefined);
  }

  /** Those that were never started first, and of these the ones with the fewest in flight. */
  get unrun(): Runner[] {
    return this.active.filter(({ rounds }) => rounds.length === 0)
      .sort((a, b) => (a.stops ?? 0) - (b.stops ?? 0) || inFlight(a) - inFlight(b));
  }

  #enter(candidate: Candidate): Runner {
    const { plan } = this.options;
    const items = candidate.model === BASELINE ? plan.sequentialItems : plan.items;
    const runner: Runner = { candidate, items: Math.min(items, this.#total ?? items), rounds: [] };
    this.runners.push(runner);
    return runner;
  }

  get may(): boolean {
    this.partial ||= this.options.signal.aborted;
    return !this.partial && !this.#isFutile && this.trials < this.options.mostTrials;
  }

  leftMs(of: "allowanceMs" | "hardMs"): number {
    const { plan, leftMs } = this.options;
    return this.extended ? leftMs() : plan[of] - this.costMs;
  }

  /** How long the plain loop takes for so many items: as measured, or as expected. */
  #plainMs(items: number): number {
    const { judge } = this.options;
    const plain = plainOf(this.runners);
    const off = plain === undefined || plain.rounds.length === 0
      ? 1
      : median(plain.rounds.map(({ runMs }) => runMs)) /
        Math.max(1e-9, judge.expectedMs(SEQUENTIAL, plain.items));
    return off * judge.expectedMs(SEQUENTIAL, items);
  }

  #affords(runner: Runner): boolean {
    const { candidate, items, rounds } = runner;
    if (candidate.model === BASELINE && !this.extended) return true;
    const plainMs = this.#plainMs(items);
    const expectedMs = this.options.judge.expectedMs(candidate, items);
    const mostMs = Math.min(AT_MOST * plainMs, Math.max(expectedMs, plainMs / this.#leastGain));
    const ownMs = rounds.at(-1)?.runMs ?? mostMs;
    const keptMs = this.#keptMs(runner);
    return ownMs <= this.leftMs("hardMs") &&
      (keptMs === 0 || ownMs + keptMs <= this.options.leftMs());
  }

  /** Time kept for a second round, before more models are tried than planned: two rounds of few tell more than one of many. */
  #keptMs({ candidate, rounds }: Runner): number {
    const isPlanned = !this.extended && this.options.raced.includes(candidate);
    const plain = plainOf(this.active);
    const others = this.active.filter((of) => of !== plain && of.rounds.length > 0);
    const isOnce = others.length > 0 && others.every((of) => of.rounds.length === 1);
    // How many go well is looked for to the end.
    const isSearch = this.runners.some(({ out }) => out === "failures");
    if (isPlanned || rounds.length > 0 || !isOnce || isSearch) return 0;
    // What was slower than the plain loop needs no second one to be passed over.
    const times = others.filter((of) => of.rounds[0]!.runMs <= GAINED * this.#plainMs(of.items))
      .map((of) => of.rounds[0]!.runMs).sort((a, b) => a - b);
    return [plain?.rounds[0]?.runMs ?? 0, ...times.slice(0, 2)].reduce((sum, ms) => sum + ms);
  }

  async runAll(runners: readonly Runner[], round: number): Promise<void> {
    const { judge } = this.options;
    for (const runner of runners) {
      const isNew = runner.rounds.length === 0;
      const isNeedless = isNew &&
        (judge.isNeedless(runner, this.runners) || this.#isRefutedToo(runner) ||
          (this.#shutsOut && inFlight(runner) >= this.#tooMany));
      if (isNeedless || !this.may || !this.#affords(runner)) continue;
      const isPlain = runner.candidate.model === BASELINE;
      if ((this.#shutsOut || isPlain) && !await this.#isOpen()) break;
      await this.#run(runner, round);
      const failed = this.#failed;
      // With no fewer in flight than failed before, nothing is left to find out.
      const isLess = runner.out === "failures" && inFlight(runner) < this.#tooMany;
      if (failed !== undefined && isLess && !await this.#looksWell()) {
        this.#forget(runner);
        if (!await this.#isLetIn(failed)) break;
        // Few slots first, as others enter them: then one at most is too many once more.
        if (runner.rounds.length === 0 && isLoop(runner.candidate)) {
          this.runners.splice(this.runners.indexOf(runner), 1);
          break;
        }
        await this.#run(runner, round);
      }
      this.#failed = runner.out === "failures" ? runner : undefined;
      if (this.#failed) this.#tooMany = Math.min(this.#tooMany, inFlight(runner));
    }
    this.#acceptOtherResults();
  }

  /** Whether a few items go well one by one: what failed before a trial may have had it refused. */
  async #looksWell(): Promise<boolean> {
    const { job, plan, runTrial, signal } = this.options;
    if (!this.may || this.#looks >= MOST_LOOKS) return false;
    this.#looks++;
    const few = limitedTo(job, Math.min(LOOKED_AT, plan.sequentialItems));
    const look = await runTrial({ ...SEQUENTIAL, job: few, round: 0 }, { signal })
      .catch(() => undefined);
    this.costMs += look?.round.runMs ?? 0;
    return look !== undefined && !this.#failsMore(look.round, 0);
  }

  /** Whether tasks are let in that the last trial's failures may have shut out, or are again before long. */
  async #isOpen(): Promise<boolean> {
    const failed = this.#failed;
    if (failed === undefined || (!this.#shutsOut && await this.#looksWell())) return true;
    return await this.#isLetIn(failed);
  }

  /** Waits until tasks are let in again that a trial's failures have shut out; whether they are. */
  async #isLetIn(failed: Runner): Promise<boolean> {
    const { plan, signal, leftMs, pause = delayed(signal) } = this.options;
    this.#shutsOut = true;
    // To begin with few in flight takes about as long as the plain loop.
    const needsMs = this.#plainMs(plan.items);
    const { isWell, lastedMs } = await untilWell(() => this.#looksWell(), {
      leastMs: failed.failures?.find((of) => of.retryAfterMs)?.retryAfterMs,
      leftMs: () => this.may && this.#looks < MOST_LOOKS ? leftMs() - needsMs : 0,
      pause,
    });
    failed.lastedMs = Math.max(failed.lastedMs ?? 0, lastedMs);
    this.#failed = undefined;
    this.#isFutile ||= !isWell;
    return isWell;
  }

  /**
   * Whether what was promised of a model has been refuted with another. One with few in flight is raced all
   * the same, on the plain loop's items: it is likely to take as long.
   */
  #isRefutedToo(runner: Runner): boolean {
    if (!this.#isRefuted || runner.candidate.model === BASELINE) return false;
    const few = Math.max(LEAST_ITEMS, this.options.plan.sequentialItems);
    if (inFlight(runner) > few) return true;
    runner.items = Math.min(runner.items, few);
    return false;
  }

  /**
   * The plain loop, and those next to it, once more, on as many items as others run, if its few took longer
   * than in the sample. Returns whether they did, and there was time for it.
   */
  async widenPlain(round: number): Promise<boolean> {
    const plain = plainOf(this.active);
    const items = Math.max(...this.active.map(({ items }) => items));
    if (plain === undefined || items <= plain.items || !this.may) return false;
    const plainMs = this.#plainMs(items);
    if (plainMs < DEARER * this.options.judge.expectedMs(SEQUENTIAL, items)) return false;
    const leftMs = this.leftMs("hardMs") - plainMs;
    const due = nextRound(this.active, leftMs, this.options.judge.scaledBy(this.runners))
      .filter((runner) => runner !== plain);
    if (due.length === 0 || !await this.#isOpen()) return false;
    const wider: Runner = { candidate: plain.candidate, items, rounds: [] };
    await this.#run(wider, round);
    if (wider.rounds.length === 0 && wider.out === undefined) return false;
    this.runners[this.runners.indexOf(plain)] = wider;
    await this.runAll(due, round);
    this.prune();
    return true;
  }

  /** Tries others in place of what failed or disappointed, such as fewer and fewer slots. */
  async tryOthers(): Promise<void> {
    const { judge } = this.options;
    for (let more = judge.instead(this.runners); more.length > 0 && this.may;) {
      const entered = more.toSorted(bySimplicity).map((candidate) => this.#enter(candidate));
      await this.runAll(entered, 0);
      more = judge.instead(this.runners);
    }
  }

  #forget(runner: Runner): void {
    runner.rounds.pop();
    delete runner.out;
    delete runner.failures;
    delete runner.pacePerSecond;
  }

  /** A runner's next trial, and whether it is stopped as useless before time is short. */
  #trialOf({ candidate: { model, lanes, slots }, items, rounds }: Runner, round: number) {
    const { job, judge, timeoutMs, kept } = this.options;
    const isPlain = model === BASELINE;
    // After so long a model's first trial has nothing to gain any more.
    const uselessMs = Math.max(USELESS * this.#plainMs(items), this.#plainMs(items) + USELESS_MS);
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

  async #run(runner: Runner, round: number): Promise<void> {
    const { runTrial, signal, onEvent, mostTrials, leftMs, pause = delayed(signal) } = this.options;
    if (this.#settlesMs > 0) await pause(Math.max(0, Math.min(this.#settlesMs, leftMs())));
    this.#settlesMs = 0;
    const { trial, isUseless } = this.#trialOf(runner, round);
    this.trials++;
    onEvent?.({ type: "trial-started", trial, number: this.trials, of: mostTrials });
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

  /** Throws if a job gives fewer items than in the sample. */
  #checkCount({ items }: Runner, { round: { failed, succeeded }, stopped, stuck }: TrialResult) {
    const there = Math.min(items, this.options.sampled);
    if (stopped || stuck !== undefined || failed + succeeded >= there) return;
    this.#isFutile = true;
    throw new Error(
      `the job gave ${there} items or more at first, and gives ${failed + succeeded} now: ` +
        "export reset(), which brings them back",
    );
  }

  /** Notes what a gain that is less than predicted says of the other models. */
  #holdAgainstPrediction({ candidate, items }: Runner, { runMs, failed }: Round): void {
    const { model } = candidate;
    // The time of a round with failures says nothing of a prediction, nor do other machines.
    if (model === BASELINE || failed > 0 || needsServer(model)) return;
    const expectedMs = Math.max(1, this.options.judge.expectedMs(candidate, items));
    const plainMs = this.#plainMs(items);
    if (runMs > expectedMs) this.#leastGain = Math.min(this.#leastGain, plainMs / runMs);
    // Where so many are slower than one by one, fewer may gain.
    const isNothing = plainMs < GAINED * runMs && runMs < GAINED * plainMs;
    this.#isRefuted ||= isNothing && plainMs > PROMISED * expectedMs;
  }

  /** Takes what a trial came to: a round, or that it was stopped, as useless or for want of time. */
  #take(runner: Runner, result: TrialResult, isUseless: boolean): void {
    const isPlain = runner.candidate.model === BASELINE;
    const { stuck, stopped, warm } = result;
    if (stopped && runner.candidate.slots > 1) this.#settlesMs = result.round.runMs;
    // In so much more than the plain loop's time for all of them each would have settled.
    if (stuck !== undefined && !isPlain && isUseless) {
      const reasons = { [stuck.reason]: stuck.count };
      const round = { ...result.round, failed: stuck.count, reasons };
      runner.rounds.push(round);
      this.#judge(runner, { ...result, round, failures: [stuck] });
    } else if (stopped) {
      runner.stops = (runner.stops ?? 0) + 1;
      if (isUseless) runner.useless = (runner.useless ?? 0) + 1;
      // Its time is only known to be longer, and one trial may have been disturbed.
      if (!isPlain && runner.useless === MOST_STOPS) runner.out = "slower";
    } else {
      runner.rounds.push({ ...result.round, ...(warm && { warm }) });
      this.#learnTotal(runner, result.round);
      this.#judge(runner, result);
    }
  }

  #learnTotal({ items }: Runner, { succeeded, failed }: Round): void {
    const ran = succeeded + failed;
    if (ran >= items) return;
    this.#total = Math.min(ran, this.#total ?? ran);
    for (const runner of this.runners) runner.items = Math.min(runner.items, this.#total);
  }

  /** Whether a runner is out for what it gave: failures of its own, or other results. */
  #judge(runner: Runner, result: TrialResult): void {
    const { round, prefixChecksum, failures, pacePerSecond, longest } = result;
    const { failed, checksum } = round;
    const isPlain = runner.candidate.model === BASELINE;
    if (failures !== undefined) runner.failures ??= failures;
    runner.longest = longest;
    if (pacePerSecond !== undefined) runner.pacePerSecond ??= pacePerSecond;
    if (this.#failsMore(round, isPlain ? PLAIN_FAILS : 0)) {
      runner.out = "failures";
      const leftMs = this.options.leftMs();
      this.#isFutile ||= isPlain ||
        failures?.some(({ retryAfterMs = 0 }) => retryAfterMs > leftMs) === true;
      return;
    }
    if (isPlain && failed === 0) this.#plainChecksums.push(checksum);
    const { checksumOf, kept, failedShare } = this.options;
    const isAs = (count: number, own: string | undefined) =>
      own === undefined || (checksumOf(count) ?? this.#reference.get(count) ?? own) === own;
    if (isAs(runner.items, checksum) && isAs(kept, prefixChecksum)) {
      this.#reference.set(runner.items, checksum);
    } else if (failedShare === 0 && !this.#unrepeatable && !this.#otherResults) {
      runner.out = "results";
    }
  }

  /** Whether more items failed than do so one by one, chance allowed for. */
  #failsMore({ failed, succeeded }: Round, more: number): boolean {
    const { failedShare } = this.options;
    const all = failed + succeeded;
    const spread = Math.sqrt(all * failedShare * (1 - failedShare));
    const byChance = failedShare === 0 ? 0 : BY_CHANCE * spread + 1;
    return failed > (failedShare + more) * all + byChance + 1e-9;
  }

  /** If not even the plain loop repeats the sample's results, other ones count against no model. */
  #acceptOtherResults(): void {
    const [first, ...others] = this.#plainChecksums;
    this.#otherResults ||= plainOf(this.runners)?.out === "results";
    if (!this.#otherResults) return;
    this.#unrepeatable = others.length === 0 || others.some((of) => of !== first);
    for (const runner of this.runners) if (runner.out === "results") delete runner.out;
  }

  prune(): void {
    const scaledMs = this.options.judge.scaledBy(this.runners);
    for (const runner of clearlySlower(this.active, scaledMs)) runner.out = "slower";
  }
}

const delayed = (signal: AbortSignal) => (ms: number) =>
  delay(ms, undefined, { signal }).catch(() => {});

/** The plain loop runs so often; then no more, if all others are so much faster that nobody doubts it. */
const PLAIN_ROUNDS = 2;

/**
 * The models of a further round, those first whose comparison matters most; none if there is no
 * time for two.
 */
export function nextRound(active: readonly Runner[], leftMs: number, scaledMs: Scaled): Runner[] {
  const timeOf = (runner: Runner) =>
    Math.min(...runner.rounds.map((round) => scaledMs(runner, round)));
  const ran = active.filter(({ rounds }) => rounds.length > 0);
  const plain = plainOf(ran);
  const others = ran.filter((runner) => runner !== plain).sort((a, b) => timeOf(a) - timeOf(b));
  const isClear = plain === undefined || (plain.rounds.length >= PLAIN_ROUNDS &&
    others.length > 1 && others.every((of) => ONE_ROUND * timeOf(of) < timeOf(plain)));
  const wanted = [...others.slice(0, 2), ...(isClear ? [] : [plain]), ...others.slice(2)];
  let restMs = leftMs;
  const over = wanted.findIndex(({ rounds }) => (restMs -= rounds.at(-1)!.runMs) < 0);
  const due = over < 0 ? wanted : wanted.slice(0, over);
  return due.length < 2 ? [] : due;
}

/** To be clearly slower a model must take so many times the best's time in each round, by their number. */
const CLEARLY = [ONE_ROUND, 1.6, 1.35, 1.25];

/** Those of the runners that are clearly slower than the best of them; never the plain loop. */
export function clearlySlower(runners: readonly Runner[], scaledMs: Scaled): Runner[] {
  const ran = runners.filter(({ rounds }) => rounds.length > 0).map((runner) => {
    const times = new Map(runner.rounds.map((of) => [of.round, scaledMs(runner, of)]));
    return { runner, times, leastMs: Math.min(...times.values()) };
  });
  // Other machines put none of this one's models out: their gain may have other causes.
  const [best] = ran.filter(({ runner }) => !needsServer(runner.candidate.model))
    .toSorted((a, b) => a.leastMs - b.leastMs);
  if (best === undefined) return [];
  return ran.filter(({ runner, times }) => {
    const factor = CLEARLY[Math.min(times.size, CLEARLY.length) - 1]!;
    return runner !== best.runner && runner.candidate.model !== BASELINE &&
      [...times].every(([round, ms]) => ms > factor * (best.times.get(round) ?? best.leastMs));
  }).map(({ runner }) => runner);
}
