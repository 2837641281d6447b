/**
 * What a race is given and what it comes to.
 *
 * @module
 */

import type { Round } from "../../timing/result.ts";
import type { FailureKind } from "../../timing/failures.ts";
import type { JobSpec, TimingEvent, TrialRunner } from "../../timing/spec.ts";
import type { Candidate } from "../prediction/candidate.ts";
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
