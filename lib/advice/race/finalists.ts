/**
 * Which models run again in a further round of a race.
 *
 * @module
 */

import type { Round } from "../../timing/result.ts";
import type { Candidate } from "../prediction/candidate.ts";
import type { Runner } from "./race_options.ts";

/**
 * Chooses whom a further round can afford: the two best at least, for they are to be told apart; then
 * sequential, against which gains are given; then the others, the better ones first.
 *
 * @param leftMs What their tasks may take together, in milliseconds.
 * @param scaledMs What a round comes to for the whole job, in milliseconds.
 * @returns Those to run; none if not even two can.
 */
export function finalists(
  active: readonly Runner[],
  leftMs: number,
  scaledMs: (candidate: Candidate, items: number, round: Round) => number,
): Runner[] {
  const timeOf = ({ candidate, items, rounds }: Runner) =>
    Math.min(...rounds.map((round) => scaledMs(candidate, items, round)));
  const ran = active.filter(({ rounds }) => rounds.length > 0);
  const sequential = ran.filter(({ candidate }) => candidate.model === "sequential");
  const challengers = ran.filter((runner) => !sequential.includes(runner))
    .sort((a, b) => timeOf(a) - timeOf(b));
  const due: Runner[] = [];
  let restMs = leftMs;
  for (const runner of [...challengers.slice(0, 2), ...sequential, ...challengers.slice(2)]) {
    restMs -= runner.rounds.at(-1)!.runMs;
    if (restMs < 0) break;
    due.push(runner);
  }
  return due.length < 2 ? [] : due;
}
