/** Who takes part in a race, what came of each, and what came of the race. */

import { BASELINE } from "../../models.ts";
import type { FailureKind } from "../../timing/failures.ts";
import type { Round } from "../../timing/result.ts";
import type { LongItem, TrialResult } from "../../timing/spec.ts";
import { type Candidate, inFlightOf, nameOf } from "../prediction/candidate.ts";

/** A round, and when the plain loop's first item had ended in it. */
export type RacedRound = Round & Pick<TrialResult, "warm">;

export interface Runner {
  readonly candidate: Candidate;
  /** How many items it runs in each round; fewer once the job turns out to have fewer. */
  items: number;
  readonly rounds: RacedRound[];
  out?: "failures" | "results" | "slower" | "broken";
  failures?: readonly FailureKind[];
  /** How long after its failures the plain loop was seen to fail, too; undefined if it went on well. */
  lastedMs?: number;
  /** Items a second that a refusing server let through; undefined if not known. */
  pacePerSecond?: number;
  /** The item that alone took most of its last run; undefined if none did. */
  longest?: LongItem | undefined;
  /** How many trials of it were stopped, and how many of these since they had nothing to gain any more. */
  stops?: number;
  useless?: number;
  error?: string;
}

export interface Race {
  readonly runners: readonly Runner[];
  readonly costMs: number;
  /** Trials run, so how often an item was run at most. */
  readonly trials: number;
  readonly partial: boolean;
  readonly total?: number | undefined;
  /** Whether sequential itself gives other results from run to run, so that none can be compared. */
  readonly unrepeatable: boolean;
  /** Whether the plain loop's results aren't those of the sample. */
  readonly otherResults: boolean;
  readonly untried: number;
  /** Whether it went on beyond its allowance, because that couldn't tell. */
  readonly extended: boolean;
  /** What ended a race that can't tell yet: the budget, or how often an item may be run. */
  readonly endedBy?: "budget" | "trials";
}

/** A candidate's runner; undefined if it wasn't raced. */
export function runnerOf(runners: readonly Runner[] = [], candidate: Candidate) {
  const name = nameOf(candidate);
  return runners.find((of) => nameOf(of.candidate) === name);
}

/** Whether it did the work, so that its gain is one: what is only slower than the best did. */
export function didTheWork({ out }: { readonly out?: string | undefined }): boolean {
  return out === undefined || out === "slower";
}

export function inFlight({ candidate, items }: Runner): number {
  return inFlightOf(candidate, items);
}

export function plainOf(runners: readonly Runner[] = []): Runner | undefined {
  return runners.find(({ candidate }) => candidate.model === BASELINE);
}
