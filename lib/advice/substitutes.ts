/**
 * Which models to try in place of those that failed or disappointed in the first round.
 *
 * @module
 */

import { type Candidate, nameOf } from "./candidate.ts";
import type { Runner } from "./race_options.ts";

/** Slots are divided by this after a refusal: many refusals are more of a nuisance than a slow search. */
const LESS = 4;
/** A model whose slots gained less than this, where waiting should have been filled, disappoints. */
const GAINED = 1.2;

/**
 * Chooses substitutes.
 *
 * Where tasks failed that don't fail one by one, something refuses so many at once: fewer slots are
 * tried, a quarter each time, then twice as many where that went well (multiplicative decrease, as in
 * Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance", 1989).
 * Where slots on one event loop gained nothing though tasks wait, they may wait for each other within
 * one lane: more lanes are tried.
 *
 * @param runners What has run so far.
 * @param cores How many lanes to try.
 * @param waits Whether tasks wait for most of their time.
 * @param canTravel Whether items and results can be sent to another lane.
 * @param timeMs What a runner's last round comes to for the whole job, in milliseconds.
 * @returns Models that haven't been tried yet; none if nothing is to be learnt.
 *
 * @example
 * ```ts
 * import { substitutes } from "./substitutes.ts";
 *
 * console.log(substitutes([], 2, true, true, () => 1)); // []
 * ```
 */
export function substitutes(
  runners: readonly Runner[],
  cores: number,
  waits: boolean,
  canTravel: boolean,
  timeMs: (runner: Runner) => number,
): Candidate[] {
  const found = [...fewerSlots(runners)];
  const sequential = runners.find(({ candidate, rounds }) =>
    candidate.model === "sequential" && rounds.length > 0
  );
  const loops = runners.filter(({ candidate, rounds, out }) =>
    candidate.lanes === 1 && candidate.slots > 1 && rounds.length > 0 && out !== "failures"
  );
  const disappointing = sequential !== undefined && loops.length > 0 &&
    loops.every((of) => timeMs(sequential) < GAINED * timeMs(of));
  if (waits && canTravel && disappointing) found.push({ model: "workers", lanes: cores, slots: 1 });
  const tried = new Set(runners.map(({ candidate }) => nameOf(candidate)));
  return found.filter((candidate) => !tried.has(nameOf(candidate)));
}

function* fewerSlots(runners: readonly Runner[]): Generator<Candidate> {
  const loops = runners.filter(({ candidate }) => candidate.lanes === 1 && candidate.slots > 1);
  const inFlight = ({ candidate, items }: Runner) => Math.min(candidate.slots, items);
  const refused = loops.filter(({ out }) => out === "failures").map(inFlight);
  if (refused.length === 0) return;
  const least = Math.min(...refused);
  const went = loops.filter(({ out, rounds }) => out === undefined && rounds.length > 0)
    .map(inFlight).filter((slots) => slots < least);
  const most = Math.max(0, ...went);
  const slots = most === 0 ? powerOfTwoTo(least / LESS) : 2 * most;
  if (slots > 1 && slots < least) yield { model: "limited", lanes: 1, slots };
}

function powerOfTwoTo(value: number): number {
  return value < 1 ? 0 : 2 ** Math.floor(Math.log2(value));
}
