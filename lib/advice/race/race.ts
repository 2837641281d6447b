/**
 * The race runs the promising models on the job's own items, in rounds, each trial in a fresh process. This
 * file chooses which model's trial is next; trials.ts runs and judges each.
 */

import { BASELINE, needsServer } from "../../models.ts";
import { GAINED, ONE_ROUND } from "../../judge/thresholds.ts";
import { seededRandom, shuffled } from "../../timing/random.ts";
import { bySimplicity, isLoop, SEQUENTIAL } from "../prediction/candidate.ts";
import { inFlight, plainOf, type Race, type Runner } from "./runner.ts";
import type { Scaled } from "./race_judge.ts";
import { type RaceOptions, Trials, untilWell } from "./trials.ts";

const MOST_ROUNDS = 7;

/**
 * In the first round every model runs, the plain loop first, since its time sets the limit for the others;
 * substitutes may replace models that fail. Rounds go on until the models can be told apart or the allowance is
 * spent; if they still can't, the race goes on until the budget is spent.
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
      // The budget is no reason to run unimportant models again, so the allowance is tried first.
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
  const isMost = racing.count >= mostTrials || round >= MOST_ROUNDS;
  return { ...racing.race, endedBy: isMost ? "trials" : "budget" };
}

/** The fewest items on which other models are raced once a prediction has been refuted. */
const LEAST_ITEMS = 8;
/** Before its first trial, a model is expected to take at most this many times the plain loop's time. */
const AT_MOST = 1.2;
/** If its few items took this many times as long as in the sample, the plain loop runs more of them. */
const DEARER = 1.1;
/** The plain loop runs again only on at least this many times as many items. */
const WIDER = 2;

/** Runs the trials that are due, as far as time allows and they can still change the result. */
class Racing extends Trials {
  /** The last trial's runner, if it had failures of its own. */
  #failed: Runner | undefined;
  /** Whether failures left a server refusing tasks, as by a ban or a used-up quota. */
  #shutsOut = false;

  get race(): Race {
    const { runners, unrun, costMs, count, looks, partial, total, results } = this;
    return {
      runners: runners.filter(({ rounds, out, stops }) =>
        rounds.length > 0 || out !== undefined || stops !== undefined
      ),
      ...{ costMs, trials: count + looks, partial, total, untried: unrun.length },
      ...{ unrepeatable: results.areUnrepeatable, otherResults: results.areOther },
    };
  }

  async runAll(runners: readonly Runner[], round: number): Promise<void> {
    for (const runner of runners) {
      if (this.#isNeedless(runner) || !this.may || !this.#affords(runner)) continue;
      const isPlain = runner.candidate.model === BASELINE;
      if ((this.#shutsOut || isPlain) && !await this.#isOpen()) break;
      const tooMany = this.#tooMany;
      await this.run(runner, round);
      const failed = this.#failed;
      // A failure with as many in flight as failed before says nothing new.
      const isLess = runner.out === "failures" && inFlight(runner) < tooMany;
      if (failed !== undefined && isLess && !await this.looksWell()) {
        forget(runner);
        if (!await this.#isLetIn(failed)) break;
        // The runner is dropped; substitutes start with few slots, so at most one more trial asks for too much.
        if (runner.rounds.length === 0 && isLoop(runner.candidate)) {
          this.runners.splice(this.runners.indexOf(runner), 1);
          break;
        }
        await this.run(runner, round);
      }
      this.#failed = runner.out === "failures" ? runner : undefined;
    }
    this.results.accept(this.runners);
  }

  /** The fewest tasks in flight that failed. */
  get #tooMany(): number {
    const failing = this.runners.filter(({ out }) => out === "failures");
    return Math.min(...failing.map(inFlight));
  }

  /** Whether a runner that hasn't run yet can't change the result. */
  #isNeedless(runner: Runner): boolean {
    const { options: { judge }, runners } = this;
    return runner.rounds.length === 0 &&
      (judge.isNeedless(runner, runners) || this.#isRefuted(runner) ||
        (this.#shutsOut && inFlight(runner) >= this.#tooMany));
  }

  /**
   * Whether another model has refuted what was predicted of this one. A runner with few tasks in flight is
   * raced anyway, but only on the plain loop's number of items, since it is likely to take as long.
   */
  #isRefuted(runner: Runner): boolean {
    if (!this.isRefuted || runner.candidate.model === BASELINE) return false;
    const few = Math.max(LEAST_ITEMS, this.options.plan.sequentialItems);
    if (inFlight(runner) > few) return true;
    runner.items = Math.min(runner.items, few);
    return false;
  }

  #affords(runner: Runner): boolean {
    const { candidate, items, rounds } = runner;
    if (candidate.model === BASELINE && !this.extended) return true;
    const plainMs = this.plainMs(items);
    const expectedMs = this.options.judge.expectedMs(candidate, items);
    const likelyMs = Math.max(expectedMs, plainMs / this.leastGain);
    const ownMs = rounds.at(-1)?.runMs ?? Math.min(AT_MOST * plainMs, likelyMs);
    const keptMs = this.#keptMs(runner);
    return ownMs <= this.leftMs("hardMs") &&
      (keptMs === 0 || ownMs + keptMs <= this.options.leftMs());
  }

  /**
   * Time kept for a second round before unplanned models are tried: two short rounds tell more than a long one.
   */
  #keptMs({ candidate, rounds }: Runner): number {
    const { runners, active, extended, options: { raced, judge } } = this;
    const isPlanned = !extended && raced.includes(candidate);
    // The search for a number of slots that doesn't fail keeps back no time.
    const isSearch = runners.some(({ out }) => out === "failures");
    if (isPlanned || rounds.length > 0 || isSearch) return 0;
    // A runner clearly slower than the plain loop needs no second round to be ruled out.
    const may = active.filter(({ items, rounds }) =>
      rounds.every(({ runMs }) => runMs <= GAINED * this.plainMs(items))
    );
    const due = nextRound(may, Infinity, judge.scaledBy(runners)).slice(0, 3);
    const isOnce = due.every(({ rounds }) => rounds.length === 1);
    return isOnce ? due.reduce((sum, { rounds }) => sum + rounds[0]!.runMs, 0) : 0;
  }

  /** Whether tasks are accepted after the last trial's failures, if necessary after a wait. */
  async #isOpen(): Promise<boolean> {
    const failed = this.#failed;
    if (failed === undefined || (!this.#shutsOut && await this.looksWell())) return true;
    return await this.#isLetIn(failed);
  }

  /** Waits until tasks are accepted again after a trial's failures; returns whether they are. */
  async #isLetIn(failed: Runner): Promise<boolean> {
    const { plan, leftMs } = this.options;
    this.#shutsOut = true;
    // Starting again with few tasks in flight takes about as long as the plain loop.
    const needsMs = this.plainMs(plan.items);
    const { isWell, lastedMs } = await untilWell(() => this.looksWell(), {
      leastMs: failed.failures?.find((of) => of.retryAfterMs)?.retryAfterMs,
      leftMs: () => this.mayLook ? leftMs() - needsMs : 0,
      pause: this.pause,
    });
    failed.lastedMs = Math.max(failed.lastedMs ?? 0, lastedMs);
    this.#failed = undefined;
    this.isFutile ||= !isWell;
    return isWell;
  }

  /**
   * Runs the plain loop and its nearest rivals once more, on as many items as the others run, if the plain
   * loop's few items took longer than in the sample. Returns whether it did.
   */
  async widenPlain(round: number): Promise<boolean> {
    const { active, runners, options: { judge } } = this;
    const plain = plainOf(active);
    const items = Math.max(...active.map(({ items }) => items));
    if (plain === undefined || items < WIDER * plain.items || !this.may) return false;
    const plainMs = this.plainMs(items);
    if (plainMs < DEARER * judge.expectedMs(SEQUENTIAL, items)) return false;
    const leftMs = this.leftMs("hardMs") - plainMs;
    const due = nextRound(active, leftMs, judge.scaledBy(runners)).filter((of) => of !== plain);
    if (due.length === 0 || !await this.#isOpen()) return false;
    const wider: Runner = { candidate: plain.candidate, items, rounds: [] };
    await this.run(wider, round);
    if (wider.rounds.length === 0 && wider.out === undefined) return false;
    runners[runners.indexOf(plain)] = wider;
    await this.runAll(due, round);
    // Without a rival in the same round the wider trial is compared with nothing.
    const isHeld = due.some(({ rounds }) => rounds.at(-1)?.round === round);
    if (!isHeld && wider.out === undefined) runners[runners.indexOf(wider)] = plain;
    this.prune();
    return true;
  }

  /** Tries substitutes for models that failed or disappointed, such as fewer and fewer slots. */
  async tryOthers(): Promise<void> {
    const { judge } = this.options;
    for (let more = judge.instead(this.runners); more.length > 0 && this.may;) {
      const entered = more.toSorted(bySimplicity).map((candidate) => this.enter(candidate));
      await this.runAll(entered, 0);
      more = judge.instead(this.runners);
    }
  }

  prune(): void {
    const scaledMs = this.options.judge.scaledBy(this.runners);
    for (const runner of clearlySlower(this.active, scaledMs)) runner.out = "slower";
  }
}

/** Removes a runner's last trial, which says nothing about the runner. */
function forget(runner: Runner): void {
  runner.rounds.pop();
  delete runner.out;
  delete runner.failures;
  delete runner.pacePerSecond;
}

/** After this many rounds the plain loop stops if all others, two or more, are ONE_ROUND times as fast. */
const PLAIN_ROUNDS = 2;

/** The models of a further round, the most important comparisons first; none if there is no time for two. */
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

/** A model is clearly slower if it takes this many times the best's time in all its 1, 2, 3, 4 … rounds. */
const CLEARLY = [ONE_ROUND, 1.6, 1.35, 1.25];

/** The runners that are clearly slower than the best one, never including the plain loop. */
export function clearlySlower(runners: readonly Runner[], scaledMs: Scaled): Runner[] {
  const ran = runners.filter(({ rounds }) => rounds.length > 0).map((runner) => {
    const times = new Map(runner.rounds.map((of) => [of.round, scaledMs(runner, of)]));
    return { runner, times, leastMs: Math.min(...times.values()) };
  });
  // Other machines never rule out this machine's models: their gain may have other causes.
  const [best] = ran.filter(({ runner }) => !needsServer(runner.candidate.model))
    .toSorted((a, b) => a.leastMs - b.leastMs);
  if (best === undefined) return [];
  return ran.filter(({ runner, times }) => {
    const factor = CLEARLY[Math.min(times.size, CLEARLY.length) - 1]!;
    return runner !== best.runner && runner.candidate.model !== BASELINE &&
      [...times].every(([round, ms]) => ms > factor * (best.times.get(round) ?? best.leastMs));
  }).map(({ runner }) => runner);
}
