/** The inputs of a race and its state so far: its runners, what it cost, whether it may go on. */

import { BASELINE } from "../../models.ts";
import { median } from "../../timing/statistics.ts";
import type { JobSpec, TimingEvent, TrialRunner } from "../../timing/spec.ts";
import { type Candidate, SEQUENTIAL } from "../prediction/candidate.ts";
import type { RacePlan } from "./race_plan.ts";
import { inFlight, plainOf, type Race, type RacedRound, type Runner } from "./runner.ts";

/** A runner's round scaled to the whole job, in milliseconds. */
export type Scaled = (runner: Runner, round: RacedRound) => number;

/** Predicts and judges runners; the race itself knows nothing about the job's figures. */
export interface RaceJudge {
  expectedMs(candidate: Candidate, items: number): number;
  /** How many times as long as expected the plain loop may take by chance alone. */
  byChance(items: number): number;
  scaledBy(runners: readonly Runner[]): Scaled;
  isDecided(runners: readonly Runner[]): boolean;
  /** Whether the race can't decide yet, and more rounds would help. */
  isUnclear(race: Race): boolean;
  /** The models that may run in place of those that failed or disappointed. */
  instead(runners: readonly Runner[]): readonly Candidate[];
  /** Whether a runner that hasn't run can't change what the others have shown. */
  isNeedless(runner: Runner, runners: readonly Runner[]): boolean;
}

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

export class RaceState {
  readonly runners: Runner[] = [];
  costMs = 0;
  trials = 0;
  /** How many times the race checked whether items succeed one by one. */
  looks = 0;
  partial = false;
  /** Whether the race goes on beyond its allowance. */
  extended = false;
  /** Whether further trials would only fail. */
  isFutile = false;
  /** How many items the job has, once a trial has found fewer than it was to run. */
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
    return !this.partial && !this.isFutile && this.trials < this.options.mostTrials;
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

  /** Notes that a trial found no more items than this. */
  learnTotal(ran: number): void {
    const total = this.total = Math.min(ran, this.total ?? ran);
    for (const runner of this.runners) runner.items = Math.min(runner.items, total);
  }
}
