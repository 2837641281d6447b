/**
 * Puts what was found together: class, models, recommendation, surprises, hazards, code.
 *
 * @module
 */

import { isRefusal } from "../timing/failures.ts";
import type { Advice } from "./advice.ts";
import { type Candidate, nameOf, SEQUENTIAL, slotsOf } from "./prediction/candidate.ts";
import { Composer } from "./composer.ts";
import type { Findings } from "./findings.ts";
import { findingsOf, wasBusy } from "./findings_of.ts";
import { failingOf } from "./failing.ts";
import { sayFinding } from "./words/finding_words.ts";
import { nearestConfig } from "../lanes/project.ts";
import { graceFor } from "./probe/probe.ts";
import { snippetFor } from "./words/snippet.ts";
import { reasonOf, surprisesOf, unsureOf } from "./words/wording.ts";

/** How often an item is tried again that a server refused. */
const RETRIES = 5;
/** How sure it can be that lanes don't pay, while others use the CPUs. */
const DOUBTFUL = 0.6;

/** Which model would be recommended. */
export function recommends(found: Findings): Candidate["model"] {
  const composer = new Composer(found);
  const { classified } = composer.corrected(composer.classified());
  return composer.recommendation(classified.bound).candidate.model;
}

/** Figures as a file holds them: JSON has no infinity, and nothing that isn't there. */
function finite(figures: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(figures));
}

/** Puts advice together from what was found. */
export function composeAdvice(found: Findings): Advice {
  const composer = new Composer(found);
  const { options, sample, machine, race, probed } = found;
  const { classified, note } = composer.corrected(composer.classified());
  const recommendation = composer.recommendation(classified.bound);
  const { candidate } = recommendation;
  const models = composer.models();
  const memoryOf = (of: Candidate) =>
    models.find(({ name }) => name === nameOf(of))?.measured?.peakRssBytes;
  const [own, plain] = [memoryOf(candidate), memoryOf(SEQUENTIAL)];
  const memoryBytes = own === undefined || plain === undefined ? null : own - plain;
  const failing = failingOf(race?.runners ?? []);
  const refuses = found.pace?.ofPlainLoop || failing?.reasons.some(isRefusal);
  const retries = refuses ? RETRIES : 0;
  const { code, flags } = snippetFor({
    module: options.job.task.module,
    export: options.job.task.export,
    itemsAreMade: probed.exports.items === "function",
    prepare: probed.exports.prepare
      ? probed.isDisposable ? "gives what is to be disposed" : "gives nothing"
      : undefined,
    graceMs: graceFor(probed),
    config: nearestConfig(options.job.task.module),
    permissions: options.job.permissions ?? {},
    library: options.library,
    retries,
  }, candidate);
  const findings = findingsOf(found, candidate, memoryBytes, composer.impossible);
  const backwardsMs = (found.backwards?.items ?? 0) * sample.wallMs;
  const profile = found.profile;
  const profiled = profile !== undefined && "tasksMs" in profile ? profile : undefined;
  const paceMs = (found.pace?.items ?? 0) * sample.wallMs;
  const tasksMs = sample.tasksMs + (race?.costMs ?? 0) + backwardsMs + paceMs +
    (profiled?.tasksMs ?? 0);
  const { walls: _walls, laneMs: _laneMs, ...figures } = sample;
  const doubtful = sample.cpuShare > 0.3 && candidate.lanes === 1 &&
    classified.bound !== "small" && wasBusy(sample, machine);
  const unsure = unsureOf(composer, candidate);
  return {
    job: {
      title: options.job.name,
      module: options.job.task.module,
      export: options.job.task.export,
      total: found.total,
    },
    horizon: found.horizon,
    bound: classified.bound,
    cpuShare: classified.cpuShare,
    classConfidence: classified.confidence,
    ...(note !== undefined && { classNote: note }),
    sample: figures,
    machine,
    models,
    ...(unsure !== undefined && { unsure }),
    ...(profile !== undefined && { profile }),
    // A race that wasn't the job refutes nothing that was predicted of it.
    surprises: recommendation.decision === "other work"
      ? []
      : surprisesOf(models, sample.cpuShare < 0.5, wasBusy(sample, machine)),
    recommended: {
      model: candidate.model,
      lanes: candidate.lanes,
      slots: slotsOf(candidate),
      name: nameOf(candidate),
      chunk: "auto",
      gain: recommendation.gain,
      predictedGain: composer.predictedGain(candidate).gain,
      confidence: Math.min(recommendation.confidence, doubtful ? DOUBTFUL : 1),
      memoryBytes: candidate.model === "sequential" ? 0 : memoryBytes,
      breakEven: candidate.model === "sequential" ? null : composer.breakEven(candidate),
      reason: reasonOf(composer, recommendation, classified.bound),
      decision: recommendation.decision,
      ...(retries > 0 && { retries }),
    },
    code,
    flags,
    hazards: findings.map((finding) => {
      const { kind, ...figures } = finding;
      return { kind, text: sayFinding(finding), figures: finite(figures) };
    }),
    ...(found.missing !== undefined && { partial: found.missing }),
    cost: {
      tasksMs,
      sequentialRuns: tasksMs / sample.tasksMs,
      timesRun: 1 + (race?.trials ?? 0) + (found.backwards === undefined ? 0 : 1) +
        (found.pace === undefined ? 0 : 1) + (profiled === undefined ? 0 : 1),
    },
  };
}
