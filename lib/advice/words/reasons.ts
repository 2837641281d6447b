/**
 * Puts into words why a model is recommended, where the prediction was wrong or is unsure, and what an
 * answer lacks.
 *
 * @module
 */

import { BASELINE } from "../../models.ts";
import { TOO_SLOW } from "../../judge/thresholds.ts";
import {
  counted,
  formatBytes,
  formatDuration,
  formatPercent,
  formatRatio,
  formatShortDuration,
  formatSpeedup,
} from "../../text/format.ts";
import type { Interval } from "../../timing/result.ts";
import type { ModelAdvice, Surprise } from "../advice.ts";
import type { Assessment, JobNoGain } from "../assessment.ts";
import { sourceLimit, wasBusy } from "../findings.ts";
import { bySimplicity, type Candidate, nameOf } from "../prediction/candidate.ts";
import { computesBeside } from "../prediction/choose_candidates.ts";
import type { Classified } from "../prediction/classify.ts";
import type { Probed } from "../probe/probe.ts";
import { blocks } from "../probe/sample.ts";
import type { Race, Runner } from "../race/race.ts";
import { nothingToGain, type Planned } from "../race/race_plan.ts";
import type { Recommendation } from "../race/recommend.ts";
import { paceText } from "./finding_words.ts";

/** A measured gain this far from the predicted one is a surprise. */
const SURPRISE = 1.25;
/** A prediction whose ends are this far apart is unsure, as is one of fewer items. */
const WIDE = 2.5;
const FEW_ITEMS = 5;
/** Gains up to so many times the number of cores are what computing can give, not waiting. */
const SATURATED = 1.25;

/** Finds where measuring contradicted the prediction by a quarter or more. */
export function surprisesOf(
  models: readonly ModelAdvice[],
  waits: boolean,
  busy: boolean,
  servedAtOnce?: number,
): Surprise[] {
  return models.flatMap(({ name, model, lanes, slots, measured, predictedGain, out }) => {
    const gain = measured?.gain?.median;
    if (gain === undefined || model === BASELINE || out === "failures" || out === "results") {
      return [];
    }
    const off = gain / predictedGain;
    if (off <= SURPRISE && off >= 1 / SURPRISE) return [];
    const why = off > 1
      ? waits
        ? "tasks compute less with many in flight than one by one, or the sample was slowed down (cold code, other programs)"
        : "the sample or the machine was slowed down when it was measured (cold code, other programs)"
      : servedAtOnce !== undefined && slots !== 1
      ? `what the tasks wait for serves about ${servedAtOnce} at once`
      : busy && lanes > 1
      ? "other programs used the CPUs"
      : waits && slots !== 1
      ? "what the tasks wait for doesn't serve so many at once, or they wait for each other"
      : waits
      ? "the tasks wait for each other, or for something that serves one at a time"
      : "the tasks get in each other's way (memory, caches, a lock), or others used the CPUs";
    return [{
      name,
      predictedGain,
      measuredGain: gain,
      text:
        `${name}: ${formatRatio(predictedGain)} predicted, ${formatRatio(gain)} measured; most ` +
        `likely ${why}.`,
    }];
  });
}

/** Why nothing is to be gained: only what holds for this job. */
function noGainReason({ found, sequentialMs }: Assessment, noGain: JobNoGain): string {
  const { horizon, machine, sample } = found;
  switch (noGain.why) {
    case "one item":
      return "Leave it sequential: there is only one item, and nothing to run at the same time.";
    case "little":
      return `Leave it sequential: ${counted(horizon, "item")} take ${
        formatDuration(sequentialMs)
      } in all, of which no model could save more than ${formatDuration(noGain.savedMs)}, and ` +
        `starting lanes alone takes ${formatDuration(machine.startMs.workers)}.`;
    case "dealing":
      return `Leave it sequential: a task computes for ${
        formatShortDuration(sample.wallMs)
      }, less than it ` +
        `takes to deal it out. Make one item of many to gain from lanes.`;
    case "copying":
      return `Leave it sequential: copying an item and its result to a lane takes ${
        formatShortDuration(sample.cloneMs)
      }, longer than the task itself computes (${
        formatShortDuration(sample.wallMs * sample.cpuShare)
      }). Send less, such as a path that the task reads, and return less.`;
    case "not sendable":
      return `Leave it sequential: slots on this event loop fill nothing, so that only lanes elsewhere ` +
        `could help, and what they need can't be sent there: ${noGain.what}.`;
    case "memory":
      return `Leave it sequential: a task holds ${
        formatBytes(sample.taskBytes ?? 0)
      }, and there is no memory for two at once (${
        formatBytes(machine.memoryBytes ?? 0)
      } are free).`;
  }
}

/** Why nothing can be told of a job whose sample didn't end. */
function cutOffReason(cutOff: string): string {
  return `Leave it sequential for now. Nothing can be told of the whole job, for its sample was cut off: ` +
    `${cutOff}. If it only takes long, a larger --budget lets it end; if it never ends, no model helps: ` +
    `mend it, or give each task a deadline (timeoutMs).`;
}

/** Why the plain loop stays, as it was decided. */
function plainReason(assessment: Assessment, { decision, best, bestGain }: Recommendation): string {
  switch (decision) {
    case "order matters":
      return "Leave it sequential: a task's result depends on which tasks ran before it, so that any " +
        "other order, a retry or another lane gives other results.";
    case "can't tell":
      if (assessment.plainIsMissing) return plainMissingReason(assessment.found.race);
      return `Leave it sequential for now. Whether another model pays can't be told${
        untoldText(assessment, best, bestGain)
      }`;
    case "other work":
      return "Leave it sequential for now: the race was not the job that was sampled (see the hazards), " +
        "so that whether another model pays can't be told from it.";
    case "unmeasured":
      return "Leave it sequential: what was predicted promises no sure gain, and no other model was measured.";
    default: {
      return bestGain === null
        ? `Leave it sequential: ${refutedText(assessment)}.`
        : "Leave it sequential: no model that gives the same results is detectably faster than the " +
          "plain loop.";
    }
  }
}

/** Why nothing can be told where models ran and the plain loop did not. */
function plainMissingReason(race: Race | undefined): string {
  const plain = race?.runners.find(({ candidate }) => candidate.model === BASELINE);
  const why = plain?.error !== undefined
    ? `could not run in the race (${plain.error})`
    : race?.partial
    ? "did not run in the race"
    : "was stopped in the race, for it took far longer there than in the sample";
  return `Leave it sequential for now. Whether another model pays can't be told: the plain loop itself ` +
    `${why}, and without it there is nothing to hold the others against. Run it again.`;
}

/** What came of a model that is no longer a candidate: what was measured of it. */
function cameOf(assessment: Assessment, { candidate, out, rounds }: Runner): string | undefined {
  switch (out) {
    case "failures":
      return "had failures of its own";
    case "results":
      return "gave other results";
    case "broken":
      return "could not run";
    case "slower": {
      if (rounds.length === 0) return "was stopped, for it took too long";
      const gain = assessment.gain(candidate);
      const often = rounds.length === 1 ? "its one round" : `${rounds.length} rounds`;
      if (gain === null) return `was slower than the best in ${often}`;
      return gain.median < 1
        ? `took ${formatRatio(1 / gain.median)} as long as the plain loop in ${often}`
        : `gained ${formatSpeedup(gain)} in ${often}`;
    }
    default:
      return undefined;
  }
}

function refutedText(assessment: Assessment): string {
  const said = assessment.runners.filter(({ candidate }) => candidate.model !== BASELINE)
    .flatMap((runner) => {
      const came = cameOf(assessment, runner);
      return came === undefined ? [] : [`${nameOf(runner.candidate)} ${came}`];
    });
  return said.length === 0 ? "nothing else was left to compare" : said.join(", ");
}

/** What was measured, why that tells nothing, and what would help. */
function untoldText(assessment: Assessment, best: Candidate, bestGain: Interval | null): string {
  const { found, impossible } = assessment;
  const { sample, machine } = found;
  const busy = wasBusy(sample, machine);
  const idle = " Run it again on an idle machine.";
  if (impossible.length > 0) {
    return `, because what was measured can't be right (see the hazards).${
      busy ? idle : budgetText(found.race)
    }`;
  }
  if (bestGain !== null && bestGain.low > 1) {
    const gained = `${nameOf(best)} gained ${formatSpeedup(bestGain)}`;
    const meanwhile = `${machine.cores} independent processes gained ${
      formatRatio(machine.ceiling)
    }`;
    return `: ${gained}, but ${meanwhile}, so that it may only have taken a greater share of the CPUs ` +
      `from other programs.${idle}`;
  }
  const span = bestGain === null
    ? ""
    : `: ${nameOf(best)} gained ${formatSpeedup(bestGain)}, an interval that spans 1`;
  return `${span}, because ${whyUnclear(assessment)}${
    busy ? `, and other programs used the CPUs.${idle}` : "."
  }${budgetText(found.race)}`;
}

/** What more time would buy. */
function budgetText(race: Race | undefined): string {
  return race?.endedBy === "budget" ? " A larger --budget buys more rounds." : "";
}

/** Why an interval is as wide as it is. */
function whyUnclear({ runners, found }: Assessment): string {
  const rounds = Math.max(0, ...runners.map((runner) => runner.rounds.length));
  if (found.sample.items <= FEW_ITEMS) {
    return `there are only ${counted(found.sample.items, "item")}`;
  }
  if (
    runners.every(({ candidate, rounds }) => candidate.model === BASELINE || rounds.length === 0)
  ) {
    return "no other model was run to its end";
  }
  return rounds <= 1
    ? "there was only one round"
    : `${rounds} rounds differ from each other by more than the gain`;
}

/** What a model does for the job, by what was seen of its tasks. */
function natureOf(
  assessment: Assessment,
  candidate: Candidate,
  bound: Classified["bound"],
): string {
  const { sample, options } = assessment.found;
  const isLoop = candidate.lanes === 1;
  const programs = options.job.permissions?.run !== undefined;
  if (isLoop && (sample.programsMs ?? 0) > sample.cpuMs / 2) {
    return "The tasks run programs, and these compute on the same cores: slots on one lane keep the cores " +
      "busy, and that is enough.";
  }
  if (isLoop && computesBeside(sample)) {
    return "The tasks compute beside this event loop, on threads of their own: slots on one lane keep the " +
      "cores busy, and that is enough.";
  }
  if (isLoop && programs && bound !== "cpu" && saturates(assessment)) {
    return "The tasks run programs, and these compute on the same cores: slots on one lane keep the cores " +
      "busy, and more in flight gain nothing.";
  }
  if (isLoop && bound === "cpu") {
    return "The tasks compute, and yet slots on one lane gained: part of that isn't done on the event loop.";
  }
  if (isLoop) return "The tasks wait: slots on one lane fill the waits, and that is enough.";
  if (candidate.slots > 1) {
    return bound === "io"
      ? "The tasks wait, but with so many in flight one event loop has its hands full: lanes share it."
      : bound === "cpu"
      ? "The tasks compute: lanes do it at the same time, slots keep each of them supplied."
      : "The tasks compute and wait: lanes do the computing at the same time, slots fill the waits.";
  }
  if (blocks(sample)) {
    return "The tasks hold up their thread while they wait: each needs a lane of its own.";
  }
  return bound === "io"
    ? "Slots on one lane gained less than lanes."
    : "The tasks compute: only more lanes help.";
}

/** Whether no model that was measured gained more than the cores can compute at once. */
function saturates(assessment: Assessment): boolean {
  const { machine } = assessment.found;
  const gains = assessment.runners.filter(({ out }) => out === undefined)
    .map(({ candidate }) => assessment.gain(candidate)?.median ?? 0);
  return Math.max(0, ...gains) <= SATURATED * machine.cores;
}

/**
 * Says why a model is recommended: only what was seen of the tasks, and only what was measured of others.
 */
export function reasonOf(
  assessment: Assessment,
  recommendation: Recommendation,
  bound: Classified["bound"],
): string {
  const { candidate, gain, decision } = recommendation;
  const { horizon, pace, probed } = assessment.found;
  if (decision === "server's pace") {
    const perSecond = pace?.perSecond ?? null;
    return `A server's limit decides, not the model${
      perSecond === null
        ? ""
        : `: about ${paceText(perSecond)}, so ${counted(horizon, "item")} ${
          horizon === 1 ? "takes" : "take"
        } ${formatDuration(1000 * horizon / perSecond)} at best`
    }. ${nameOf(candidate)} keeps to it, with retries for what is refused.`;
  }
  if (probed.cutOff !== undefined) return cutOffReason(probed.cutOff);
  const { noGain } = assessment;
  if (noGain !== undefined) return noGainReason(assessment, noGain);
  const limit = sourceLimit(assessment.found.sample, gain?.median ?? 1);
  if (limit !== undefined) {
    const { sourceMs } = assessment.found.sample;
    const plain = candidate.model === BASELINE ? "Leave it sequential: the" : "The";
    return `${plain} source of the items is the limit. It gives one each ${
      formatDuration(sourceMs)
    }, and that alone is ${formatPercent(limit)} of the time that ${nameOf(candidate)} takes.`;
  }
  if (candidate.model === BASELINE) return plainReason(assessment, recommendation);
  const what = natureOf(assessment, candidate, bound);
  if (decision === "other work") {
    return `${what} Its gain is predicted from the sample: it paid in the race too, but that was not the ` +
      `job that was sampled (see the hazards).`;
  }
  if (gain === null) return `${what} Predicted, not measured.`;
  const { servedAtOnce } = assessment;
  if (servedAtOnce !== undefined && candidate.lanes === 1) {
    return `${what} What they wait for serves about ${servedAtOnce} at once: with more in flight they ` +
      `only queue.`;
  }
  const simpler = assessment.models().filter((of) =>
    of.model !== BASELINE && of.measured !== undefined && of.out !== "failures" &&
    bySimplicity({ ...of, slots: of.slots ?? Infinity } as Candidate, candidate) < 0
  );
  const near = simpler.some(({ measured }) =>
    (measured?.gain?.median ?? 0) * TOO_SLOW >= gain.median
  );
  return simpler.length === 0 || near
    ? what
    : `${what} No simpler model that was measured comes near it.`;
}

/** Says why the prediction may be off, in half a sentence; undefined if it is sure. */
export function unsureOf(assessment: Assessment, candidate: Candidate): string | undefined {
  const { sample, probed } = assessment.found;
  if (probed.cutOff !== undefined) return "the sample was cut off";
  if (sample.items < FEW_ITEMS) {
    return `there ${sample.items === 1 ? "was" : "were"} only ${
      counted(sample.items, "item")
    } to go by`;
  }
  const { low, high } = assessment.predictedGain(candidate);
  if (high / low <= WIDE) return undefined;
  return sample.variation > 0.5
    ? `the tasks are uneven: the gain is between ${formatRatio(low)} and ${formatRatio(high)}`
    : `what tasks compute with many in flight can't be told from one by one: the gain is between ${
      formatRatio(low)
    } and ${formatRatio(high)}`;
}

/** Says what an answer lacks, in half a sentence with the remedy; undefined if nothing is missing. */
export function missingOf(
  { probed, race, ...planned }: Planned & {
    readonly probed: Pick<Probed, "cutOff">;
    readonly race: Race | undefined;
  },
  signal: AbortSignal,
): string | undefined {
  const { sample, plan, raced } = planned;
  if (probed.cutOff !== undefined) {
    return `the sample was cut off after ${counted(sample.items, "item")}: ` +
      `${probed.cutOff}; what follows is predicted from these. A larger --budget lets it finish`;
  }
  if (signal.aborted) {
    return "it was interrupted; what follows rests on what was measured until then";
  }
  // What can't gain isn't missed.
  if (nothingToGain(planned) !== undefined || raced.length < 2) return undefined;
  if (plan === null) {
    return "no race: the budget leaves no time for a round of two models; what follows " +
      "is predicted. More items, or a larger --budget, confirm it";
  }
  const [first] = race?.runners.filter(({ rounds }) => rounds.length === 0) ?? [];
  const rounds = Math.max(0, ...race?.runners.map((of) => of.rounds.length) ?? []);
  if (race?.endedBy === "budget" && rounds === 1) {
    return "there was time for only one round; a larger --budget makes it surer";
  }
  if (race?.partial) {
    return `the budget ended the race early${
      first === undefined ? "" : `, before ${nameOf(first.candidate)} had run`
    }; a larger --budget makes it surer`;
  }
  return undefined;
}
