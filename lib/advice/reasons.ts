/** Sentences on why a model is recommended, how sure that is, and what the answer lacks. */

import { BASELINE, isRemote, needsServer } from "../models.ts";
import { withCoresOf } from "./prediction/machine.ts";
import { TOO_SLOW } from "../judge/thresholds.ts";
import { othersWords } from "../timing/meter/meter.ts";
import type { Interval } from "../text/format.ts";
import type { Surprise } from "./advice.ts";
import type { Assessment, JobNoGain } from "./assessment.ts";
import type { Evidence } from "./evidence.ts";
import { itemsText, paceText, takesText } from "./findings/failures.ts";
import { busyMatters, classFor, type Classified, totalMs } from "./prediction/predict.ts";
import {
  bySimplicity,
  type Candidate,
  isLoop,
  type ModelAdvice,
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
import { say } from "./say.ts";
import { sayAll } from "../text/fill.ts";

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
  const { found, noGain, limit } = assessment;
  const { probed, sample, pace } = found;
  const name = nameOf(candidate);
  const isPlain = candidate.model === BASELINE;
  if (decision === "server's pace") {
    const perSecond = pace?.perSecond ?? null;
    return perSecond === null
      ? say("pace", { name })
      : say("pace.known", { name, pace: paceText(perSecond), takes: takesText(found, perSecond) });
  }
  if (probed.cutOff !== undefined) return say("cut off", probed);
  if (noGain !== undefined) return say("stay", { why: noGainText(assessment, noGain) });
  const sourceShare = sourceLimit(sample, gain?.median ?? 1);
  if (sourceShare !== undefined) {
    return say(isPlain ? "source.plain" : "source", { ...sample, sourceShare, name });
  }
  if (isPlain) return plainReason(assessment, recommendation);
  const nature = natureOf(assessment, candidate, bound);
  if (decision === "other work") return sayAll(nature, say("reason.other work"));
  if (gain === null) return sayAll(nature, say("reason.predicted"));
  if (limit?.isSure && !limit.isOwn && isLoop(candidate)) {
    return sayAll(nature, say("reason.served", limit));
  }
  return sayAll(
    nature,
    isAlone(assessment, candidate, gain.median) && say("reason.alone"),
    assessment.offer !== undefined && say("reason.kept"),
    rival !== undefined && say("reason.rival", { rival: nameOf(rival) }),
    assessment.mayBeRefused(candidate) && say("reason.refused"),
  );
}

function noGainText(assessment: Assessment, noGain: JobNoGain): string {
  const { found } = assessment;
  const { machine, sample } = found;
  switch (noGain.why) {
    case "little": {
      const { runMs: allMs } = assessment.prediction(SEQUENTIAL);
      const loop = assessment.gainsInLoop;
      const figures = { items: itemsText(found), allMs, startMs: machine.startMs.workers };
      return sayAll(
        say("no gain.little", { ...noGain, ...figures }),
        loop && say("no gain.little.slots", {
          loop: nameOf(loop),
          loopMs: totalMs(assessment.prediction(loop)),
        }),
      );
    }
    case "loading":
      return sayAll(
        say("no gain.loading", { ...noGain, loadMs: sample.loadMs ?? 0 }),
        found.probed.exports.items !== "function" && say("no gain.loading.items"),
      );
    case "dealing":
      return say("no gain.dealing", { taskTinyMs: sample.wallMs });
    case "copying": {
      const computeTinyMs = sample.wallMs * sample.cpuShare;
      return say("no gain.copying", { copyTinyMs: sample.cloneMs, computeTinyMs });
    }
    case "memory": {
      const freeBytes = machine.memoryBytes ?? 0;
      return say("no gain.memory", { taskBytes: heldBytes(sample), freeBytes });
    }
    default:
      return say(`no gain.${noGain.why}`, noGain);
  }
}

/** Says why the plain loop is recommended although another model might have gained. */
function plainReason(assessment: Assessment, recommendation: Recommendation): string {
  const { found, plainIsMissing } = assessment;
  switch (recommendation.decision) {
    case "order matters":
      return say(found.backwards?.orderMatters ? "plain.order" : "plain.rewritten");
    case "can't tell": {
      const why = leftOver(found) !== undefined
        ? say("untold.left")
        : plainIsMissing
        ? plainMissingText(found.race)
        : untoldText(assessment, recommendation);
      return say("untold", { why });
    }
    case "other work":
      return say("plain.other work");
    case "unmeasured":
      if (classLostOf(found) !== undefined) return say("plain.class");
      if (assessment.sharesState) return say("plain.unmeasured state");
      return say(busyMatters(found) ? "plain.unmeasured busy" : "plain.unmeasured");
    default: {
      const { bestGain } = recommendation;
      const areLanes = bestGain === null && assessment.sharesState;
      if (areLanes || assessment.offer !== undefined) {
        const slots = assessment.runners.filter(({ candidate, out }) =>
          candidate.model !== BASELINE && isLoop(candidate) && out !== undefined
        );
        return bestGain === null && slots.length > 0
          ? say("plain.state after", { came: cameText(assessment, slots) })
          : say("plain.state");
      }
      return bestGain === null
        ? say("stay", { why: `${refutedText(assessment)}.` })
        : say("plain.slower");
    }
  }
}

/** Says why nothing can be concluded: other models ran in the race, but the plain loop didn't. */
function plainMissingText(race: Race | undefined): string {
  const error = plainOf(race?.runners)?.error;
  const why = error !== undefined ? "error" : race?.partial ? "partial" : "stopped";
  return say("missing", {
    why: say(`missing.${why}`, { error }),
    again: why === "error" ? "" : ` ${say(`missing.${why}.again`)}`,
  });
}

/** Says what was measured, why it decides nothing, and what would help. */
function untoldText(assessment: Assessment, { best, bestGain }: Recommendation): string {
  const { found, impossible } = assessment;
  const { race } = found;
  const busy = busyMatters(found);
  const idle = say("untold.idle");
  const budget = race?.endedBy === "budget" && say("untold.budget");
  if (impossible.length > 0) return sayAll(say("untold.impossible"), busy ? idle : budget);
  const lastedMs = failingOf(race?.runners)?.lastedMs;
  if (bestGain === null && lastedMs !== undefined) {
    const long = lastedMs > 0 ? say("untold.shut.long", { lastedMs }) : "";
    return say("untold.shut", { refuted: refutedText(assessment), long });
  }
  const gained = bestGain && `: ${nameOf(best)} ${gainText(bestGain)}`;
  if (assessment.isUntried && gained) return sayAll(say("untold.untried", { gained }), budget);
  if (busy && (bestGain === null || bestGain.high < 1)) {
    const seen = gained ?? `: ${refutedText(assessment)}`;
    return sayAll(say("untold.busy", { seen }), idle);
  }
  if (bestGain !== null && bestGain.low > 1) {
    return busy
      ? sayAll(say("untold.taken", { gained }), idle)
      : sayAll(say("untold.disturbed", { gained }), idle);
  }
  const span = gained === null ? "" : say("untold.span", { gained });
  const figures = { span, why: whyUnclear(assessment) };
  return sayAll(
    say(busy ? "untold.unclear busy" : "untold.unclear", figures),
    busy && idle,
    budget,
  );
}

/** Says why the interval of a gain is wide. */
function whyUnclear({ runners, found }: Assessment): string {
  const { items } = found.sample;
  const counts = runners.filter(({ candidate }) => candidate.model !== BASELINE)
    .map(({ rounds }) => rounds.length);
  const rounds = Math.max(0, ...runners.map(({ rounds }) => rounds.length));
  if (items <= FEW_ITEMS) return say("unclear.few", { items });
  if (counts.every((count) => count === 0)) return say("unclear.none");
  return rounds <= 1 ? say("unclear.once") : say("unclear.rounds", { rounds });
}

function refutedText(assessment: Assessment): string {
  const others = assessment.runners.filter(({ candidate }) => candidate.model !== BASELINE);
  const refuted = others.filter(({ out, stops }) => (out ?? stops) !== undefined);
  return cameText(assessment, refuted) ||
    say(others.length === 0 ? "refuted.nothing" : "refuted.no round");
}

function cameText(assessment: Assessment, runners: readonly Runner[]): string {
  return [...Map.groupBy(runners, (runner) => cameOf(assessment, runner))]
    .map(([came, of]) => `${listOf.format(of.map(({ candidate }) => nameOf(candidate)))} ${came}`)
    .join(", ");
}

/** Says how a model that isn't recommended did: how it failed, or the gain that was measured. */
function cameOf(assessment: Assessment, { candidate, out, rounds, useless }: Runner): string {
  if (out === "failures" || out === "results" || out === "broken") return say(`came.${out}`);
  if (rounds.length === 0) return say(useless ? "came.useless" : "came.undone");
  const gain = assessment.gain(candidate);
  const often = say(rounds.length === 1 ? "came.once" : "came.rounds", { rounds: rounds.length });
  return gain === null
    ? say("came.behind", { often })
    : say("came.gained", { gained: gainText(gain), often });
}

function gainText(gain: Interval): string {
  const { median, low, high } = gain;
  if (median >= 1) return say("gained", { gain });
  return say("lost", { loss: { median: 1 / median, low: 1 / high, high: 1 / low } });
}

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
    const how = holdsUp ? "hold up" : isAlone ? "slots" : "lanes";
    return say(`programs.${bound === "io" ? "wait" : "compute"}.${how}`);
  }
  return isAlone ? ofOneLane(assessment, bound) : ofLanes(assessment, candidate, bound);
}

/** Says the same of a model with one lane. */
function ofOneLane(assessment: Assessment, bound: Classified["bound"]): string {
  const { sample, options: { job } } = assessment.found;
  if (bound !== "io" && computesBeside(sample)) return say("one lane.beside");
  if (bound === "cpu") return say("one lane.computes");
  // If the system counts the CPU time of programs, there is nothing to guess.
  const mayRun = job.permissions?.run !== undefined && sample.programsMs === undefined;
  if (mayRun && saturates(assessment)) return say("one lane.programs");
  return say(bound === "mixed" ? "one lane.mixed" : "one lane.waits");
}

function ofLanes(assessment: Assessment, candidate: Candidate, bound: Classified["bound"]): string {
  const { found: { sample, machine }, runners } = assessment;
  const { lanes, slots } = candidate;
  const isSlotted = slots > 1 && (bound !== "io" || isFull(assessment));
  if (!isSlotted && blocks(sample)) return say("lanes.hold up");
  if (bound === "mixed") return say(isSlotted ? "lanes.mixed slots" : "lanes.mixed");
  if (bound !== "io") {
    const isFew = lanes > withCoresOf(machine, candidate).cores && bound === "cpu";
    return say(isFew ? "lanes.few" : isSlotted ? "lanes.compute slots" : "lanes.compute");
  }
  if (isSlotted) return say("lanes.full");
  // If tasks take turns, lanes are recommended only for a job with a setup().
  if (assessment.takesTurns) return say("lanes.turns");
  const haveSlots = runners.some((of) =>
    of.candidate.slots > 1 && didTheWork(of) && assessment.gain(of.candidate)
  );
  return say(haveSlots ? "lanes.slots gained less" : "lanes.wait");
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
    const figures = { name, predictedGain, measuredGain: gain };
    const text = say(cause ? "surprise.likely" : "surprise", { ...figures, cause });
    return [{ ...figures, text }];
  });
}

/** The likely cause of a gain below the predicted one; undefined if none was seen. */
function whyLess(
  { limit, takesTurns, isBusy, found, runners }: Assessment,
  { model, name, slots, predictedGain }: ModelAdvice,
  gain: number,
): string | undefined {
  // A task whose turn comes late takes long only because it waits, so the longest item explains nothing.
  if (takesTurns) return say("less.turns");
  const longest = runners.find((of) => nameOf(of.candidate) === name)?.longest;
  const { probed: { spread = 0 }, sample } = found;
  // An item of the sample has shown its own time there, so in the race it only had to wait.
  const places = spreadOrder(spread);
  const isNew = longest && (places.indexOf(longest.index) + 1 || longest.index + 1) > sample.items;
  if (longest !== undefined && isNew) return say("less.longest", longest);
  if (limit?.isSure && slots !== 1) return say(limit.isOwn ? "less.lock" : "less.served", limit);
  // Other programs slow down computing but not waiting, so they explain only a loss of that size.
  if (isBusy && 1 / gain - 1 / predictedGain <= mostHeldShare(sample)) return say("less.busy");
  if (isRemote(model) && found.shared) return say("less.state");
  return isRemote(model) && sparesLater(found) ? say("less.spared") : undefined;
}

/** A prediction is unsure if its high end is above WIDE times its low; variation above UNEVEN explains it. */
const WIDE = 2.5;
const UNEVEN = 0.5;

/** Says why the prediction may be off, in half a sentence; undefined if it is sure. */
export function unsureOf(assessment: Assessment, candidate: Candidate): string | undefined {
  const { sample: { items, variation, isDrawn, others }, probed } = assessment.found;
  if (candidate.model !== BASELINE && busyMatters(assessment.found)) {
    const who = others === undefined ? say("busy.others") : othersWords(others);
    return say("unsure.busy", { who: who.replace("O", "o") });
  }
  if (probed.cutOff !== undefined) return say("unsure.cut off");
  if (items < FEW_ITEMS) return say(items === 1 ? "unsure.one" : "unsure.few", { items });
  if (isDrawn) return say("unsure.drawn");
  const { shared, horizon } = assessment.found;
  if (shared && horizon > items && probed.done?.equal?.again.every((count) => count === 0)) {
    return say("unsure.repeats");
  }
  if (isRestUnlike(assessment.found)) return say("unsure.rest");
  const { low: lowGain, high: highGain } = assessment.predictedGain(candidate);
  if (highGain / lowGain <= WIDE) return undefined;
  return say(variation > UNEVEN ? "unsure.uneven" : "unsure.wide", { lowGain, highGain });
}

/** Says what an answer lacks, in half a sentence with the remedy; undefined if nothing is missing. */
export function missingOf(
  { probed, race, sample, machine, horizon, plan, raced, pace, backwards, options }: Evidence,
): string | undefined {
  if (pace?.ofPlainLoop || backwards?.orderMatters) return undefined;
  if (probed.cutOff !== undefined) return say("partial.cut off", { ...sample, ...probed });
  if (options.signal.aborted) return say("partial.interrupted");
  // A job that can't gain needs no race.
  if (classFor(sample, machine, horizon).noGain !== undefined || raced.length < 2) return undefined;
  if (plan === null) return say("partial.no race");
  const runners = race?.runners ?? [];
  if (race?.endedBy === "budget" && Math.max(...runners.map((of) => of.rounds.length)) === 1) {
    return say("partial.one round");
  }
  if (!race?.partial) return undefined;
  const unrun = runners.find(({ rounds }) => rounds.length === 0);
  return unrun === undefined
    ? say("partial.early")
    : say("partial.before", { unrun: nameOf(unrun.candidate) });
}
