/**
 * The race: the promising models on the job's own items, in rounds, each trial in a fresh process.
 *
 * @module
 */

import type { Round } from "../../timing/result.ts";
import { seededRandom, shuffled } from "../../timing/random.ts";
import type { JobSpec, TrialResult } from "../../timing/spec.ts";
import { bySimplicity, type Candidate, nameOf, SEQUENTIAL } from "../prediction/candidate.ts";
import { clearlySlower } from "./clearly_slower.ts";
import { finalists } from "./finalists.ts";
import type { Race, RaceOptions, RaceRunner, Runner } from "./race_options.ts";

const MOST_ROUNDS = 7;
/** A model is stopped when it takes this many times as long as the plain loop should, or so much longer. */
const USELESS = 1.4;
const USELESS_MS = 150;
/** A prediction that was off by so many times is worth nothing. */
const WORTHLESS = 3;
/** What fails here and there of its own accord may fail so many standard deviations more often. */
const BY_CHANCE = 3;

class Racing {
  readonly runners: Runner[] = [];
  readonly #warnings = new Set<string>();
  readonly #reference = new Map<number, string>();
  costMs = 0;
  trials = 0;
  partial = false;
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
      ...(this.#total !== undefined && { total: this.#total }),
    };
  }

  get active(): Runner[] {
    return this.runners.filter(({ out }) => out === undefined);
  }

  enter(candidate: Candidate): Runner {
    const { plan } = this.options;
    const items = candidate.model === "sequential" ? plan.sequentialItems : plan.items;
    const runner: Runner = { candidate, items: Math.min(items, this.#total ?? items), rounds: [] };
    this.runners.push(runner);
    return runner;
  }

  /** Whether another trial may be run. */
  get may(): boolean {
    this.partial ||= this.options.signal.aborted;
    return !this.partial && this.trials < this.options.mostTrials;
  }

  /** What the others may still take, with sequential's first round set aside. */
  get #leftMs(): number {
    const { plan, expectedMs } = this.options;
    const sequential = this.runners.find(({ candidate }) => candidate.model === "sequential");
    const due = sequential?.rounds.length === 0 && sequential.out === undefined;
    const reserveMs = due ? expectedMs(SEQUENTIAL, sequential.items) : 0;
    return plan.hardMs - this.costMs - reserveMs;
  }

  /** Whether the tasks of another trial fit what they may take; if predictions failed, by what they failed. */
  affords({ candidate, items, rounds }: Runner): boolean {
    if (candidate.model === "sequential") return true;
    const plainMs = this.options.expectedMs(SEQUENTIAL, items);
    const likelyMs = this.#surprise * this.options.expectedMs(candidate, items);
    // Where one prediction was worth nothing, another may be too.
    const leastMs = this.#surprise > WORTHLESS ? this.#longestMs : 0;
    const mostMs = Math.min(1.2 * plainMs, Math.max(leastMs, likelyMs));
    return (rounds.at(-1)?.runMs ?? mostMs) <= this.#leftMs;
  }

  /** After so long a trial has nothing to gain any more, or would cost more than the race may. */
  #mostMs({ candidate, items, rounds }: Runner): number {
    const plainMs = this.options.expectedMs(SEQUENTIAL, items);
    const useless = Math.max(USELESS * plainMs, plainMs + USELESS_MS);
    if (candidate.model === "sequential") return 2 * useless;
    return Math.max(1, Math.min(rounds.length === 0 ? useless : Infinity, this.#leftMs));
  }

  async run(runner: Runner, round: number): Promise<void> {
    const { job, runTrial, signal, onEvent, timeoutMs, checksums } = this.options;
    const { candidate, items } = runner;
    const known = Math.max(0, ...[...checksums.keys()].filter((count) => count < items));
    const trial = {
      model: candidate.model,
      lanes: candidate.lanes,
      ...(candidate.model === "concurrent" ? {} : { slots: candidate.slots }),
      job: { ...job, items: limitedTo(job.items, items) },
      round,
      timeoutMs,
      mostMs: this.#mostMs(runner),
      ...(known > 0 && { prefix: known }),
    };
    const number = ++this.trials;
    onEvent?.({ type: "trial-started", trial, number, of: this.options.mostTrials });
    try {
      const result = await runTrial(trial, { signal, ...(onEvent && { onEvent }) });
      this.costMs += result.round.runMs;
      // How long failing took says nothing of a prediction.
      if (candidate.model !== "sequential" && result.round.failed === 0) {
        const expectedMs = Math.max(1, this.options.expectedMs(candidate, items));
        this.#surprise = Math.max(this.#surprise, result.round.runMs / expectedMs);
        this.#longestMs = Math.max(this.#longestMs, result.round.runMs);
      }
      if (wasStopped(result.round, trial.mostMs)) {
        // Its time is only known to be longer.
        runner.out = "slower";
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

  /** A source that gave fewer items than it was asked for has no more. */
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
    if (runner.candidate.model !== "sequential" && this.#failsMore(round)) {
      runner.out = "failures";
      return;
    }
    if (runner.candidate.model === "sequential" && failed === 0) {
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
   * If not even sequential repeats the sample's results, nobody is to be blamed for other ones than
   * those. Where it repeats its own, the work has changed since; where it doesn't, it never repeats.
   */
  forgive(): void {
    const own = this.#plainChecksums;
    const sequential = this.runners.find(({ candidate }) => candidate.model === "sequential");
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

function wasStopped({ runMs, reasons = {} }: Round, mostMs: number): boolean {
  const { cancelled = 0, abandoned = 0 } = reasons;
  return cancelled + abandoned > 0 && runMs >= 0.99 * mostMs;
}

function limitedTo(source: JobSpec["items"], limit: number): JobSpec["items"] {
  return source.kind === "values"
    ? { kind: "values", values: source.values.slice(0, limit) }
    : { ...source, limit };
}

/**
 * Runs a race. The first round tries all; models that fail, give other results or are clearly slower
 * are taken out, and others may take their place. Rounds go on until the models are told apart or the
 * allowance is spent.
 */
export const race: RaceRunner = async (options): Promise<Race> => {
  const { plan, seed, instead, decided } = options;
  const random = seededRandom(seed);
  const racing = new Racing(options);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const active = racing.active;
    const challengers = active.filter(({ candidate }) => candidate.model !== "sequential");
    if (challengers.length === 0) break;
    if (round >= plan.rounds && decided(racing.runners)) break;
    const due = round === 0
      ? active
      : finalists(active, plan.allowanceMs - racing.costMs, options.scaledMs);
    if (due.length === 0) break;
    for (const runner of shuffled(due, random)) {
      if (racing.may && racing.affords(runner)) await racing.run(runner, round);
    }
    racing.forgive();
    if (!racing.may) break;
    if (round > 0) {
      racing.prune();
      continue;
    }
    // Others in place of what failed, fewer and fewer slots.
    let more = instead(racing.runners);
    while (more.length > 0 && racing.may) {
      for (const candidate of more.toSorted(bySimplicity)) {
        const runner = racing.enter(candidate);
        if (racing.may && racing.affords(runner)) await racing.run(runner, round);
      }
      more = instead(racing.runners);
    }
    racing.prune();
  }
  return racing.race;
};
