/**
 * Which models of a race have no chance any more.
 *
 * @module
 */

import { ONE_ROUND } from "../../judge/thresholds.ts";
import type { Round } from "../../timing/result.ts";
import type { Candidate } from "../prediction/candidate.ts";
import type { Runner } from "./race_options.ts";

/**
 * By how many rounds were run: a model that in each of them took so many times as long as the best one.
 * One round alone may have been disturbed; the more agree, the less it takes.
 */
const CLEARLY = [ONE_ROUND, 1.6, 1.35, 1.25];

/**
 * Finds the models that were clearly slower than the best one, in every round.
 *
 * @param scaledMs What a round comes to for the whole job, in milliseconds.
 */
export function clearlySlower(
  runners: readonly Runner[],
  scaledMs: (candidate: Candidate, items: number, round: Round) => number,
): Runner[] {
  const timesOf = ({ candidate, items, rounds }: Runner) =>
    new Map(rounds.map((round) => [round.round, scaledMs(candidate, items, round)]));
  const ran = runners.filter(({ rounds }) => rounds.length > 0)
    .map((runner) => ({ runner, times: timesOf(runner) }));
  const least = ({ times }: { times: Map<number, number> }) => Math.min(...times.values());
  const best = ran.toSorted((a, b) => least(a) - least(b))[0];
  if (best === undefined) return [];
  return ran.filter(({ runner, times }) => {
    if (runner === best.runner || runner.candidate.model === "sequential") return false;
    const factor = CLEARLY[Math.min(times.size, CLEARLY.length) - 1]!;
    return [...times].every(([round, ms]) => ms > factor * (best.times.get(round) ?? least(best)));
  }).map(({ runner }) => runner);
}
