/** What a race is given, and what is known of it so far: who takes part, what it cost, whether it may go on. */

import { BASELINE } from "../../models.ts";
import { median } from "../../timing/statistics.ts";
import type { JobSpec, TimingEvent, TrialRunner } from "../../timing/spec.ts";
import { type Candidate, SEQUENTIAL } from "../prediction/candidate.ts";
import type { RacePlan } from "./race_plan.ts";
import { inFlight, plainOf, type Race, type RacedRound, type Runner } from "./runner.ts";

/** What a round of a runner's comes to for the whole job, in milliseconds. */
export type Scaled = (runner: Runner, round: RacedRound) => number;

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

export class RaceState {
  readonly runners: Runner[] = [];
  costMs = 0;
  trials = 0;
  /** How often it was looked whether items go well one by one. */
  looks = 0;
  partial = false;
  /** Whether it goes on beyond its allowance. */
  extended = false;
  /** Whether further trials would only fail. */
  isFutile = false;
  /** How many items the job has, once a trial has found that there are fewer than it was to run. */
  total: number | undefined;

  constructor(readonly options: RaceOptions) {
    for (const candidate of options.raced) this.enter(candidate);
  }

  enter(candidate: Candidate): Runner {
    const { plan } = this.options;
    const items = candidate.model === BASELINE ? plan.sequentialItems : plan.items;
    const runner: Runner = { candidate, items: Math.min(items, this.total ?? items), rounds: [] };
    this.runners.push(runner);
    return runner;
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

  get may(): boolean {
    this.partial ||= this.options.signal.aborted;
    return !this.partial && !this.isFutile && this.trials < this.options.mostTrials;
  }

  leftMs(of: "allowanceMs" | "hardMs"): number {
    const { plan, leftMs } = this.options;
    return this.extended ? leftMs() : plan[of] - this.costMs;
  }

  /** How long the plain loop takes for so many items: as measured, or as expected. */
  plainMs(items: number): number {
    const { judge } = this.options;
    const plain = plainOf(this.runners);
    const off = plain === undefined || plain.rounds.length === 0
      ? 1
      : median(plain.rounds.map(({ runMs }) => runMs)) /
        Math.max(1e-9, judge.expectedMs(SEQUENTIAL, plain.items));
    return off * judge.expectedMs(SEQUENTIAL, items);
  }

  /** A trial found no more items than this. */
  learnTotal(ran: number): void {
    const total = this.total = Math.min(ran, this.total ?? ran);
    for (const runner of this.runners) runner.items = Math.min(runner.items, total);
  }
}
