/** Sentences on why a model is recommended, how sure that is, and what the answer lacks. */

import { BASELINE, isRemote, needsServer } from "../models.ts";
import { withCoresOf } from "./prediction/machine.ts";
import { TOO_SLOW } from "../judge/thresholds.ts";
import { othersWords } from "../timing/meter/meter.ts";
import {
  counted,
  formatBytes,
  formatDuration,
  formatPercent,
  formatRatio,
  formatShortDuration,
  formatSpeedup,
  type Interval,
} from "../text/format.ts";
import type { Surprise } from "./advice.ts";
import type { Assessment, JobNoGain } from "./assessment.ts";
import type { ModelAdvice } from "./model_advice.ts";
import type { Evidence } from "./evidence.ts";
import { itemsText, paceText, takesText } from "./findings/failures.ts";
import { busyMatters, classFor, type Classified, totalMs } from "./prediction/predict.ts";
import {
  bySimplicity,
  type Candidate,
  isLoop,
  nameOf,
  SEQUENTIAL,
} from "./prediction/candidate.ts";
import {
  blocks,
  computesBeside,
  heldBytes,
  heldMs,
  isRestUnlike,
  leftOver,
  mostHeldShare,
  sourceLimit,
  sparesLater,
} from "./probe/sample.ts";
import { failingOf } from "./race/failing.ts";
import { spreadOrder } from "../timing/job_items.ts";
import type { Recommendation } from "./race/recommend.ts";
import { didTheWork, plainOf, type Race, type Runner } from "./race/runner.ts";
import { classLostOf } from "./race/same_work.ts";

const listOf = new Intl.ListFormat("en-GB");

/** A sample of as few items as this tells little. */
const FEW_ITEMS = 5;
/** Gains up to this many times the number of cores can come from computing alone, without waits. */
const SATURATED = 1.25;

/** Says why a model is recommended, from what the tasks showed and what was measured of other models alone. */
export function reasonOf(
  assessment: Assessment,
  recommendation: Recommendation,
  bound: Classified["bound"],
): string {
  const { candidate, gain, decision, rival } = recommendation;
  const { found } = assessment;
  const { probed, sample, pace } = found;
  const name = nameOf(candidate);
  if (decision === "server's pace") {
    const perSecond = pace?.perSecond ?? null;
    const takes = perSecond === null
      ? ""
      : `: about ${paceText(perSecond)}, so ${takesText(found, perSecond)}`;
    return `A server's limit decides, not the model${takes}. ${name} keeps to it, with retries for ` +
      "what is refused.";
  }
  if (probed.cutOff !== undefined) {
    return `Leave it sequential for now. Nothing can be told of the whole job, for its sample was cut ` +
      `off: ${probed.cutOff}. If it only takes long, a larger --budget lets it end; if it waits for a ` +
      "later task, only more at once let it end, as under concurrent; if it never ends, no model " +
      "helps: mend it, or give each task a deadline (timeoutMs).";
  }
  const { noGain, limit } = assessment;
  if (noGain !== undefined) return `Leave it sequential: ${noGainText(assessment, noGain)}`;
  const ofSource = sourceLimit(sample, gain?.median ?? 1);
  const isPlain = candidate.model === BASELINE;
  if (ofSource !== undefined) {
    const [each, share] = [formatDuration(sample.sourceMs), formatPercent(ofSource)];
    return `${isPlain ? "Leave it sequential: the" : "The"} source of the items is the limit. It ` +
      `takes ${each} for one on average, and that alone is ${share} of the time that ${name} takes.`;
  }
  if (isPlain) return plainReason(assessment, recommendation);
  const nature = natureOf(assessment, candidate, bound);
  if (decision === "other work") {
    return `${nature} Its gain is predicted from the sample: it paid in the race too, but that was not ` +
      `the job that was sampled (see the hazards).`;
  }
  if (gain === null) return `${nature} Predicted, not measured.`;
  if (limit?.isSure && !limit.isOwn && isLoop(candidate)) {
    return `${nature} What they wait for serves about ${limit.atOnce} at once: with more in flight they ` +
      `only queue.`;
  }
  const alone = isAlone(assessment, candidate, gain.median)
    ? " No simpler model that was measured comes near it."
    : "";
  const kept = assessment.offer === undefined ? "" : ` Lanes gained more, but ${OWN_STATE}.`;
  const refused = assessment.mayBeRefused(candidate)
    ? " No run was as long as the whole job: a server that limits its rate may refuse some of it."
    : "";
  const unsettled = rival === undefined
    ? ""
    : ` That it gains is what is sure: ${nameOf(rival)} may well be faster still, which can't be ` +
      "told yet.";
  return nature + alone + kept + unsettled + refused;
}

function noGainText(assessment: Assessment, noGain: JobNoGain): string {
  const { found } = assessment;
  const { machine, sample } = found;
  const copyMs = formatShortDuration(sample.cloneMs);
  const computeMs = formatShortDuration(sample.wallMs * sample.cpuShare);
  switch (noGain.why) {
    case "one item":
      return "there is only one item, and nothing to run at the same time.";
    case "little": {
      const { runMs } = assessment.prediction(SEQUENTIAL);
      const [allMs, savedMs, startMs] = [runMs, noGain.savedMs, machine.startMs.workers]
        .map(formatDuration);
      const loop = assessment.gainsInLoop;
      const loopMs = loop && formatDuration(totalMs(assessment.prediction(loop)));
      const slots = loop === undefined
        ? ""
        : ` Slots need none: ${nameOf(loop)} was predicted to take ${loopMs}, should so little ` +
          "matter to you.";
      return `${itemsText(found)} take ${allMs} in all, of which no model could save more than ` +
        `${savedMs}, and starting lanes alone takes ${startMs}.${slots}`;
    }
    case "loading": {
      const remedy = found.probed.exports.items === "function"
        ? ""
        : " If it is the items that take so long to make, export a function that makes them: lanes " +
          "don't call it.";
      return `each lane loads the job's module for itself, which takes ` +
        `${formatDuration(sample.loadMs ?? 0)}, and they could save ` +
        `${formatDuration(noGain.savedMs)} at most.${remedy}`;
    }
    case "dealing":
      return `a task computes for ${formatShortDuration(sample.wallMs)}, less than it takes to ` +
        "deal it out. Make one item of many to gain from lanes.";
    case "copying":
      return `copying an item and its result to a lane takes ${copyMs}, longer than the task itself ` +
        `computes (${computeMs}). Send less, such as a path that the task reads, and return less; ` +
        "large buffers can be moved to threads instead (transfer: true).";
    case "not sendable":
      return `slots on this event loop fill nothing, so that only lanes elsewhere could help, and ` +
        `what they need can't be sent there: ${noGain.what}.`;
    case "memory":
      return `a task holds ${formatBytes(heldBytes(sample))}, and there is no memory for two ` +
        `at once (${formatBytes(machine.memoryBytes ?? 0)} are free).`;
  }
}

/** Why lanes aren't recommended, even if they gained more. */
const OWN_STATE = "each lane would have its own of what the tasks share (see the hazards)";

/** Says why the plain loop is recommended although another model might have gained. */
function plainReason(assessment: Assessment, recommendation: Recommendation): string {
  const { found, plainIsMissing } = assessment;
  switch (recommendation.decision) {
    case "order matters":
      return found.backwards?.orderMatters
        ? "Leave it sequential: a task's result depends on which tasks ran before it, so that any " +
          "other order, a retry or another lane gives other results."
        : "Leave it sequential: the tasks read a file and write it back (see the hazards), and " +
          "those in flight at the same time would lose each other's changes.";
    case "can't tell": {
      const why = leftOver(found) !== undefined
        ? ": the tasks settle before their work is done (see the hazards)."
        : plainIsMissing
        ? plainMissingText(found.race)
        : untoldText(assessment, recommendation);
      return `Leave it sequential for now. Whether another model pays can't be told${why}`;
    }
    case "other work":
      return "Leave it sequential for now: the race was not the job that was sampled (see the " +
        "hazards), so that whether another model pays can't be told from it.";
    case "unmeasured": {
      if (classLostOf(found) !== undefined) {
        return "Leave it sequential for now: only lanes promise a gain, none was measured, and not " +
          "all of an item arrives there (see the hazards).";
      }
      if (assessment.sharesState) {
        return `Leave it sequential: no other model was measured, and ${OWN_STATE}.`;
      }
      const [now, busy] = busyMatters(found)
        ? [" for now", " while others use the CPUs"]
        : ["", ""];
      return `Leave it sequential${now}: what was predicted promises no sure gain${busy}, and no ` +
        "other model was measured.";
    }
    default: {
      const { bestGain } = recommendation;
      const areLanes = bestGain === null && assessment.sharesState;
      if (areLanes || assessment.offer !== undefined) {
        const slots = assessment.runners.filter(({ candidate, out }) =>
          candidate.model !== BASELINE && isLoop(candidate) && out !== undefined
        );
        const came = bestGain === null && slots.length > 0
          ? `${cameText(assessment, slots)}, and `
          : "";
        return `Leave it sequential: ${came}${OWN_STATE}.`;
      }
      return bestGain === null
        ? `Leave it sequential: ${refutedText(assessment)}.`
        : "Leave it sequential: no model that gives the same results is detectably faster than " +
          "the plain loop.";
    }
  }
}

/** Says why nothing can be concluded: other models ran in the race, but the plain loop didn't. */
function plainMissingText(race: Race | undefined): string {
  const error = plainOf(race?.runners)?.error;
  const [why, again] = error !== undefined
    ? [`could not run in the race (${error})`, ""]
    : race?.partial
    ? ["did not run in the race", " Run it again."]
    : [
      "was stopped in the race, for it took far longer there than in the sample",
      " Where work grows with every run, as with a file that gets longer, export a function reset() " +
      "that brings the first state back; else run it again.",
    ];
  return `: the plain loop itself ${why}, and without it there is nothing to hold the others ` +
    `against.${again}`;
}

/** Says what was measured, why it decides nothing, and what would help. */
function untoldText(assessment: Assessment, { best, bestGain }: Recommendation): string {
  const { found, impossible } = assessment;
  const { race } = found;
  const busy = busyMatters(found);
  const idle = " Run it again on an idle machine.";
  const budget = race?.endedBy === "budget" ? " A larger --budget buys more rounds." : "";
  if (impossible.length > 0) {
    return `, because what was measured can't be right (see the hazards).${busy ? idle : budget}`;
  }
  const lastedMs = failingOf(race?.runners)?.lastedMs;
  if (bestGain === null && lastedMs !== undefined) {
    const long = lastedMs > 0 ? ` for ${formatDuration(lastedMs)} or more` : "";
    const refuted = refutedText(assessment);
    return `: ${refuted}, and after that one by one, too${long}. A larger --budget ` +
      "waits longer until they are let in again, and begins with fewer at once.";
  }
  const gained = bestGain && `: ${nameOf(best)} ${gainText(bestGain)}`;
  if (assessment.isUntried && gained) {
    return `${gained}, and there was no time to try fewer at once.${budget}`;
  }
  if (busy && (bestGain === null || bestGain.high < 1)) {
    return `${gained ?? `: ${refutedText(assessment)}`}, but other programs used the CPUs.${idle}`;
  }
  if (bestGain !== null && bestGain.low > 1) {
    return busy
      ? `${gained}, but it may only have taken a greater share of the CPUs from other ` +
        `programs.${idle}`
      : `${gained}, but in rounds of its own something disturbed it, or the others.${idle}`;
  }
  const span = gained === null ? "" : `${gained}, an interval that spans 1`;
  const others = busy ? `, and other programs used the CPUs.${idle}` : ".";
  return `${span}, because ${whyUnclear(assessment)}${others}${budget}`;
}

/** Says why the interval of a gain is wide. */
function whyUnclear({ runners, found }: Assessment): string {
  const { items } = found.sample;
  const counts = runners.filter(({ candidate }) => candidate.model !== BASELINE)
    .map(({ rounds }) => rounds.length);
  const rounds = Math.max(0, ...runners.map(({ rounds }) => rounds.length));
  if (items <= FEW_ITEMS) return `the sample had only ${counted(items, "item")}`;
  if (counts.every((count) => count === 0)) return "no other model was run to its end";
  return rounds <= 1
    ? "there was only one round"
    : `${rounds} rounds differ from each other by more than that`;
}

function refutedText(assessment: Assessment): string {
  const others = assessment.runners.filter(({ candidate }) => candidate.model !== BASELINE);
  const refuted = others.filter(({ out, stops }) => (out ?? stops) !== undefined);
  return cameText(assessment, refuted) ||
    (others.length === 0
      ? "nothing else was left to compare"
      : "no other model ran in a round in which the plain loop did");
}

function cameText(assessment: Assessment, runners: readonly Runner[]): string {
  return [...Map.groupBy(runners, (runner) => cameOf(assessment, runner))]
    .map(([came, of]) => `${listOf.format(of.map(({ candidate }) => nameOf(candidate)))} ${came}`)
    .join(", ");
}

/** Says how a model that isn't recommended did: how it failed, or the gain that was measured. */
function cameOf(assessment: Assessment, { candidate, out, rounds, useless }: Runner): string {
  if (out === "failures") return "failed with items that go well one by one";
  if (out === "results") return "gave other results";
  if (out === "broken") return "could not run";
  if (rounds.length === 0) return useless ? "took too long" : "was not done in time";
  const gain = assessment.gain(candidate);
  const often = rounds.length === 1 ? "its one round" : `${rounds.length} rounds`;
  if (gain === null) return `was slower than the best in ${often}`;
  return `${gainText(gain)} in ${often}`;
}

function gainText(gain: Interval): string {
  const { median, low, high } = gain;
  if (median >= 1) return `gained ${formatSpeedup(gain)}`;
  const slower = formatSpeedup({ median: 1 / median, low: 1 / high, high: 1 / low });
  return `took ${slower} as long as the plain loop`;
}

const BUSY_CORES = "slots on one lane keep the cores busy, and";
const WAIT_FOR_PROGRAMS = "The tasks wait for programs that they run";
const PROGRAMS = "The tasks run programs, and these compute on the same cores";
const AT_ONCE = "lanes do it at the same time";

/** Says what a model does for the job, from what the sample showed of the tasks. */
function natureOf(
  assessment: Assessment,
  candidate: Candidate,
  bound: Classified["bound"],
): string {
  const { sample } = assessment.found;
  const isAlone = candidate.lanes === 1;
  const holdsUp = blocks(sample);
  if ((sample.programsMs ?? 0) > sample.cpuMs / 2 && !(holdsUp && isAlone)) {
    const what = bound === "io" ? WAIT_FOR_PROGRAMS : PROGRAMS;
    const enough = bound === "io" ? "slots on one lane fill the waits, and" : BUSY_CORES;
    const how = isAlone ? `${enough} that is enough` : "lanes share what starting them takes";
    return holdsUp
      ? `${what}: each holds up its thread until its program has ended, so that only lanes run ` +
        "several at once."
      : `${what}: ${how}.`;
  }
  return isAlone ? ofOneLane(assessment, bound) : ofLanes(assessment, candidate, bound);
}

/** Says the same of a model with one lane. */
function ofOneLane(assessment: Assessment, bound: Classified["bound"]): string {
  const { sample, options: { job } } = assessment.found;
  if (bound !== "io" && computesBeside(sample)) {
    return `The tasks compute beside this event loop, on threads of their own: ${BUSY_CORES} that ` +
      "is enough.";
  }
  if (bound === "cpu") {
    return "The tasks compute, and yet slots on one lane gained: part of that isn't done on the " +
      "event loop.";
  }
  // If the system counts the CPU time of programs, there is nothing to guess.
  const mayRun = job.permissions?.run !== undefined && sample.programsMs === undefined;
  if (mayRun && saturates(assessment)) {
    return `${PROGRAMS}: ${BUSY_CORES} more in flight gain nothing.`;
  }
  const what = bound === "mixed" ? "compute and wait" : "wait";
  return `The tasks ${what}: slots on one lane fill the waits, and that is enough.`;
}

function ofLanes(assessment: Assessment, candidate: Candidate, bound: Classified["bound"]): string {
  const { found: { sample, machine }, runners } = assessment;
  const { lanes, slots } = candidate;
  const isSlotted = slots > 1 && (bound !== "io" || isFull(assessment));
  if (!isSlotted && blocks(sample)) {
    return "The tasks hold up their thread while they wait: each needs a lane of its own.";
  }
  if (bound === "mixed") {
    const how = isSlotted
      ? "lanes do the computing at the same time, slots fill the waits"
      : AT_ONCE;
    return `The tasks compute and wait: ${how}.`;
  }
  if (bound !== "io") {
    const how = lanes > withCoresOf(machine, candidate).cores && bound === "cpu"
      ? ", and they are few: with a lane for each they share the cores to the end"
      : isSlotted
      ? `: ${AT_ONCE}, slots keep each of them supplied`
      : ": only more lanes help";
    return `The tasks compute${how}.`;
  }
  if (isSlotted) {
    return "The tasks wait, but with so many in flight one event loop has its hands full: lanes " +
      "share it.";
  }
  // If tasks take turns, lanes are recommended only for a job with a setup().
  if (assessment.takesTurns) {
    return "The tasks take turns, most likely with what setup() makes: each lane has its own.";
  }
  const haveSlots = runners.some((of) =>
    of.candidate.slots > 1 && didTheWork(of) && assessment.gain(of.candidate)
  );
  return haveSlots ? "Slots on one lane gained less than lanes." : `The tasks wait: ${AT_ONCE}.`;
}

/** Whether one event loop is busy for at least half of the time at its highest gain. */
function isFull(assessment: Assessment): boolean {
  const { sample, predicted } = assessment.found;
  const loops = [...assessment.runners, ...predicted].map(({ candidate }) => candidate)
    .filter(isLoop);
  const measured = loops.flatMap((of) => assessment.gain(of)?.median ?? []);
  const gains = measured.length > 0
    ? measured
    : loops.map((of) => assessment.predictedGain(of).median);
  return 2 * Math.max(1, ...gains) * heldMs(sample) >= sample.wallMs;
}

/** Whether no measured model gained more than computing on all cores can explain. */
function saturates(assessment: Assessment): boolean {
  const gains = assessment.runners.filter(({ out }) => out === undefined)
    .map(({ candidate }) => assessment.gain(candidate)?.median ?? 0);
  return Math.max(0, ...gains) <= SATURATED * assessment.found.machine.cores;
}

/** Whether simpler models were measured and none of them comes near this gain. */
function isAlone(assessment: Assessment, candidate: Candidate, gain: number): boolean {
  const simpler = assessment.models().filter((of) =>
    of.model !== BASELINE && of.measured !== undefined && of.out !== "failures" &&
    bySimplicity({ ...of, slots: of.slots ?? Infinity } as Candidate, candidate) < 0
  );
  return simpler.length > 0 &&
    simpler.every(({ measured }) => {
      const { median = 0, high = 0 } = measured?.gain ?? {};
      return median * TOO_SLOW < gain && high < gain;
    });
}

/** A measured gain that differs from the predicted one by more than this factor is a surprise. */
const SURPRISE = 1.25;

/** The measured gains that contradict the prediction, each with its likely cause if one was seen. */
export function surprisesOf(assessment: Assessment, models: readonly ModelAdvice[]): Surprise[] {
  return models.flatMap((model) => {
    const { name, measured, predictedGain, out } = model;
    const { median: gain, low = 0, high = 0 } = measured?.gain ?? {};
    const counts = model.model !== BASELINE && out !== "failures" && out !== "results";
    if (gain === undefined || !counts) return [];
    const off = gain / predictedGain;
    // If one of the two lies within the interval of the other, the prediction isn't shown to be wrong.
    if (low <= predictedGain && predictedGain <= high) return [];
    if (model.predictedGainLow <= gain && gain <= model.predictedGainHigh) return [];
    if (off <= SURPRISE && off >= 1 / SURPRISE) return [];
    const cause = off < 1 && !needsServer(model.model) && whyLess(assessment, model, gain);
    const why = cause ? `; most likely ${cause}` : "";
    const text = `${name}: ${formatRatio(predictedGain)} predicted, ${formatRatio(gain)} ` +
      `measured${why}.`;
    return [{ name, predictedGain, measuredGain: gain, text }];
  });
}

/** The likely cause of a gain below the predicted one; undefined if none was seen. */
function whyLess(
  { limit, takesTurns, isBusy, found, runners }: Assessment,
  { model, name, slots, predictedGain }: ModelAdvice,
  gain: number,
): string | undefined {
  // A task whose turn comes late takes long only because it waits, so the longest item explains nothing.
  if (takesTurns) return "the tasks take turns";
  const longest = runners.find((of) => nameOf(of.candidate) === name)?.longest;
  const { probed: { spread = 0 }, sample } = found;
  // An item of the sample has shown its own time there, so in the race it only had to wait.
  const places = spreadOrder(spread);
  const isNew = longest && (places.indexOf(longest.index) + 1 || longest.index + 1) > sample.items;
  if (longest !== undefined && isNew) {
    const alone = formatDuration(longest.ms);
    return `item ${longest.index}, which alone takes ${alone}: put the longest first`;
  }
  if (limit?.isSure && slots !== 1) {
    const { atOnce, isOwn } = limit;
    return isOwn
      ? `something in the tasks' module lets in about ${atOnce} at once, in each lane`
      : `what the tasks wait for serves about ${atOnce} at once`;
  }
  // Other programs slow down computing but not waiting, so they explain only a loss of that size.
  if (isBusy && 1 / gain - 1 / predictedGain <= mostHeldShare(sample)) {
    return "other programs used the CPUs";
  }
  if (isRemote(model) && found.shared) return "each lane has its own of what the tasks share";
  return isRemote(model) && sparesLater(found)
    ? "each lane does again what spares later tasks time in one (a cache, a connection, compiled code)"
    : undefined;
}

/** A prediction is unsure if its high end is above WIDE times its low; variation above UNEVEN explains it. */
const WIDE = 2.5;
const UNEVEN = 0.5;

/** Says why the prediction may be off, in half a sentence; undefined if it is sure. */
export function unsureOf(assessment: Assessment, candidate: Candidate): string | undefined {
  const { sample: { items, variation, isDrawn, others }, probed } = assessment.found;
  if (candidate.model !== BASELINE && busyMatters(assessment.found)) {
    const who = others === undefined
      ? "other programs used the CPUs meanwhile"
      : othersWords(others).replace("O", "o");
    return `${who}, and on a busy machine more at once takes a greater share from them; how much ` +
      "an idle one gives, only a run there tells";
  }
  if (probed.cutOff !== undefined) return "the sample was cut off";
  if (items < FEW_ITEMS) {
    return `there ${items === 1 ? "was" : "were"} only ${counted(items, "item")} to go by`;
  }
  if (isDrawn) return "the same items took other times when they ran again";
  const { shared, horizon } = assessment.found;
  if (shared && horizon > items && probed.done?.equal?.again.every((count) => count === 0)) {
    return "the list repeats items, of which the sample has none twice: how long they take again " +
      "isn't known";
  }
  if (isRestUnlike(assessment.found)) {
    return "the tasks took less time the later they ran, and the rest of the job may take still less";
  }
  const { low, high } = assessment.predictedGain(candidate);
  if (high / low <= WIDE) return undefined;
  const why = variation > UNEVEN
    ? "the tasks are uneven"
    : "what tasks compute with many in flight can't be told from one by one";
  return `${why}: predicted between ${formatRatio(low)} and ${formatRatio(high)}`;
}

/** Says what an answer lacks, in half a sentence with the remedy; undefined if nothing is missing. */
export function missingOf(
  { probed, race, sample, machine, horizon, plan, raced, pace, backwards, options }: Evidence,
): string | undefined {
  if (pace?.ofPlainLoop || backwards?.orderMatters) return undefined;
  if (probed.cutOff !== undefined) {
    return `the sample was cut off after ${counted(sample.items, "item")}: ` +
      `${probed.cutOff}; what follows is predicted from these. A larger --budget lets it finish`;
  }
  if (options.signal.aborted) {
    return "it was interrupted; what follows rests on what was measured until then";
  }
  // A job that can't gain needs no race.
  if (classFor(sample, machine, horizon).noGain !== undefined || raced.length < 2) return undefined;
  if (plan === null) {
    return "no race: the budget leaves no time for a round of two models; what follows " +
      "is predicted. More items, or a larger --budget, confirm it";
  }
  const runners = race?.runners ?? [];
  if (race?.endedBy === "budget" && Math.max(...runners.map((of) => of.rounds.length)) === 1) {
    return "there was time for only one round; a larger --budget makes it surer";
  }
  if (!race?.partial) return undefined;
  const unrun = runners.find(({ rounds }) => rounds.length === 0);
  const before = unrun === undefined ? "" : `, before ${nameOf(unrun.candidate)} had run`;
  return `the budget ended the race early${before}; a larger --budget makes it surer`;
}
