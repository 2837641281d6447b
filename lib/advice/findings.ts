/** What was seen of a job that a reader should know: kinds with their figures, and the words for them. */

import type { SharedFile } from "./probe/order_probe.ts";
import { type SharedState, sharedWords } from "./job/shared_state.ts";
import { BASELINE, isRemote, MODEL_TABLE, needsServer } from "../models.ts";
import { type HttpSigns, isRefusal } from "../tasks/http_signs.ts";
import type { FailureKind } from "../timing/failures.ts";
import { isBusy, type Others, othersWords } from "../timing/meter/meter.ts";
import type { Evidence } from "./evidence.ts";
import { spreadOrder } from "../timing/job_items.ts";
import { type Candidate, inFlightOf, isLoop, nameOf } from "./prediction/candidate.ts";
import { didTheWork, inFlight, type Runner } from "./race/race.ts";
import { type Planned } from "./race/race_plan.ts";
import type { Machine } from "./prediction/machine.ts";
import { graceFor, type Probed } from "./probe/probe.ts";
import { classFor } from "./prediction/predict.ts";
import {
  blocks,
  computesBeside,
  heldBytes,
  mostCpuShare,
  type Sample,
  TELLS_ITEMS,
} from "./probe/sample.ts";
import {
  BUSY_CPU,
  type Failing,
  failingOf,
  MISSING,
  NETWORK,
  type PlainFailing,
  plainFailingOf,
  sameWork,
} from "./race/sample_check.ts";
import {
  counted,
  formatBytes,
  formatDuration,
  formatPercent,
  formatRatio,
  formatSpeedup,
  type Interval,
} from "../text/format.ts";
import { COMPUTES, OTHER_WORK, WAITS } from "../judge/thresholds.ts";

export function paceText(perSecond: number): string {
  return `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)} a second`;
}

export function itemsText({ horizon, total }: Pick<Planned, "horizon" | "total">): string {
  return `${total === null ? "an assumed " : ""}${counted(horizon, "item")}`;
}

function reasonText({ reason, count, index, message, status, retryAfterMs }: FailureKind): string {
  const isNamed = status === undefined || `${reason} ${message}`.includes(`${status}`);
  const wait = retryAfterMs === undefined ? "" : `, Retry-After ${formatDuration(retryAfterMs)}`;
  const said = message === "" || message === reason ? "" : `: ${message}`;
  return `${count} × ${reason}${isNamed ? "" : `, HTTP ${status}`}${wait}, first item ` +
    `${index}${said}`;
}

function reasonsText(reasons: readonly FailureKind[]): string {
  return reasons.length === 0 ? "" : ` (${reasons.slice(0, 3).map(reasonText).join("; ")})`;
}

/** An item, and its share of the time of all that the sample ran. */
interface Longest {
  readonly index: number;
  readonly share: number;
}

type Failed = Failing & {
  readonly oneByOne?: number;
  /** Whether each lane sets up something of its own. */
  readonly setsUp?: boolean;
};

type Numbers<Names extends string> = Readonly<Record<Names, number>>;

function failingText({ inFlight, model, failed, items, reasons, others, oneByOne = 0 }: Failed) {
  const why = reasonsText(reasons);
  const many = others.length === 0 ? "" : `, and so it is under ${others.join(", ")}`;
  const alone = oneByOne > 0 ? "more than" : "none of them";
  return `With ${counted(inFlight, "task")} in flight (${model}) ${failed} of ` +
    `${counted(items, "item")} failed${why}${many}, ${alone} one by one: failing fast is no speed.`;
}

function stay({ well }: Failed): string {
  return well > 1 ? ` Stay at ${well} or fewer at once, which went well.` : "";
}

/** A model that gained more than what is recommended. */
interface Offer {
  readonly model: string;
  readonly gain: Interval | null;
}

function offerText(offer: Offer | undefined): string {
  if (offer === undefined || offer.gain === null) return "";
  return ` ${offer.model} gained ${formatSpeedup(offer.gain)} with that: take it if one in each ` +
    "lane is as good.";
}

/** What such failures leave behind. */
function shutText({ lastedMs }: Failed): string {
  if (lastedMs === undefined) return "";
  const long = lastedMs > 0 ? `, for ${formatDuration(lastedMs)} or more` : "";
  return ` After that they failed one by one, too${long}: who asks for so many is shut out for a while.`;
}

/** Figures of what was seen, and the words for them, kind by kind, in the order of the file's schema. */
const SAID = {
  /** Models gave other results; `orderMatters` is undefined where that isn't known. */
  results(
    { models, orderMatters, loops, shares, isLost, ofFile, ofProcess }: {
      readonly models: readonly string[];
      readonly orderMatters?: boolean | undefined;
      readonly loops: boolean;
      /** Whether something was found that the tasks share. */
      readonly shares?: boolean;
      /** Whether it is told besides what of an item doesn't arrive. */
      readonly isLost?: boolean;
      /** Whether a file is told besides that the tasks write. */
      readonly ofFile?: boolean;
      /** Whether subprocesses gave the same results with as many in flight. */
      readonly ofProcess?: boolean;
    },
  ) {
    const told = `The results differ from those of the plain loop under ${models.join(", ")}`;
    if (isLost) return `${told}: not all of an item arrives there.`;
    if (orderMatters === undefined) {
      return `${told}: the tasks share state, or depend on the order in which they run, or give ` +
        "an error as a value when many are in flight. A lane has memory of its own, and tasks in " +
        "one lane take turns at every await. Give each task all it needs in its item.";
    }
    const why = ofFile
      ? "the file that several in flight write over each other's heads (see below)."
      : ofProcess
      ? "what a process has once and its threads share, such as its current folder or its " +
        "environment: subprocesses gave the same. Give tasks whole paths, and values in their items."
      : loops && !shares
      ? "what they ask, most likely, gives other answers to so many at once (an error, a captcha): " +
        "nothing was found that they share in their modules. Throw on such an answer."
      : loops
      ? "tasks in flight at the same time that change what they share, or that give an error as a " +
        "value. Don't read something before an await and write it behind; keep it in the task."
      : "memory that each lane has of its own: a module's variables are not shared between lanes. " +
        "Give each task all it needs in its item.";
    return `${told}, but not when the plain loop runs the items from last to first: it isn't the ` +
      `order, but ${why}`;
  },
  /** The plain loop gives other results once the items run in another order. */
  order({ models, fails }: { readonly models: readonly string[]; readonly fails?: boolean }) {
    const told = fails
      ? "Tasks fail, or don't end, once the plain loop runs the items in another order"
      : models.length === 0
      ? "The results differ once the plain loop runs the items in another order"
      : `The results differ from those of the plain loop under ${models.join(", ")}, and under ` +
        "the plain loop itself once the items are run from last to first";
    return `${told}: a task's result depends on which tasks ran before it (a counter, a cache, a ` +
      "sequence of random numbers). Give each task all it needs in its item, such as its number " +
      "or a seed.";
  },
  /** So many tasks, one by one, read and wrote a file so many times, and it changed. */
  rewritten({ path, times, tasks }: SharedFile & { readonly tasks: number }) {
    return `The file ${path} was read and written ${times} times by ${counted(tasks, "task")}. ` +
      "If each changes what it read, tasks in flight at the same time lose each other's changes, " +
      "which no result shows. Give each its own file, or write it once, from the results.";
  },
  /** The same of a file that they only wrote. */
  written({ path, times, tasks }: SharedFile & { readonly tasks: number }) {
    return `The file ${path} was written ${times} times by ${counted(tasks, "task")}. With ` +
      "several in flight what they add comes in any order, and who writes all of it anew wins by " +
      "chance, which no result shows. Give each its own file or its own place in it, or write it " +
      "once, from the results.";
  },
  /** What tasks share on one event loop is kept whole; a model that gained more has one in each lane. */
  state(
    { offer, items, distinct, ...shared }: SharedState & {
      readonly offer?: Offer | undefined;
      /** Of a list, and how many of them differ from all others before them. */
      readonly items?: number | undefined;
      readonly distinct?: number | undefined;
    },
  ) {
    const same = items === undefined || distinct === undefined
      ? ""
      : ` Only ${distinct} of ${counted(items, "item")} differ from all before them.`;
    const told =
      `The tasks stay in one event loop: ${sharedWords(shared)}. A cache or a table is ` +
      "made again in each lane, and a lock, a limit or a count holds in each alone.";
    return told + same + offerText(offer);
  },
  /** Tasks take turns within a lane, and perhaps not between those of a model that gained more. */
  turns(
    { offer, atOnce, isSure }: Numbers<"atOnce"> & {
      readonly offer?: Offer | undefined;
      readonly isSure: boolean;
    },
  ) {
    const [seen, few] = atOnce === 1
      ? ["the tasks take turns, and gained nothing with slots", "one"]
      : [`about ${atOnce} tasks got on at once, though it had time for more`, "so many"];
    const why = isSure ? "most likely" : "it may be that";
    if (offer === undefined) {
      return `On one event loop ${seen}: ${why} they wait for one another, or for something that ` +
        `lets in ${few} at a time (a file's lock, a single connection, a server). Hold it for ` +
        "less of a task to gain from slots.";
    }
    return `On one event loop ${seen}: ${why} something in their module lets in ${few} at a time, ` +
      "or limits their rate (a lock, a queue, a single connection, a throttle). The tasks stay in " +
      "one event loop, for each lane would have its own of that: what such a lock protects " +
      `elsewhere is no longer protected then, nor is such a limit or rate kept to.${
        offerText(offer)
      }`;
  },
  /** Tasks hold up their thread while they wait; `startsPrograms`: for they start programs. */
  blocking(
    { share, startsPrograms }: { readonly share: number; readonly startsPrograms?: boolean },
  ) {
    if (startsPrograms) {
      return `Starting programs holds up the tasks' thread for ${formatPercent(share)} of their ` +
        "time: slots can't fill that, lanes can.";
    }
    return `The tasks hold up their thread for ${formatPercent(share)} of their time while they ` +
      "wait, as synchronous calls do (readFileSync, outputSync, Atomics.wait): slots can't fill " +
      "that. With asynchronous calls, slots on one lane could.";
  },
  /** Tasks settle before all that they started has ended. */
  unawaited({ leftMs, tasksMs }: Numbers<"leftMs" | "tasksMs">) {
    return `The tasks settle before their work is done: they took ${
      formatDuration(tasksMs)
    } in all, ` +
      `and right after the last of them ${formatDuration(leftMs)} or more were computed. What a ` +
      "task starts and doesn't await is measured nowhere, and cut off where a lane is closed: " +
      "await it.";
  },
  unrepeatable(_: object) {
    return "The plain loop itself gives other results from run to run (time, chance, or state " +
      "that is kept elsewhere), so the models' results could not be compared. Export a function " +
      "comparable(result) that gives what of it must be equal.";
  },
  "no-results"(_: object) {
    return "The tasks give nothing back, so nothing shows that all models and sizes do the same " +
      "work, nor that the order of the items doesn't matter. Return what was done, such as a " +
      "count, to have it compared.";
  },
  uncloneable({ what }: { readonly what: string }) {
    return `What can't be sent to another lane: ${what}. Workers and processes need plain data ` +
      "in and out.";
  },
  /** An item arrives on other lanes without its class, and none was seen to give the same results. */
  class({ what }: { readonly what: string }) {
    return `Another lane doesn't get all of an item (${what}): classes with their methods and ` +
      "getters, keys that are symbols and those that aren't enumerable don't travel. Send plain " +
      "data, and make the object of it in the task.";
  },
  refused(failing: Failed) {
    const { perSecond, reasons, lastedMs, isOfOneLoop } = failing;
    const pace = perSecond === null ? "" : `: about ${paceText(perSecond)} went through`;
    const isServer = reasons.length === 0 || lastedMs !== undefined ||
      reasons.some((of) => of.status !== undefined || isRefusal(of) || NETWORK.test(of.message));
    const why = isOfOneLoop
      ? "Lanes bore as many: on one event loop tasks get in each other's way with what each lane " +
        "has of its own, such as a connection"
      : isServer
      ? "What they wait for refuses so many at once, or limits their rate"
      : "They get in each other's way (a file, a port, a database, a variable), or what they wait " +
        "for refuses so many";
    return `${failingText(failing)} ${why}${pace}.${shutText(failing)}${stay(failing)}`;
  },
  descriptors(failing: Failed) {
    return `${failingText(failing)} There are not enough file descriptors for so many (ulimit ` +
      `-n).${stay(failing)}`;
  },
  failures(
    { failed, items, first }: Numbers<"failed" | "items"> & {
      readonly first?: FailureKind | undefined;
    },
  ) {
    const example = first === undefined
      ? ""
      : ` (item ${first.index} with ${first.reason}${first.message && `: ${first.message}`})`;
    return `${failed} of ${counted(items, "item")} failed already one by one${example}; their ` +
      "time counts like that of the others. The code goes on after them.";
  },
  /** Each task in flight may hold `taskBytes`; `freeBytes` is undefined where it isn't known. */
  memory(
    { sampleBytes, taskBytes, inFlight, measuredBytes, freeBytes, model }:
      & Numbers<"sampleBytes" | "taskBytes" | "inFlight">
      & { readonly measuredBytes: number | null; readonly freeBytes?: number | undefined }
      & { readonly model: string },
  ) {
    const free = freeBytes === undefined ? "" : ` of ${formatBytes(freeBytes)} that are free`;
    const each = taskBytes === 0
      ? ""
      : `, the first alone by ${
        formatBytes(taskBytes)
      }: each task in flight may hold as much, if ` +
        "that isn't kept for all of them";
    const needs = measuredBytes !== null
      ? ` ${model} was measured to need ${formatBytes(measuredBytes)} more${free}.`
      : taskBytes === 0
      ? ""
      : ` ${model} has ${inFlight} in flight: up to ${formatBytes(inFlight * taskBytes)}${free}.`;
    return `The tasks of the sample raised the peak memory by ${formatBytes(sampleBytes)} one by ` +
      `one${each}.${needs} A worker that runs out of memory takes the whole program with it; a ` +
      "process doesn't.";
  },
  uneven(
    { variation, longest, trend }: {
      readonly variation: number;
      readonly longest?: Longest;
      /** So many times as long as those of the first half take the items of the second. */
      readonly trend?: number;
    },
  ) {
    if (longest) {
      return `Item ${longest.index} alone took ${
        formatPercent(longest.share)
      } of the sample's time: ` +
        "no model is done before that task is. Make several of it.";
    }
    if (trend) {
      return "The tasks take longer the later their items come: those of the second half " +
        `${
          formatRatio(trend)
        } as long as those of the first. The longest come last, and keep all ` +
        "waiting at the end: put them first.";
    }
    return `The tasks are uneven (standard deviation ${variation.toFixed(1)} times the mean): a ` +
      "long one at the end keeps all waiting. Put the longest first.";
  },
  /** What was set up in a lane takes long to be taken down; null if it didn't end. */
  teardown({ ms, graceMs }: { readonly ms: number | null; readonly graceMs: number }) {
    return ms === null
      ? `The teardown did not end within ${formatDuration(graceMs)} and was given up. It runs in ` +
        "every lane when that is closed."
      : `The teardown is slow: it takes ${formatDuration(ms)}, in every lane when that is ` +
        `closed. Give it time with graceMs: ${graceMs}.`;
  },
  broken({ model, error }: { readonly model: string; readonly error: string }) {
    return `${model} could not run: ${error}`;
  },
  busy(
    { others, available, cores, ceiling }:
      & Numbers<"available" | "cores" | "ceiling">
      & { readonly others?: Others | undefined },
  ) {
    const who = others ? othersWords(others) : "Other programs used the CPUs meanwhile";
    return `${who}: a busy thread got ${formatPercent(available)} of one, and ${cores} ` +
      `independent processes gained ${formatRatio(ceiling)}. On an idle machine more at once may ` +
      "gain more; run this again there.";
  },
  /** The race wasn't the sampled job: it took `ratio` of the sample's time, or its results differ. */
  "other-work"(
    { ratio, sameResults, canReset, failing }: {
      readonly ratio: number;
      readonly sameResults: boolean;
      readonly canReset: boolean;
      readonly failing?: PlainFailing | undefined;
    },
  ) {
    const isOff = ratio > OTHER_WORK || ratio < 1 / OTHER_WORK;
    const times = ratio < 1
      ? `was ${formatRatio(1 / ratio)} as fast on the same items`
      : `took ${formatRatio(ratio)} as long for the same items`;
    const seen = failing
      ? `${failing.failed} of ${counted(failing.items, "item")} failed one by ` +
        `one${reasonsText(failing.reasons)}, far more than in the sample`
      : [
        ...(isOff ? [`the plain loop ${times} as in the sample`] : []),
        ...(sameResults ? [] : ["its results are others than the sample's"]),
      ].join(", and ");
    const why = failing
      ? "What was done once may be impossible a second time (a file that is there already, a " +
        "quota that is used up)"
      : ratio <= 1
      ? "Work that was done once may be skipped or cached (a file that is there already, a " +
        "server's cache)"
      : "Work may grow with every run (a file that gets longer), what the tasks wait for may have " +
        "slowed down (a disk, a server), or other programs used the CPUs";
    const remedy = canReset
      ? "Its reset() doesn't bring the first state back."
      : "Export a function reset() that brings the first state back: it runs before the items of " +
        "each trial are made.";
    return `The race was not the job that was sampled: ${seen}. ${why}, so its gains don't ` +
      `count. ${remedy}`;
  },
  /** A measured gain that can't be. */
  impossible(
    { model, gain, most, cores, isElsewhere }:
      & Numbers<"gain" | "most" | "cores">
      // Elsewhere are lanes of other machines, which may be faster than this one.
      & { readonly model: string; readonly isElsewhere?: boolean },
  ) {
    const [places, faster] = isElsewhere
      ? [counted(cores, "lane"), ", or its machines are faster than this one"]
      : [`${cores} cores`, ""];
    return `The measurement can't be right, because ${model} gained ${formatRatio(gain)} where ` +
      `${places} and the tasks' waiting can give ${formatRatio(most)} at most: the plain ` +
      `loop was slower than need be, or the model didn't do the same work${faster}.`;
  },
  /** A server lets only so many items a second through; null if its pace isn't known. */
  rate(
    of:
      & Pick<Planned, "horizon" | "total">
      & HttpSigns
      & Numbers<"refused" | "items">
      & { readonly perSecond: number | null },
  ) {
    const { refused, items, perSecond, horizon, status, retryAfterMs } = of;
    const how = [
      ...(status === undefined ? [] : [`HTTP ${status}`]),
      ...(retryAfterMs === undefined ? [] : [`Retry-After ${formatDuration(retryAfterMs)}`]),
    ].join(", ");
    const takes = `${itemsText(of)} ${horizon === 1 ? "takes" : "take"}`;
    const pace = perSecond === null
      ? "Its pace could not be measured."
      : `It lets about ${paceText(perSecond)} through: ${takes} ` +
        `${formatDuration(1000 * horizon / perSecond)} whatever the model.`;
    const waits = retryAfterMs === undefined
      ? "What the tasks throw tells no wait, so that retries can only wait longer and longer: if " +
        "the answers have a Retry-After, throw an error with it as retryAfterMs."
      : `Keep to it with retries: they wait so long where what is thrown has that as retryAfterMs.`;
    return `The server limits the rate: it refused ${refused} of ${counted(items, "item")} ` +
      `already one by one${how === "" ? "" : ` (${how})`}. ${pace} ${waits}`;
  },
  late(failing: Failed) {
    return `${failingText(failing)} They wait for each other, for their turn on a thread that ` +
      `others compute on, or for something that serves few at a time.${stay(failing)}`;
  },
  lanes(failing: Failed) {
    const why = failing.isElsewhere
      ? "Here they went well: on another machine a task may do what that lane's --allow-… flags " +
        "say, and finds the files and servers that are there."
      : failing.reasons.length > 0 && failing.reasons.every(({ reason }) => reason === "CloneError")
      ? "On this event loop, to which nothing is sent, they went well."
      : failing.setsUp && !failing.reasons.some(({ reason }) => MISSING.has(reason))
      ? "On this event loop they went well: each lane runs setup() for itself, and what it opens in " +
        "one may end what another has (a login, a lock), or be refused to so many."
      : "On this event loop they went well: in a lane of its own a task finds only its item and " +
        "its module. State made elsewhere isn't there, and objects arrive without their class's " +
        "methods; make it in setup(), and send plain data.";
    return `${failingText(failing)} ${why}`;
  },
};

type Kind = keyof typeof SAID;
export const FINDING_KINDS = Object.keys(SAID) as [Kind, ...Kind[]];

export type Finding = {
  [K in Kind]: { readonly kind: K } & Readonly<Parameters<typeof SAID[K]>[0]>;
}[Kind];

export function sayFinding(finding: Finding): string {
  return SAID[finding.kind](finding as never);
}

/** Memory that a model needs more of than this is worth a word, in bytes. */
const MUCH_MEMORY = 200 * (1 << 20);
/** A task this much longer than the mean decides when all end. */
const UNEVEN = 1;
/** What is such a share of all decides about it. */
const MOST_OF_ALL = 0.5;
/** Other programs count if they leave less than this of what all cores could gain. */
const BUSY_CORES = 0.75;
/** From so many refusals on, and from this share of the items on, a server limits the rate of the plain loop. */
const FEW_REFUSED = 3;
const SHARE_REFUSED = 0.02;
/** From this share of the time on, getting the items from their source is what takes it. */
const SOURCE_LIMITS = 0.7;
/** A source this fast is part of dealing items out. */
export const SOURCE_MS = 0.1;

/** Whether other programs used the CPUs so much that figures of lanes that compute may not hold. */
export function wasBusy(
  { available, others }: Pick<Sample, "available" | "others">,
  machine: Machine,
): boolean {
  // Where the system counts what others use, a low ceiling is the machine's own, or was mismeasured.
  if (others === undefined) return available < BUSY_CPU || isCeilingLow(machine);
  // What queued for longer than others used a core did so behind others of its own program.
  return isBusy(others) || (available < BUSY_CPU && others.used >= 1 - available);
}

/** Whether independent processes gained so little that something else must have held them up. */
export function isCeilingLow({ cores, ceiling }: Pick<Machine, "cores" | "ceiling">): boolean {
  return ceiling < BUSY_CORES * cores;
}

/** Whether they may have slowed the tasks down: who waits hardly minds them. */
export function mayBeSlowed(sample: Sample, machine: Machine): boolean {
  return mostCpuShare(sample) > WAITS && wasBusy(sample, machine);
}

/** Whether that is worth a word of tasks that might gain on an idle machine, as one event loop alone doesn't. */
export function mindsBusy(
  { sample, machine, horizon, shared }: Pick<Evidence, "sample" | "machine" | "horizon" | "shared">,
): boolean {
  return mayBeSlowed(sample, machine) && (shared === undefined || computesBeside(sample)) &&
    classFor(sample, machine, horizon).noGain === undefined;
}

/** The limit that a server sets already to the plain loop; undefined for a refusal here and there. */
export function rateLimitOf({ done }: Pick<Evidence["probed"], "done">) {
  const refused = done?.refused;
  return refused !== undefined && refused.count >= FEW_REFUSED &&
      refused.count >= SHARE_REFUSED * done!.items
    ? refused
    : undefined;
}

/** A difference of so many standard errors is hardly chance. */
const HARDLY_CHANCE = 2;
/** Of fewer items their order tells nothing. */
const MANY_ITEMS = 20;

/**
 * Whether tasks keep something that spares later ones time, such as a cache or a table: items that were
 * taken from all over a list, or of tasks that share something, cost less the later they ran.
 */
export function sparesLater(
  { sample, probed, shared }: Pick<Evidence, "sample" | "probed" | "shared">,
): boolean {
  const { items, walls, variation } = sample;
  const mayKeep = probed.spread !== undefined || shared !== undefined;
  if (!mayKeep || items < MANY_ITEMS) return false;
  let [at, early, late] = [0, 0, 0];
  for (const { count, wallMs } of walls) {
    const before = Math.min(count, Math.max(0, items / 2 - at));
    early += before * wallMs;
    late += (count - before) * wallMs;
    at += count;
  }
  const error = (early + late) * variation / Math.sqrt(items);
  return early > TELLS_ITEMS * late && early - late > HARDLY_CHANCE * error;
}

/** Whether the rest of a job may be unlike its sample for that. */
export function isRestUnlike(found: Evidence): boolean {
  const { horizon, sample } = found;
  return horizon > sample.items && sample.rest === undefined && sparesLater(found);
}

/** What of an item loses its class on other lanes; undefined if some gave the same results for all that. */
export function classLostOf({ sample, race }: Pick<Evidence, "sample" | "race">) {
  const isSame = race !== undefined && !race.unrepeatable &&
    race.runners.some((of) =>
      isRemote(of.candidate.model) && of.rounds.length > 0 && didTheWork(of)
    );
  return isSame ? undefined : sample.classLost;
}

/** The share of the time, with a gain, that the source of items takes, if that makes it the limit. */
export function sourceLimit(
  { sourceMs, wallMs }: Pick<Sample, "sourceMs" | "wallMs">,
  gain: number,
): number | undefined {
  const share = Math.min(1, sourceMs * gain / (sourceMs + wallMs));
  return sourceMs >= SOURCE_MS && share >= SOURCE_LIMITS ? share : undefined;
}

/** Whether threads gave other results, and subprocesses the same with no fewer in flight. */
function areOfProcess(wrong: readonly Runner[], runners: readonly Runner[]): boolean {
  const inPlace = (of: readonly Runner[], place: string) =>
    of.filter(({ candidate, rounds }) =>
      MODEL_TABLE[candidate.model].place === place && rounds.length > 0
    ).map(inFlight);
  const well = inPlace(runners.filter(didTheWork), "process");
  return Math.min(...inPlace(wrong, "thread")) <= Math.max(...well);
}

/** What the results came to: other ones, the order of tasks, chance, or other work. */
function* ofResults(
  { race, backwards, sample, probed, pace, shared }: Evidence,
): Generator<Finding> {
  const wrong = (race?.runners ?? []).filter(({ out }) => out === "results");
  const models = wrong.map(({ candidate }) => nameOf(candidate));
  const orderMatters = backwards?.orderMatters;
  if (orderMatters) yield { kind: "order", models, ...(backwards?.fails && { fails: true }) };
  else if (wrong.length > 0) {
    const loops = wrong.some(({ candidate }) => isLoop(candidate));
    const isLost = !loops && sample.classLost !== undefined;
    const shares = shared !== undefined;
    const ofFile = loops && !shares && (backwards?.rewritten ?? backwards?.written) !== undefined;
    const ofProcess = areOfProcess(wrong, race!.runners);
    const cause = {
      ...(isLost && { isLost }),
      ...(ofFile && { ofFile }),
      ...(ofProcess && { ofProcess }),
    };
    yield { kind: "results", models, orderMatters, loops, shares, ...cause };
  }
  if (backwards?.rewritten) {
    yield { kind: "rewritten", tasks: backwards.items, ...backwards.rewritten };
  }
  if (backwards?.written) {
    yield { kind: "written", tasks: backwards.items, ...backwards.written };
  }
  const work = sameWork(sample, race);
  const isOther = work?.same === false && !pace?.ofPlainLoop;
  // Work that was done already gives other results for that reason.
  if (race?.unrepeatable && !isOther) yield { kind: "unrepeatable" };
  if (isOther) {
    const { ratio, sameResults, failing } = work;
    const canReset = probed.exports.hooks.includes("reset");
    yield { kind: "other-work", ratio, sameResults, canReset, failing };
  }
}

function* ofFailures({ sample, probed, race, horizon, total, pace }: Evidence): Generator<Finding> {
  const [failure] = probed.failures;
  const { failed, items } = sample;
  const again = plainFailingOf(race);
  const limit = rateLimitOf(probed);
  if (pace?.ofPlainLoop) {
    const signs: HttpSigns[] = [...probed.failures, ...(again?.reasons ?? [])];
    yield {
      kind: "rate",
      refused: limit?.count ?? again?.failed ?? 0,
      perSecond: pace.perSecond ?? limit?.pacePerSecond ?? null,
      items: limit === undefined ? again?.items ?? items : items,
      horizon,
      total,
      status: signs.find(({ status }) => status !== undefined)?.status,
      retryAfterMs: signs.find(({ retryAfterMs }) => retryAfterMs)?.retryAfterMs,
    };
  } else if (failed > 0) {
    const first = failure && { ...failure, reason: failure.name, count: failed };
    yield { kind: "failures", failed, items, first };
  }
  const failing = failingOf(race?.runners);
  if (failing !== undefined) {
    const setsUp = probed.exports.hooks.includes("setup") && { setsUp: true };
    const perSecond = pace?.perSecond ?? failing.perSecond;
    yield { ...failing, perSecond, oneByOne: failed, ...setsUp };
  }
}

function* ofTasks(found: Evidence, chosen: Candidate, moreBytes: MoreBytes): Generator<Finding> {
  const { sample, machine, horizon, predicted, probed } = found;
  const { uncloneable, variation, memoryBytes: sampleBytes } = sample;
  // What computes nearly all the time was held up by others, at most.
  if (blocks(sample) && mostCpuShare(sample) < COMPUTES) {
    const startsPrograms = (sample.programsMs ?? 0) > 0;
    yield { kind: "blocking", share: sample.blockedMs / sample.wallMs, startsPrograms };
  }
  yield* ofUnawaited(found);
  if (uncloneable !== undefined) yield { kind: "uncloneable", what: uncloneable };
  const classLost = classLostOf(found);
  if (classLost !== undefined) yield { kind: "class", what: classLost };
  // Where the plain loop stays, a reader may still ask what the model with most tasks in flight would need.
  const here = predicted.map((of) => of.candidate).filter(({ model }) => !needsServer(model));
  const widest = chosen.model !== BASELINE ? chosen : here
    .reduce((a, b) => inFlightOf(b, horizon) > inFlightOf(a, horizon) ? b : a, chosen);
  const inFlight = inFlightOf(widest, horizon);
  const measuredBytes = moreBytes(widest);
  // What so many in flight didn't need is kept for all: a table, a model.
  const isKept = found.race?.runners.some(({ candidate, items }) => {
    const needed = isLoop(candidate) ? moreBytes(candidate) : null;
    return needed !== null && needed < heldBytes(sample) * (inFlightOf(candidate, items) - 1) / 2;
  });
  const taskBytes = isKept || needsServer(widest.model) ? 0 : heldBytes(sample);
  if (Math.max(measuredBytes ?? inFlight * taskBytes, sampleBytes) > MUCH_MEMORY) {
    const figures = { sampleBytes, taskBytes, inFlight, measuredBytes };
    const model = nameOf(widest);
    yield { kind: "memory", ...figures, freeBytes: machine.memoryBytes, model };
  }
  const longest = longestOf(found);
  const isLate = inFlightOf(chosen, horizon) > 1 && !wasBusy(sample, machine);
  const trend = isLate ? trendOf(found) : undefined;
  const isUneven = variation > UNEVEN && (longest || isLate);
  if ((isUneven || trend) && !found.pace?.ofPlainLoop) {
    yield { kind: "uneven", variation, ...(longest && { longest }), ...(trend && { trend }) };
  }
  yield* ofTeardown(probed);
}

/** A second half that takes so many times as long as the first is a trend. */
const TREND = 2;

/** How many times as long as the first half's the second half's items take; undefined if that is chance, or less. */
function trendOf({ sample, probed }: Pick<Evidence, "sample" | "probed">): number | undefined {
  const { items, walls, wallMs, variation } = sample;
  if (items < MANY_ITEMS) return undefined;
  const places = spreadOrder(probed.spread ?? 0);
  const times = walls.flatMap(({ count, wallMs }) => Array<number>(count).fill(wallMs))
    .map((ms, turn) => ({ ms, place: places[turn] ?? turn })).sort((a, b) => a.place - b.place);
  const half = times.length >> 1;
  const mean = (of: readonly { readonly ms: number }[]) =>
    of.reduce((sum, { ms }) => sum + ms, 0) / of.length;
  const [first, second] = [mean(times.slice(0, half)), mean(times.slice(half))];
  const error = 2 * wallMs * variation / Math.sqrt(items);
  return second >= TREND * first && second - first > HARDLY_CHANCE * error
    ? second / first
    : undefined;
}

/** The item that alone takes most of the time, if the sample ran much of a job that isn't small. */
function longestOf({ sample, machine, probed, horizon }: Evidence): Longest | undefined {
  // Who has to wait for a core looks long.
  const isBusy = wasBusy(sample, machine);
  let [turn, at, longestMs, allMs] = [0, 0, 0, 0];
  for (const { count, wallMs, cpuMs = 0 } of sample.walls) {
    const ms = isBusy ? cpuMs : wallMs;
    if (count === 1 && ms > longestMs) [turn, longestMs] = [at, ms];
    at += count;
    allMs += count * ms;
  }
  const share = longestMs / Math.max(1e-9, allMs);
  const isMuch = sample.items >= MOST_OF_ALL * horizon &&
    classFor(sample, machine, horizon).noGain === undefined;
  if (share < MOST_OF_ALL || !isMuch) return undefined;
  return { index: spreadOrder(probed.spread ?? 0)[turn] ?? turn, share };
}

/** A teardown that is slow, or doesn't end. */
export function* ofTeardown(probed: Pick<Probed, "teardownMs">): Generator<Finding> {
  const graceMs = graceFor(probed);
  if (graceMs === undefined) return;
  const { teardownMs: ms = 0 } = probed;
  yield { kind: "teardown", ms: Number.isFinite(ms) ? ms : null, graceMs };
}

/** Less than this is the runtime's own, and less than this share of what tasks took matters little. */
const LEFT_MS = 30;
const SHARE_LEFT = 0.25;

/** What was computed after all tasks had settled, if that is much beside what they took, in milliseconds. */
export function leftOver({ probed, sample }: Pick<Evidence, "probed" | "sample">) {
  const { leftMs = 0 } = probed.done ?? {};
  return leftMs >= Math.max(LEFT_MS, SHARE_LEFT * sample.tasksMs) ? leftMs : undefined;
}

/** What tasks start and don't wait for. */
export function* ofUnawaited(found: Pick<Evidence, "probed" | "sample">): Generator<Finding> {
  const leftMs = leftOver(found);
  if (leftMs !== undefined) yield { kind: "unawaited", leftMs, tasksMs: found.sample.tasksMs };
}

/** Whether no result tells what a task did. */
export function givesNothing({ probed }: Pick<Evidence, "probed">): boolean {
  return probed.done?.isVoid === true && probed.done.kept > 0;
}

/** What a model was measured to need more than the plain loop; null if it wasn't. */
type MoreBytes = (of: Candidate) => number | null;

export function findingsOf(
  found: Evidence,
  chosen: Candidate,
  moreBytes: MoreBytes,
  ofModels: readonly Finding[],
): Finding[] {
  const { available, others } = found.sample;
  const { cores, ceiling } = found.machine;
  return [
    ...ofResults(found),
    ...(givesNothing(found) && chosen.model !== BASELINE ? [{ kind: "no-results" as const }] : []),
    ...ofModels,
    ...ofFailures(found),
    ...(mindsBusy(found) ? [{ kind: "busy" as const, available, cores, ceiling, others }] : []),
    ...(found.race?.runners ?? []).filter(({ out }) => out === "broken")
      .map(({ candidate, error = "" }) =>
        ({ kind: "broken", model: nameOf(candidate), error }) as const
      ),
    ...ofTasks(found, chosen, moreBytes),
  ];
}
