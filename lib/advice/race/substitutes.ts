/**
 * What to race instead of, or beside, models that refused, disappointed, or did better than expected.
 *
 * @module
 */

import { BASELINE } from "../../models.ts";
import { type Candidate, inFlightOf, nameOf } from "../prediction/candidate.ts";
import { MOST_IN_FLIGHT, MOST_LANES, powerOfTwoFrom } from "../prediction/choose_candidates.ts";
import type { Runner } from "./race.ts";

/** Slots are divided by this after a refusal: many refusals cost more than a slow search. */
const LESS = 4;
/** A size between two others is tried if it is so many times the smaller one. */
const WORTH = 1.5;
/** Slots that gain less than this on tasks that wait disappoint. */
const GAINED = 1.2;
/** Where the gain is still this share of the slots or lanes, more of them may gain more. */
const UNSATURATED = 0.6;
/** So many times as many slots as are served at once are enough. */
const ROOM = 1.5;
/** So many times as many are tried next. */
const MORE = 4;
/** A model predicted to gain so many times as much as the best one measured is worth a trial. */
const HOPEFUL = 1.05;
/** With this many times as many tasks in flight as are served at once, most of them only queue. */
export const QUEUEING = 4;

/** What a job allows. */
interface Allowed {
  /** How many CPUs there are. */
  readonly cores: number;
  /** Whether its tasks wait for most of their time. */
  readonly waits: boolean;
  /** Whether its items and results can be sent to other lanes. */
  readonly canTravel: boolean;
  /** How long a task takes one by one, in milliseconds. */
  readonly taskMs?: number;
  /** Gains against sequential that were predicted, of models that need not have run. */
  readonly predicted?: readonly { readonly candidate: Candidate; readonly gain: number }[];
}

/**
 * Chooses models to race as well.
 *
 * - Where a server refused so many at once: fewer slots, or fewer lanes.
 * - Where slots filled no waiting although tasks wait: lanes, for something holds up the event loop; and
 *   where each of these gained, more of them.
 * - Where each slot still gained: more slots.
 * - Where far more are in flight than are served at once: as many as are served: more only queue.
 * - Where even the best came out below what was predicted of a model that wasn't raced: that one.
 */
export function substitutes(
  runners: readonly Runner[],
  { cores, waits, canTravel, predicted = [], taskMs = Infinity }: Allowed,
  timeMs: (runner: Runner) => number,
): Candidate[] {
  const tried = new Set(runners.map(({ candidate }) => nameOf(candidate)));
  const isTried = (candidate: Candidate) => tried.has(nameOf(candidate));
  const found = [...fewerSlots(runners, taskMs), ...fewerLanes(runners, cores)];
  const ran = runners.filter(({ rounds, out }) => rounds.length > 0 && out === undefined);
  const sequential = ran.find(({ candidate }) => candidate.model === BASELINE);
  if (sequential !== undefined) {
    const gainOf = (runner: Runner) => timeMs(sequential) / timeMs(runner);
    if (found.length === 0) found.push(...moreSlots(ran, gainOf), ...asManyAsServed(ran, gainOf));
    if (waits && canTravel) found.push(...lanesInstead(runners, cores, gainOf));
    const best = Math.max(...ran.map(gainOf));
    const better = predicted.filter(({ candidate, gain }) =>
      gain > HOPEFUL * best && !isTried(candidate)
    ).toSorted((a, b) => b.gain - a.gain);
    // What refuses many at once would refuse these too.
    const refused = runners.some(({ out }) => out === "failures");
    if (!refused) found.push(...better.slice(0, 1).map(({ candidate }) => candidate));
  }
  // What refused so many would refuse more.
  const refused = Math.min(
    ...runners.filter((of) => isLoop(of) && of.out === "failures").map(inFlight),
  );
  return found.filter((of) => !isTried(of) && (of.lanes > 1 || inFlightOf(of, Infinity) < refused));
}

type GainOf = (runner: Runner) => number;

function isLoop({ candidate }: Runner): boolean {
  return candidate.lanes === 1 && candidate.slots > 1;
}

function inFlight({ candidate, items }: Runner): number {
  return inFlightOf(candidate, items);
}

function* fewerSlots(runners: readonly Runner[], taskMs: number): Generator<Candidate> {
  const loops = runners.filter(isLoop);
  const refused = loops.filter(({ out }) => out === "failures").map(inFlight);
  if (refused.length === 0) return;
  const least = Math.min(...refused);
  const went = loops.filter(({ out, rounds }) => out === undefined && rounds.length > 0)
    .map(inFlight).filter((slots) => slots < least);
  const most = Math.max(0, ...went);
  // Where the server's pace was seen already, it tells how many slots it keeps busy.
  const paced = Math.min(...loops.map((of) => (of.pacePerSecond ?? Infinity) * taskMs / 1000));
  const lower = Math.max(2, powerOfTwoTo(Math.min(least / LESS, Math.max(2, paced))));
  // Between what went well and what didn't is one size more that may gain half as much again.
  const between = Math.floor((most + least) / 2);
  const slots = most === 0
    ? lower
    : 2 * most < least || between < WORTH * most
    ? 2 * most
    : between;
  if (slots > 1 && slots < least) yield limited(slots);
}

/** As many lanes as cores, where more of them were refused. */
function* fewerLanes(runners: readonly Runner[], cores: number): Generator<Candidate> {
  const refused = runners.some(({ candidate: { model, lanes, slots }, out }) =>
    model === "workers" && lanes > cores && slots === 1 && out === "failures"
  );
  if (refused && cores > 1) yield { model: "workers", lanes: cores, slots: 1 };
}

function* moreSlots(ran: readonly Runner[], gainOf: GainOf): Generator<Candidate> {
  const most = ran.filter(isLoop).sort((a, b) => inFlight(b) - inFlight(a))[0];
  if (most === undefined || gainOf(most) < UNSATURATED * inFlight(most)) return;
  // A race tells of slots only what it has items for.
  const slots = Math.min(MORE * inFlight(most), MOST_IN_FLIGHT, most.items);
  if (slots > 1.5 * inFlight(most)) yield limited(slots);
}

function* asManyAsServed(ran: readonly Runner[], gainOf: GainOf): Generator<Candidate> {
  const loops = ran.filter(isLoop);
  const best = loops.toSorted((a, b) => gainOf(b) - gainOf(a))[0];
  if (best === undefined || gainOf(best) < GAINED) return;
  const queueing = QUEUEING * gainOf(best);
  if (inFlight(best) < queueing || loops.some((of) => inFlight(of) < queueing)) return;
  yield limited(powerOfTwoFrom(ROOM * gainOf(best)));
}

function* lanesInstead(
  runners: readonly Runner[],
  cores: number,
  gainOf: GainOf,
): Generator<Candidate> {
  const ran = runners.filter(({ rounds, out }) => rounds.length > 0 && out !== "failures");
  const loops = ran.filter(isLoop);
  if (loops.some((of) => gainOf(of) >= GAINED)) return;
  const threads =
    ran.filter(({ candidate: { model, slots } }) => model === "workers" && slots === 1)
      .sort((a, b) => b.candidate.lanes - a.candidate.lanes)[0];
  if (threads === undefined) {
    if (loops.length > 0) yield { model: "workers", lanes: cores, slots: 1 };
    return;
  }
  const { candidate: { lanes }, items } = threads;
  const more = Math.min(MORE * lanes, MOST_LANES, items);
  if (gainOf(threads) >= UNSATURATED * lanes && more > 1.5 * lanes) {
    yield { model: "workers", lanes: more, slots: 1 };
  }
}

function limited(slots: number): Candidate {
  return { model: "limited", lanes: 1, slots };
}

function powerOfTwoTo(value: number): number {
  return value < 1 ? 0 : 2 ** Math.floor(Math.log2(value));
}
