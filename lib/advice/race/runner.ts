/** The runners of a race, their results, and the race's result. */

import { BASELINE } from "../../models.ts";
import type { FailureKind } from "../../timing/failures.ts";
import type { Round } from "../../timing/result.ts";
import type { LongItem, TrialResult } from "../../timing/spec.ts";
import { type Candidate, inFlightOf, nameOf } from "../prediction/candidate.ts";

/** A round, and when it was warm, where that is known. */
export type RacedRound = Round & Pick<TrialResult, "warm">;

export interface Runner {
  readonly candidate: Candidate;
  /** How many items the runner runs in each round; fewer if the job turns out to have fewer. */
  items: number;
  readonly rounds: RacedRound[];
  out?: "failures" | "results" | "slower" | "broken";
  failures?: readonly FailureKind[];
  /** How long tasks then still failed one by one, in milliseconds; undefined if they went well. */
  lastedMs?: number;
  /** Items a second that succeeded while a server refused; undefined if unknown. */
  pacePerSecond?: number;
  /** The item that alone took most of its last trial; undefined if none did. */
  longest?: LongItem | undefined;
  /** How many of its trials were stopped, and how many of those because they could no longer gain. */
  stops?: number;
  useless?: number;
  error?: string;
}

export interface Race {
  readonly runners: readonly Runner[];
  readonly costMs: number;
  /** How many trials ran, which is the most times that an item ran. */
  readonly trials: number;
  readonly partial: boolean;
  readonly total?: number | undefined;
  /** Whether the plain loop itself gives other results from run to run, so that none can be compared. */
  readonly unrepeatable: boolean;
  /** Whether the plain loop's results differ from the sample's. */
  readonly otherResults: boolean;
  readonly untried: number;
  /** The limit that ended an undecided race: the budget, or the number of trials. */
  readonly endedBy?: "budget" | "trials";
}

/** A candidate's runner; undefined if it wasn't raced. */
export function runnerOf(runners: readonly Runner[] = [], candidate: Candidate) {
  const name = nameOf(candidate);
  return runners.find((of) => nameOf(of.candidate) === name);
}

/** Whether a runner did the same work, so that its gain counts, even if it is slower than the best. */
export function didTheWork({ out }: { readonly out?: string | undefined }): boolean {
  return out === undefined || out === "slower";
}

export function inFlight({ candidate, items }: Runner): number {
  return inFlightOf(candidate, items);
}

export function plainOf(runners: readonly Runner[] = []): Runner | undefined {
  return runners.find(({ candidate }) => candidate.model === BASELINE);
}
