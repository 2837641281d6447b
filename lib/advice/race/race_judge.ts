/** Judges a race while it goes on: whether it is decided, and which models may run as well. */

import { BASELINE, isRemote, MODEL_TABLE } from "../../models.ts";
import {
  AS_GOOD,
  COMPUTES,
  GAINED,
  QUEUEING,
  SURE,
  TELLS_NOTHING,
  TOO_SLOW,
  WAITS,
} from "../../judge/thresholds.ts";
import { median, quantile, sorted } from "../../timing/statistics.ts";
import type { SharedState } from "../job/shared_state.ts";
import { busyMatters, isCeilingLow, predict } from "../prediction/predict.ts";
import { byChance, mostCpuShare, type Sample } from "../probe/sample.ts";
import { entriesOf, type Entry, scaledMs } from "./entries.ts";
import { recommend } from "./recommend.ts";
import {
  mayBeRaced,
  MOST_IN_FLIGHT,
  MOST_USEFUL_LANES,
  type Planned,
  powerOfTwoFrom,
  predictedGains,
  type RacePlan,
} from "./race_plan.ts";
import {
  didTheWork,
  inFlight,
  plainOf,
  type Race,
  type RacedRound,
  type Runner,
} from "./runner.ts";
import { asRaced, sameWork } from "./same_work.ts";
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

/** An interval whose high end is less than this many times its low end needs no more rounds. */
const NARROW = 1.3;
/** A tenth of the sample's tasks take at least as long as a long one. */
const LONG = 0.9;

export interface PlannedRace extends Planned {
  readonly plan: RacePlan;
  /** State that the tasks share, so that only an event loop may be recommended. */
  readonly shared: SharedState | undefined;
}

/** The race's result so far, among the models that may be recommended. */
function standingOf(runners: readonly Runner[], planned: PlannedRace) {
  const isShared = planned.shared !== undefined;
  const found = entriesOf(runners, planned, isShared);
  // With shared state, lanes can only be offered, and one round is enough for that.
  const isOver = isShared && found.entries.every(({ candidate }) => candidate.model === BASELINE);
  return { ...found, ...recommend(found.entries, found.usualNoise), isOver };
}

function isDecided(runners: readonly Runner[], planned: PlannedRace): boolean {
  const { confidence, gain, decision, isOver } = standingOf(runners, planned);
  return isOver || (confidence >= SURE && decision !== "can't tell" &&
    (gain === null || gain.high / gain.low < NARROW));
}

/** After this many rounds it is known how much they differ. */
const ROUNDS = 2;

/** Whether other programs use the cores that computing tasks need: no round shows an idle machine's gain. */
function isHopeless({ runners }: Race, planned: PlannedRace): boolean {
  const { sample, machine } = planned;
  const often = runners.filter(({ rounds }) => rounds.length >= ROUNDS);
  return often.length > 1 && mostCpuShare(sample) >= COMPUTES &&
    isCeilingLow(machine) && busyMatters(planned);
}

/** Whether more rounds would help a race that can't decide yet or has an impossible gain. */
function isUnclear(race: Race, planned: PlannedRace): boolean {
  const { sample } = planned;
  const { runners, unrepeatable } = race;
  if (unrepeatable || sameWork(asRaced(sample, runners), race)?.same === false) return false;
  const { entries, impossible, gain, decision, isOver } = standingOf(runners, planned);
  if (isOver || (impossible.length === 0 && isHopeless(race, planned))) return false;
  return impossible.length > 0 || decision === "can't tell" || decision === "unmeasured" ||
    isOneUntried(race, sample, entries) || (gain !== null && gain.high / gain.low >= TELLS_NOTHING);
}

/**
 * Whether a model that couldn't be afforded may well be the one that pays: all others failed, or those with
 * slots were slower than the plain loop, which many in flight can be even where few gain.
 */
export function isOneUntried(
  { untried }: Pick<Race, "untried">,
  sample: Sample,
  entries: readonly Entry[],
): boolean {
  const middle = ({ times }: Entry) => median(times.map(({ ms }) => ms));
  const ran = entries.filter(({ eligible, times }) => eligible && times.length > 0);
  const plain = ran.find(({ candidate }) => candidate.model === BASELINE);
  const isSlower = (of: Entry) =>
    plain !== undefined && of.candidate.slots > 1 && mostCpuShare(sample) <= WAITS &&
    middle(of) > GAINED * middle(plain);
  return untried > 0 && ran.every((of) => of === plain || isSlower(of));
}

/** A runner's round scaled to the whole job, in milliseconds. */
export type Scaled = (runner: Runner, round: RacedRound) => number;

/** Predicts and judges runners; the race itself knows nothing about the job's figures. */
export type RaceJudge = ReturnType<typeof judgeOf>;

export function judgeOf(planned: PlannedRace) {
  const { sample, machine, plan, predicted } = planned;
  const scaledBy = (runners: readonly Runner[]): Scaled => {
    const job = { ...planned, sample: asRaced(sample, runners) };
    return (runner, round) => scaledMs(job, runner, round);
  };
  // The first task may have been cold.
  const longMs = quantile(sorted(sample.walls.map(({ wallMs }) => wallMs)), LONG);
  const lastMsBy = (runners: readonly Runner[]) => {
    const scaled = scaledBy(runners);
    return (runner: Runner) => scaled(runner, runner.rounds.at(-1)!);
  };
  const allowed = {
    cores: machine.cores,
    taskMs: sample.wallMs,
    waits: sample.cpuShare < (WAITS + COMPUTES) / 2,
    canTravel: sample.uncloneable === undefined,
    predicted: predictedGains(predicted, plan.items),
  };
  type Runners = readonly Runner[];
  return {
    expectedMs: (of: Candidate, items: number) => predict(sample, of, items, machine).runMs,
    /** How many times as long as expected the plain loop may take by chance alone. */
    byChance: (items: number) => byChance(sample, items),
    scaledBy,
    isDecided: (runners: Runners) => isDecided(runners, planned),
    /** Whether the race can't decide yet, and more rounds would help. */
    isUnclear: (race: Race) => isUnclear(race, planned),
    /** Whether a runner that hasn't run can't change what the others have shown. */
    isNeedless: (runner: Runner, runners: Runners) =>
      isNeedless(runner, runners, lastMsBy(runners), longMs),
    /** The models that may run in place of those that failed or disappointed. */
    instead: (runners: Runners) =>
      substitutes(runners, allowed, lastMsBy(runners)).filter(({ model }) =>
        mayBeRaced(model, planned.models) && !(planned.shared && isRemote(model))
      ),
  };
}

/** The fewest slots that allow concurrency. */
const FEWEST = 2;
/** Slots are divided by this after a refusal: many refusals cost more than a slow search. */
const LESS = 4;
/** A size between two others is tried if it is this many times the smaller one. */
const WORTH = 1.5;
/** If the gain is still this share of the slots or lanes, several times as many may gain more. */
const UNSATURATED = 0.6;
/** Doubling the slots may gain more while they are at most this many times what is served at once. */
const FILLED = 3;
/** This many times as many slots as tasks that are served at once are enough. */
const ROOM = 1.5;
const MORE = 4;
/** A model predicted to gain this many times as much as the best measured one is worth a trial. */
const HOPEFUL = 1.05;
/** Filling all slots once then takes at least this many times as long as a long task of the sample. */
const QUEUED = 3;
/** The same limit for tasks that also compute, and so keep those behind them on their lane waiting. */
const BUNCHING = 2 * QUEUEING;

interface Allowed {
  readonly cores: number;
  /** Whether the tasks wait for most of their time. */
  readonly waits: boolean;
  readonly canTravel: boolean;
  readonly taskMs?: number;
  /** The predicted gains over the plain loop, also of models that didn't run. */
  readonly predicted?: readonly { readonly candidate: Candidate; readonly gain: number }[];
}

/**
 * Chooses models to race as well: fewer slots or lanes where a server refused; lanes where slots didn't gain
 * though tasks wait; more or fewer slots than those that gain most; and a model that was predicted to gain more
 * than the best did.
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
    // A failed model's time is no gain, and a stopped model gained nothing.
    const gainOf = (runner: Runner) =>
      runner.rounds.length > 0 && didTheWork(runner) ? timeMs(plain) / timeMs(runner) : 0;
    const best = Math.max(...ran.map(gainOf));
    if (found.length === 0) {
      for (const sizes of bySlots(runners)) {
        found.push(...nextSlots(sizes, { best, waits, predicted }, gainOf));
      }
    }
    if (waits && canTravel) found.push(...lanesInstead(runners, cores, gainOf));
    // An event loop gains no less with more tasks in flight, so smaller sizes aren't tried.
    const most = Math.max(0, ...ran.filter(isLoop).map(inFlight));
    const [better] = predicted.filter(({ candidate, gain }) =>
      gain > HOPEFUL * best && !tried.has(nameOf(candidate)) &&
      !(runsInLoop(candidate) && inFlightOf(candidate, Infinity) <= most)
    ).toSorted((a, b) => b.gain - a.gain);
    // If slots gained nothing though the tasks wait, another size won't either.
    const isRefuted = waits && best < GAINED && ran.some(isLoop);
    if (better !== undefined && refusing.length === 0 && !isRefuted) found.push(better.candidate);
  }
  const refused = Math.min(...refusing.filter(isLoop).map(inFlight));
  const untried = new Map(found.map((of) => [nameOf(of), of]));
  return [...untried].filter(([name, of]) =>
    !tried.has(name) && (of.lanes > 1 || inFlightOf(of, Infinity) < refused)
  ).map(([, of]) => of);
}

/** Whether the other runners show that a trial isn't worth its time. */
export function isNeedless(
  runner: Runner,
  runners: readonly Runner[],
  timeMs: (runner: Runner) => number,
  longMs: number,
): boolean {
  const isSlotted = (of: Runner) => of.candidate.slots > 1;
  // Another with slots, and no more in flight, was stopped as far slower than the plain loop.
  const isHopeless = isSlotted(runner) &&
    runners.some((of) =>
      of !== runner && of.useless && isSlotted(of) &&
      (runner.useless || inFlight(of) <= inFlight(runner))
    );
  const ran = runners.filter(({ rounds, out }) => rounds.length > 0 && out === undefined);
  const plain = plainOf(ran);
  const gainOf = (of: Runner) => plain === undefined ? 0 : timeMs(plain) / timeMs(of);
  const gaining = ran.filter((of) => gainOf(of) >= GAINED);
  // If tasks in flight repeat work that one by one they would share, each slot gains little, but no task queues.
  const isQueue = ({ rounds, items }: Runner, inFlight: number) =>
    rounds.at(-1)!.runMs / Math.ceil(items / inFlight) >= QUEUED * longMs;
  // Most tasks would only queue, as they did on another event loop.
  const wouldQueue = isLoop(runner) &&
    gaining.some((of) =>
      isLoop(of) && isQueue(of, inFlight(of)) &&
      Math.min(inFlight(of), inFlight(runner)) >= QUEUEING * gainOf(of)
    );
  return isHopeless || wouldQueue || (runner.useless !== undefined && gaining.length > 0);
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
  // If a server bans for too many requests, slots start low and grow, so that at most one more trial is banned.
  const shutsOut = runners.some(({ lastedMs }) => lastedMs !== undefined);
  const refused = (shutsOut ? runners : loops).filter(({ out }) => out === "failures").map(
    inFlight,
  );
  if (refused.length === 0) return [];
  const least = Math.min(...refused);
  const went = loops.filter(({ out, rounds }) => out === undefined && rounds.length > 0)
    .map(inFlight).filter((slots) => slots < least);
  const most = Math.max(0, ...went);
  // The server's pace, where it is known, tells how many slots it keeps busy.
  const paced = Math.min(...loops.map((of) => (of.pacePerSecond ?? Infinity) * taskMs / 1000));
  const lower = Math.min(least / LESS, Math.max(2, paced));
  // A size between one that went well and one that failed is tried if it may gain half as much again.
  const between = Math.floor((most + least) / 2);
  const isNext = 2 * most < least || between < WORTH * most;
  const slots = most === 0
    ? shutsOut ? FEWEST : Math.max(FEWEST, 2 ** Math.floor(Math.log2(lower)))
    : isNext || shutsOut
    ? 2 * most
    : between;
  return slots < least ? [eventLoop(slots)] : [];
}

/** As many lanes as cores, if more lanes were refused. */
function fewerLanes(refusing: readonly Runner[], cores: number): Candidate[] {
  const isCrowd = (of: Runner) => isThreads(of) && of.candidate.lanes > cores;
  return cores > 1 && refusing.some(isCrowd) ? [threads(cores)] : [];
}

/** Runners with slots that ran, grouped by their lanes, each group by tasks in flight. */
function bySlots(runners: readonly Runner[]): Iterable<readonly Runner[]> {
  const slotted = runners.filter(({ candidate, rounds, useless }) =>
    candidate.slots > 1 && (rounds.length > 0 || useless)
  ).sort((a, b) => inFlight(a) - inFlight(b));
  return Map.groupBy(slotted, ({ candidate }) => lanesOf(candidate)).values();
}

/**
 * The next number of slots to try on the same lanes, starting from the fewest that gain about the most: more
 * while these are filled, or while computing tasks keep others on their lane waiting; a size between them and a
 * far larger one that gains less; or fewer, where most tasks only queue.
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
  // If many in flight gain nothing, fewer won't either; if many lose, fewer may gain.
  const isNothing = gain < GAINED && gain > 1 / GAINED;
  if (!waits || !(isNear || isShort) || isNothing || !isLoop(best)) return [];
  const tooFew = fewer === undefined ? 1 : inFlight(fewer);
  // A size with some to spare comes first: with fewer in flight, each task may be served faster.
  return [powerOfTwoFrom(ROOM * gain), slotsFor(gain), ...(fewer ? [2 * tooFew] : [])]
    .map((slots) => Math.max(2, slots))
    .filter((slots) => slots > tooFew && busy >= 2 * slots).slice(0, 1).map(eventLoop);
}

/** The model with `times` as many tasks in flight, as far as the race has items for them. */
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
  // If one event loop can't bear two, lanes may: each has its own of what tasks share, such as a connection.
  const bearsOne = runners.some((of) =>
    of.out === "failures" && isLoop(of) && inFlight(of) <= FEWEST &&
    of.lastedMs === undefined && of.failures?.some(isRefusal) === false
  );
  if (most === undefined) return loops.length > 0 || bearsOne ? [threads(cores)] : [];
  const { candidate: { lanes }, items } = most;
  const more = Math.min(MORE * lanes, MOST_USEFUL_LANES, items);
  return gainOf(most) >= UNSATURATED * lanes && more > WORTH * lanes ? [threads(more)] : [];
}
