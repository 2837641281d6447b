/**
 * From the items that were raced to the whole job.
 *
 * @module
 */

import type { Round } from "../../timing/result.ts";
import { type Candidate, inFlightOf } from "../prediction/candidate.ts";
import { type Machine, predict } from "../prediction/predict.ts";
import type { Entry } from "./recommend.ts";
import type { Runner } from "./race_options.ts";
import type { Sample } from "../probe/sample.ts";

/**
 * What a round comes to for another number of items: its start-up as it is, and its work in proportion
 * to what is predicted for the two numbers. So waves, long items and saturation are accounted for, and
 * what the prediction is off by cancels out.
 *
 * @returns The time for `horizon` items, in milliseconds.
 */
export function scaledMs(
  sample: Sample,
  machine: Machine,
  candidate: Candidate,
  items: number,
  horizon: number,
  round: Pick<Round, "startMs" | "runMs">,
): number {
  if (items === horizon) return round.startMs + round.runMs;
  const wanted = predict(sample, candidate, horizon, machine).runMs;
  const ran = predict(sample, candidate, items, machine).runMs;
  return round.startMs + round.runMs * wanted / Math.max(1e-9, ran);
}

/**
 * A runner's times for the whole job.
 *
 * @returns The entry; not eligible if it was taken out of the race for anything but being slow.
 */
export function entryOf(
  { candidate, items, rounds, out }: Runner,
  scale: (candidate: Candidate, items: number, round: Round) => number,
): Entry {
  return {
    candidate,
    times: rounds.map((round) => ({ round: round.round, ms: scale(candidate, items, round) })),
    eligible: out === undefined,
    inFlight: inFlightOf(candidate, items),
  };
}
