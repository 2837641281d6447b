/** Puts the evidence together as advice, with the program to run. */

import { BASELINE } from "../models.ts";
import { nearestConfig } from "../lanes/project.ts";
import { UNSURE } from "../judge/thresholds.ts";
import { counted } from "../text/format.ts";
import { plain } from "../text/plain.ts";
import type { Advice, Hazard } from "./advice.ts";
import { Assessment } from "./assessment.ts";
import { type Evidence } from "./evidence.ts";
import { type Finding, findingsOf, sayFinding } from "./findings/findings.ts";
import { busyMatters } from "./prediction/predict.ts";
import { sizeOf } from "./prediction/candidate.ts";
import { graceFor } from "./probe/probe.ts";
import { givesNothing, isRestUnlike } from "./probe/sample.ts";
import { programFor, type ProgramJob, rateOf } from "./program.ts";
import { failingOf, isOfServer } from "./race/failing.ts";
import type { Recommendation } from "./race/recommend.ts";
import { runnerOf } from "./race/runner.ts";
import { missingOf, reasonOf, surprisesOf, unsureOf } from "./reasons.ts";
import { say } from "./say.ts";
import { sayAll } from "../text/fill.ts";

const RETRIES = 5;

/** A finding as a file holds it, with null for infinity and no undefined figures. */
function hazardOf(finding: Finding): Advice["hazards"][number] {
  const { kind, ...figures } = finding;
  return { kind, text: sayFinding(finding), figures: JSON.parse(JSON.stringify(figures)) };
}

function costOf({ sample, race, backwards, again, profile, auto }: Evidence): Advice["cost"] {
  const profiledMs = profile !== undefined && "tasksMs" in profile ? profile.tasksMs : undefined;
  const { items = 0, timesRun: times = 0 } = backwards ?? {};
  const itemsMs = (items * times + (again?.items ?? 0)) * sample.wallMs;
  const tasksMs = sample.tasksMs + (race?.costMs ?? 0) + itemsMs + (profiledMs ?? 0) +
    (auto?.runMs ?? 0);
  const once = [profiledMs, auto?.runMs].filter((of) => of !== undefined).length;
  const timesRun = 1 + (race?.trials ?? 0) + times + (again?.timesRun ?? 0) + once;
  return { tasksMs, sequentialRuns: tasksMs / sample.tasksMs, timesRun };
}

function careOf(
  { sample, race, pace }: Evidence,
  { candidate, decision }: Recommendation,
): Pick<ProgramJob, "retries" | "rate" | "fails"> {
  const { kind, reasons } = failingOf(race?.runners) ?? {};
  const refuses = pace?.ofPlainLoop === true || (kind === "refused" && isOfServer(reasons));
  return {
    retries: refuses ? RETRIES : 0,
    rate: decision === "server's pace" ? rateOf(pace?.perSecond ?? null) : undefined,
    // A rare failure would end the program, and an item may be refused on its last try.
    fails: sample.failed > 0 || refuses ||
      runnerOf(race?.runners, candidate)?.rounds.some(({ failed }) => failed > 0) === true,
  };
}

export function composeAdvice(found: Evidence): Advice {
  const assessment = new Assessment(found);
  const { options: { job, library, server }, sample, machine, probed, profile } = found;
  const { bound, cpuShare, confidence: classConfidence } = assessment.classified();
  const recommendation = assessment.recommendation();
  const { candidate, decision, gain } = recommendation;
  const isPlain = candidate.model === BASELINE;
  const models = assessment.models();
  const { hooks, items } = probed.exports;
  const care = careOf(found, recommendation);
  const prepares = probed.isDisposable ? "gives what is to be disposed" : "gives nothing";
  const { code, flags } = programFor({
    ...job.task,
    itemsAreMade: items === "function",
    prepare: hooks.includes("prepare") ? prepares : undefined,
    resets: hooks.includes("reset"),
    graceMs: graceFor(probed),
    config: nearestConfig(job.task.module),
    permissions: job.permissions ?? {},
    leavesOpen: probed.leavesOpen !== undefined,
    ...{ library, server, ...care },
  }, candidate);
  const { walls: _walls, laneMs: _laneMs, loadMs: _loadMs, ...sums } = sample;
  const { isDrawn: _isDrawn, rest: _rest, ...figures } = sums;
  // The plain loop needs no check of the order; items that fail, or a race of other work, allow none.
  const isUnchecked = !isPlain && (decision === "gain" || decision === "unmeasured") &&
    found.backwards?.orderMatters === undefined && sample.failed === 0 && !found.race?.otherResults;
  const isDoubtful = isUnchecked || (!isPlain && givesNothing(probed)) ||
    busyMatters(found) || isRestUnlike(found);
  const unsure = unsureOf(assessment, candidate);
  const partial = missingOf(found);
  return {
    job: { title: job.name, ...job.task, total: found.total },
    ...{ horizon: found.horizon, bound, cpuShare, classConfidence, sample: figures },
    ...{ machine, models },
    ...(unsure !== undefined && { unsure }),
    ...(profile !== undefined && { profile }),
    // A race that wasn't the sampled job says nothing about the predictions.
    surprises: decision === "other work" ? [] : surprisesOf(assessment, models),
    recommended: {
      ...sizeOf(candidate),
      chunk: "auto",
      gain,
      predictedGain: assessment.gainAtPace(recommendation),
      confidence: Math.min(recommendation.confidence, isDoubtful ? UNSURE : 1),
      memoryBytes: isPlain ? 0 : assessment.moreBytes(candidate),
      breakEven: isPlain || decision === "server's pace" ? null : assessment.breakEven(candidate),
      reason: sayAll(
        reasonOf(assessment, recommendation, bound),
        isUnchecked && say("reason.unchecked"),
      ),
      decision,
      ...(care.retries && { retries: care.retries }),
      ...(care.rate && { rate: care.rate }),
    },
    ...(found.auto && { auto: found.auto }),
    code,
    flags,
    hazards: findingsOf(assessment, recommendation).map(hazardOf),
    ...(partial !== undefined && { partial }),
    cost: costOf(found),
  };
}

const FAILING: readonly Hazard["kind"][] = ["refused", "descriptors", "late", "lanes"];

/**
 * The faults met while advice was made, a line each: tasks that failed in the sample or under a model of the
 * race, tasks that didn't settle, and results that differ. A script with a fault exits with 1.
 */
export function faultsOf(
  { sample, hazards }: Pick<Advice, "sample" | "hazards">,
  { probed }: Pick<Evidence, "probed">,
): string[] {
  const [first] = probed.failures;
  const has = (wanted: Hazard["kind"]) => hazards.some(({ kind }) => kind === wanted);
  return [
    first !== undefined &&
    `${sample.failed} of ${counted(sample.items, "item")} failed, item ${first.index} with ` +
      plain(`${first.reason}: ${first.message}`),
    ...hazards.filter(({ kind }) => FAILING.includes(kind)).map(({ figures = {} }) => {
      const { failed, items, inFlight, model } = figures;
      return `${failed} of ${counted(Number(items), "item")} failed with ` +
        `${counted(Number(inFlight), "task")} in flight (${model}); see the hazards`;
    }),
    probed.cutOff !== undefined && `${probed.cutOff}; give it longer with --budget`,
    has("results")
      ? "the models gave different results; see the hazards"
      : has("order") && "results depend on the order in which tasks run; see the hazards",
  ].filter((fault) => fault !== false);
}
