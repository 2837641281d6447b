/**
 * What to race instead of, or beside, models that refused, disappointed, or did better than expected.
 */

import { AS_GOOD, GAINED, TOO_SLOW } from "../../judge/thresholds.ts";
import { MODEL_TABLE } from "../../models.ts";
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
import { inFlight, plainOf, type Runner } from "./race.ts";
import { MOST_IN_FLIGHT, MOST_LANES, powerOfTwoFrom } from "./race_plan.ts";

/** Slots are divided by this after a refusal: many refusals cost more than a slow search. */
const LESS = 4;
/** A size between two others is tried if it is so many times the smaller one. */
const WORTH = 1.5;
/** Where the gain is still this share of the slots or lanes, several times as many may gain more. */
const UNSATURATED = 0.6;
/** Tasks that wait may gain a fifth more in twice as many slots, where the gain is this share of the slots. */
const FILLED = 1 / 3;
/** What gains so much takes no more than an eighth of what is to be saved. */
const CHEAP = 8;
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
 * slots filled no waits; more of what still gained; as many slots as are served where more only
 * queue; and what was predicted to gain more than the best did.
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
    const gainOf = (runner: Runner) =>
      runner.rounds.length === 0 ? 0 : timeMs(plain) / timeMs(runner);
    if (waits && found.length === 0) found.push(...belowSlower(runners, gainOf));
    const best = Math.max(...ran.map(gainOf));
    if (found.length === 0) {
      const hopedFor = Math.max(best, ...predicted.map(({ gain }) => gain));
      const isNear = (gain: number) => waits && WORTH * gain > hopedFor;
      for (const sizes of bySlots(runners)) {
        const more = moreSlots(sizes, gainOf, isNear);
        if (more.length > 0) found.push(...more);
        else if (waits && isLoop(sizes[0]!)) found.push(...asManyAsServed(sizes, best, gainOf));
        else found.push(...twiceAsMany(sizes, predicted, gainOf));
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

/** Whether most tasks of an event loop would only queue, as they did where another was tried. */
export function onlyQueues(
  runner: Runner,
  runners: readonly Runner[],
  timeMs: (runner: Runner) => number,
): boolean {
  const ran = runners.filter(({ rounds, out }) => rounds.length > 0 && out === undefined);
  const plain = plainOf(ran);
  return plain !== undefined && isLoop(runner) && ran.some((of) => {
    const gain = timeMs(plain) / timeMs(of);
    return isLoop(of) && gain >= GAINED &&
      Math.min(inFlight(of), inFlight(runner)) >= QUEUEING * gain;
  });
}

type GainOf = (runner: Runner) => number;

function isLoop({ candidate }: Runner): boolean {
  return runsInLoop(candidate);
}

function isThreads({ candidate: { model, slots } }: Runner): boolean {
  return MODEL_TABLE[model].place === "thread" && slots === 1;
}

function fewerSlots(runners: readonly Runner[], taskMs: number): Candidate[] {
  const loops = runners.filter(isLoop);
  // Who shuts out whoever asks for too much is asked for more and more, so that it does so once at most.
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
    ? shutsOut ? 2 : Math.max(2, 2 ** Math.floor(Math.log2(lower)))
    : isNext || shutsOut
    ? 2 * most
    : between;
  return slots < least ? [eventLoop(slots)] : [];
}

/** Half as many slots where as many as that are slower than the plain loop: a server may hold up who asks for more. */
function belowSlower(runners: readonly Runner[], gainOf: GainOf): Candidate[] {
  const slower = runners.filter((of) =>
    isLoop(of) && (of.stops !== undefined || (of.rounds.length > 0 && gainOf(of) < 1 / GAINED))
  );
  const slots = Math.floor(Math.min(...slower.map(inFlight)) / 2);
  return slower.length > 0 && slots >= 2 ? [eventLoop(slots)] : [];
}

/** As many lanes as cores, where more of them were refused. */
function fewerLanes(refusing: readonly Runner[], cores: number): Candidate[] {
  const isCrowd = (of: Runner) => isThreads(of) && of.candidate.lanes > cores;
  return cores > 1 && refusing.some(isCrowd) ? [threads(cores)] : [];
}

/** Those with slots that ran, those together that differ in nothing else, the fewest in flight first. */
function bySlots(runners: readonly Runner[]): Iterable<readonly Runner[]> {
  const slotted = runners.filter(({ candidate, rounds, stops }) =>
    candidate.slots > 1 && (rounds.length > 0 || stops)
  ).sort((a, b) => inFlight(a) - inFlight(b));
  return Map.groupBy(slotted, ({ candidate }) => lanesOf(candidate)).values();
}

/**
 * More slots while they are filled, so that the same number is found wherever the search begins: twice as
 * many, or several times where nearly all of the most are filled.
 */
function moreSlots(
  sizes: readonly Runner[],
  gainOf: GainOf,
  /** Whether such a gain is near what others gain, or may. */
  isNear: (gain: number) => boolean,
): Candidate[] {
  const filled = sizes.findLast((of) =>
    of.out === undefined &&
    gainOf(of) >= (isNear(gainOf(of)) ? FILLED : UNSATURATED) * inFlight(of)
  );
  if (filled === undefined) return [];
  const [busy, gain] = [inFlight(filled), gainOf(filled)];
  const next = sizes[sizes.indexOf(filled) + 1];
  if (next === undefined) return timesAsMany(filled, gain >= UNSATURATED * busy ? MORE : 2);
  // All at once may have been too many; to try fewer costs next to nothing where both are so fast.
  const mayBeTooMany = gain >= Math.max(CHEAP, UNSATURATED * busy);
  const mayGain = isNear(gain) && (gainOf(next) > AS_GOOD * gain || mayBeTooMany);
  return mayGain && inFlight(next) >= WORTH * 2 * busy ? timesAsMany(filled, 2) : [];
}

/** Of what is in flight so many times as much, as far as a race has items for it. */
function timesAsMany(of: Runner, times: number): Candidate[] {
  const { candidate, items } = of;
  const more = Math.min(times * inFlight(of), MOST_IN_FLIGHT, items);
  const slots = Math.floor(more / candidate.lanes);
  return more > WORTH * inFlight(of) ? [withSlots(candidate, slots)] : [];
}

/**
 * Twice as many slots of tasks that compute, and keep those behind them on their lane waiting: while the
 * most gain more than fewer do, and less than was promised.
 */
function twiceAsMany(
  sizes: readonly Runner[],
  predicted: NonNullable<Allowed["predicted"]>,
  gainOf: GainOf,
): Candidate[] {
  const [most, ...fewer] = sizes.toReversed() as [Runner];
  const gain = gainOf(most);
  const lanes = lanesOf(most.candidate);
  const promised = predicted.filter(({ candidate: of }) => of.slots > 1 && lanesOf(of) === lanes);
  const isShort = promised.some((of) => of.gain > TOO_SLOW * gain);
  const isMore = most.out === undefined && fewer.every((of) => gain > AS_GOOD * gainOf(of));
  return isShort && isMore && inFlight(most) < BUNCHING * gain ? timesAsMany(most, 2) : [];
}

/**
 * As many slots as are served at once, where what gains as much has twice as many: some more first, for
 * so many in flight may be served worse.
 */
function asManyAsServed(loops: readonly Runner[], best: number, gainOf: GainOf): Candidate[] {
  const went = loops.filter(({ out }) => out === undefined);
  const gain = Math.max(0, ...went.map(gainOf));
  const least = went.findIndex((of) => AS_GOOD * gainOf(of) >= gain);
  if (gain <= AS_GOOD || WORTH * gain <= best) return [];
  const tooFew = least > 0 ? inFlight(went[least - 1]!) : 1;
  const served = [powerOfTwoFrom(ROOM * gain), Math.max(2, slotsFor(gain))];
  return served.filter((slots) => slots > tooFew && inFlight(went[least]!) >= 2 * slots)
    .slice(0, 1).map(eventLoop);
}

function lanesInstead(runners: readonly Runner[], cores: number, gainOf: GainOf): Candidate[] {
  const ran = runners.filter(({ rounds, out }) => rounds.length > 0 && out !== "failures");
  const loops = ran.filter(isLoop);
  if (loops.some((of) => gainOf(of) >= GAINED)) return [];
  const [most] = ran.filter(isThreads).sort((a, b) => b.candidate.lanes - a.candidate.lanes);
  if (most === undefined) return loops.length > 0 ? [threads(cores)] : [];
  const { candidate: { lanes }, items } = most;
  const more = Math.min(MORE * lanes, MOST_LANES, items);
  return gainOf(most) >= UNSATURATED * lanes && more > WORTH * lanes ? [threads(more)] : [];
}
