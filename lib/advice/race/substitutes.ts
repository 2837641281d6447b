/**
 * What to race instead of, or beside, models that refused, disappointed, or did better than expected.
 */

import { AS_GOOD, GAINED, TOO_SLOW } from "../../judge/thresholds.ts";
import { MODEL_TABLE } from "../../models.ts";
import { isRefusal } from "../../tasks/http_signs.ts";
import {
  type Candidate,
  eventLoop,
  inFlightOf,
  isLoop as runsInLoop,
  lanesOf,
  nameOf,
  slotsFor,
  threads,
  withSlots,
} from "../prediction/candidate.ts";
import { didTheWork, inFlight, plainOf, type Runner } from "./runner.ts";
import { MOST_IN_FLIGHT, MOST_USEFUL_LANES, powerOfTwoFrom } from "./promising.ts";

/** The fewest slots that are any. */
const FEWEST = 2;
/** Slots are divided by this after a refusal: many refusals cost more than a slow search. */
const LESS = 4;
/** A size between two others is tried if it is so many times the smaller one. */
const WORTH = 1.5;
/** Where the gain is still this share of the slots or lanes, several times as many may gain more. */
const UNSATURATED = 0.6;
/** Up to so many times as many slots as are served at once may gain more once they are doubled. */
const FILLED = 3;
/** So many times as many slots as are served at once are enough. */
const ROOM = 1.5;
const MORE = 4;
/** A model predicted to gain so many times as much as the best one measured is worth a trial. */
const HOPEFUL = 1.05;
/** With this many times as many tasks in flight as are served at once, most of them only queue. */
export const QUEUEING = 4;
/** The same of tasks that compute, too, and keep those behind them on their lane waiting. */
const BUNCHING = 2 * QUEUEING;

interface Allowed {
  readonly cores: number;
  /** Whether its tasks wait for most of their time. */
  readonly waits: boolean;
  readonly canTravel: boolean;
  readonly taskMs?: number;
  /** Gains against sequential that were predicted, of models that need not have run. */
  readonly predicted?: readonly { readonly candidate: Candidate; readonly gain: number }[];
}

/**
 * Chooses models to race as well: fewer slots or lanes where a server refused so many; lanes where
 * slots filled no waits; more slots, or fewer, than those that gain most; and what was predicted to gain
 * more than the best did.
 */
export function substitutes(
  runners: readonly Runner[],
  { cores, waits, canTravel, predicted = [], taskMs = Infinity }: Allowed,
  timeMs: (runner: Runner) => number,
): Candidate[] {
  const tried = new Set(runners.map(({ candidate }) => nameOf(candidate)));
  const refusing = runners.filter(({ out }) => out === "failures");
  const found = [...fewerSlots(runners, taskMs), ...fewerLanes(refusing, cores)];
  const ran = runners.filter(({ rounds, out }) => rounds.length > 0 && out === undefined);
  const plain = plainOf(ran);
  if (plain !== undefined) {
    // What failed is no faster for that, and what was stopped gained nothing.
    const gainOf = (runner: Runner) =>
      runner.rounds.length > 0 && didTheWork(runner) ? timeMs(plain) / timeMs(runner) : 0;
    const best = Math.max(...ran.map(gainOf));
    if (found.length === 0) {
      for (const sizes of bySlots(runners)) {
        found.push(...nextSlots(sizes, { best, waits, predicted }, gainOf));
      }
    }
    if (waits && canTravel) found.push(...lanesInstead(runners, cores, gainOf));
    // What an event loop gains with more in flight is no less than with fewer.
    const most = Math.max(0, ...ran.filter(isLoop).map(inFlight));
    const [better] = predicted.filter(({ candidate, gain }) =>
      gain > HOPEFUL * best && !tried.has(nameOf(candidate)) &&
      !(runsInLoop(candidate) && inFlightOf(candidate, Infinity) <= most)
    ).toSorted((a, b) => b.gain - a.gain);
    // What slots of tasks that wait didn't gain isn't to be had by other sizes.
    const isRefuted = waits && best < GAINED && ran.some(isLoop);
    if (better !== undefined && refusing.length === 0 && !isRefuted) found.push(better.candidate);
  }
  const refused = Math.min(...refusing.filter(isLoop).map(inFlight));
  const untried = new Map(found.map((of) => [nameOf(of), of]));
  return [...untried].filter(([name, of]) =>
    !tried.has(name) && (of.lanes > 1 || inFlightOf(of, Infinity) < refused)
  ).map(([, of]) => of);
}

/**
 * Whether others show that it isn't worth a trial: most tasks of an event loop would only queue, as they did
 * in another; or another with slots, and no more in flight, took far longer than the plain loop; or it took too
 * long itself, and another gains.
 */
export function isNeedless(
  runner: Runner,
  runners: readonly Runner[],
  timeMs: (runner: Runner) => number,
): boolean {
  const isHopeless = runner.candidate.slots > 1 &&
    runners.some((of) =>
      of !== runner && of.useless && of.candidate.slots > 1 &&
      (runner.useless || inFlight(of) <= inFlight(runner))
    );
  if (isHopeless) return true;
  const ran = runners.filter(({ rounds, out }) => rounds.length > 0 && out === undefined);
  const plain = plainOf(ran);
  return plain !== undefined && ran.some((of) => {
    const gain = timeMs(plain) / timeMs(of);
    const queues = isLoop(of) && isLoop(runner) &&
      Math.min(inFlight(of), inFlight(runner)) >= QUEUEING * gain;
    return gain >= GAINED && (queues || runner.useless);
  });
}

type GainOf = (runner: Runner) => number;

function isLoop({ candidate }: Runner): boolean {
  return runsInLoop(candidate);
}

function isThreads({ candidate: { model, slots } }: Runner): boolean {
  return MODEL_TABLE[model].laneKind === "thread" && slots === 1;
}

function fewerSlots(runners: readonly Runner[], taskMs: number): Candidate[] {
  const loops = runners.filter(isLoop);
  // A server that bans whoever asks for too much is asked for few first and then for more: so it bans once at most.
  const shutsOut = runners.some(({ lastedMs }) => lastedMs !== undefined);
  const refused = (shutsOut ? runners : loops).filter(({ out }) => out === "failures").map(
    inFlight,
  );
  if (refused.length === 0) return [];
  const least = Math.min(...refused);
  const went = loops.filter(({ out, rounds }) => out === undefined && rounds.length > 0)
    .map(inFlight).filter((slots) => slots < least);
  const most = Math.max(0, ...went);
  // Where the server's pace was seen already, it tells how many slots it keeps busy.
  const paced = Math.min(...loops.map((of) => (of.pacePerSecond ?? Infinity) * taskMs / 1000));
  const lower = Math.min(least / LESS, Math.max(2, paced));
  // Between what went well and what didn't is one size more that may gain half as much again.
  const between = Math.floor((most + least) / 2);
  const isNext = 2 * most < least || between < WORTH * most;
  const slots = most === 0
    ? shutsOut ? FEWEST : Math.max(FEWEST, 2 ** Math.floor(Math.log2(lower)))
    : isNext || shutsOut
    ? 2 * most
    : between;
  return slots < least ? [eventLoop(slots)] : [];
}

/** As many lanes as cores, where more of them were refused. */
function fewerLanes(refusing: readonly Runner[], cores: number): Candidate[] {
  const isCrowd = (of: Runner) => isThreads(of) && of.candidate.lanes > cores;
  return cores > 1 && refusing.some(isCrowd) ? [threads(cores)] : [];
}

/** Those with slots that ran, those together that differ in nothing else, the fewest in flight first. */
function bySlots(runners: readonly Runner[]): Iterable<readonly Runner[]> {
  const slotted = runners.filter(({ candidate, rounds, useless }) =>
    candidate.slots > 1 && (rounds.length > 0 || useless)
  ).sort((a, b) => inFlight(a) - inFlight(b));
  return Map.groupBy(slotted, ({ candidate }) => lanesOf(candidate)).values();
}

/**
 * The next number of slots to try on the same lanes, around the fewest that gain most: more while they are
 * filled, or where tasks that compute keep others on their lane waiting; between them and far more that gain
 * less; and no more than are served where most only queue.
 */
function nextSlots(
  sizes: readonly Runner[],
  { best: ofAll, waits, predicted }: Required<Pick<Allowed, "waits" | "predicted">> & {
    readonly best: number;
  },
  gainOf: GainOf,
): Candidate[] {
  const best = sizes.reduce((a, b) => gainOf(b) > AS_GOOD * gainOf(a) ? b : a);
  const [busy, gain, lanes] = [inFlight(best), gainOf(best), lanesOf(best.candidate)];
  const at = sizes.indexOf(best);
  const [fewer, more] = [sizes[at - 1], sizes[at + 1]];
  const isShort = predicted.some(({ candidate: of, gain: promised }) =>
    of.slots > 1 && lanesOf(of) === lanes && promised > TOO_SLOW * gain
  );
  const isUnsaturated = gain >= UNSATURATED * busy;
  const isNear = WORTH * gain > ofAll;
  const isFilled = isUnsaturated ||
    (waits ? isNear && busy <= FILLED * gain : isShort && busy < BUNCHING * gain);
  if (best.out === undefined && gain >= GAINED && isFilled) {
    if (more === undefined) return timesAsMany(best, isUnsaturated ? MORE : 2);
    const isPeak = inFlight(more) >= 2 * WORTH * busy && gain > TOO_SLOW * gainOf(more);
    if (isPeak && isNear) return timesAsMany(best, 2);
  }
  // Where many in flight gain nothing, fewer won't either; where they lose, fewer may gain.
  const isNothing = gain < GAINED && gain > 1 / GAINED;
  if (!waits || !(isNear || isShort) || isNothing || !isLoop(best)) return [];
  const tooFew = fewer === undefined ? 1 : inFlight(fewer);
  // With some to spare first: what served many at once may have served each worse.
  return [powerOfTwoFrom(ROOM * gain), slotsFor(gain), ...(fewer ? [2 * tooFew] : [])]
    .map((slots) => Math.max(2, slots))
    .filter((slots) => slots > tooFew && busy >= 2 * slots).slice(0, 1).map(eventLoop);
}

/** Of what is in flight so many times as much, as far as a race has items for it. */
function timesAsMany(of: Runner, times: number): Candidate[] {
  const { candidate, items } = of;
  const more = Math.min(times * inFlight(of), MOST_IN_FLIGHT, items);
  const slots = Math.floor(more / candidate.lanes);
  return more > WORTH * inFlight(of) ? [withSlots(candidate, slots)] : [];
}

function lanesInstead(runners: readonly Runner[], cores: number, gainOf: GainOf): Candidate[] {
  const ran = runners.filter(({ rounds, out }) => rounds.length > 0 && out !== "failures");
  const loops = ran.filter(isLoop);
  if (loops.some((of) => gainOf(of) >= GAINED)) return [];
  const [most] = ran.filter(isThreads).sort((a, b) => b.candidate.lanes - a.candidate.lanes);
  // Where one event loop doesn't bear two, each lane may have what they would share, such as a connection.
  const bearsOne = runners.some((of) =>
    of.out === "failures" && isLoop(of) && inFlight(of) <= FEWEST &&
    of.lastedMs === undefined && of.failures?.some(isRefusal) === false
  );
  if (most === undefined) return loops.length > 0 || bearsOne ? [threads(cores)] : [];
  const { candidate: { lanes }, items } = most;
  const more = Math.min(MORE * lanes, MOST_USEFUL_LANES, items);
  return gainOf(most) >= UNSATURATED * lanes && more > WORTH * lanes ? [threads(more)] : [];
}
