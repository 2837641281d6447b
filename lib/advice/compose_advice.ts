/**
 * Puts what was found together as advice: class, models, recommendation, surprises, hazards, and the
 * program to run.
 *
 * @module
 */

import { BASELINE, MODEL_TABLE, takes } from "../models.ts";
import { nearestConfig } from "../lanes/project.ts";
import { type LanePermissions, permissionFlags } from "../lanes/subprocess/permissions.ts";
import type { Rate } from "../dispatch/limit.ts";
import { isRefusal } from "../tasks/http_signs.ts";
import { UNSURE } from "../judge/thresholds.ts";
import type { Advice } from "./advice.ts";
import { Assessment } from "./assessment.ts";
import type { Evidence } from "./evidence.ts";
import { failingOf, findingsOf, wasBusy } from "./findings.ts";
import { type Candidate, nameOf, SEQUENTIAL, slotsOf } from "./prediction/candidate.ts";
import { graceFor } from "./probe/probe.ts";
import { sayFinding } from "./words/finding_words.ts";
import { reasonOf, surprisesOf, unsureOf } from "./words/reasons.ts";

/** How often an item is tried again that a server refused. */
const RETRIES = 5;
/** Which model would be recommended. */
export function recommends(found: Evidence): Candidate["model"] {
  return new Assessment(found).recommendation().candidate.model;
}

/** Figures as a file holds them: null for infinity, and no undefined fields. */
function finite(figures: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(figures));
}

/** Puts advice together from what was found. */
export function composeAdvice(found: Evidence): Advice {
  const assessment = new Assessment(found);
  const { options, sample, machine, race, probed } = found;
  const { classified, note } = assessment.corrected(assessment.classified());
  const recommendation = assessment.recommendation();
  const { candidate } = recommendation;
  const models = assessment.models();
  const memoryOf = (of: Candidate) =>
    models.find(({ name }) => name === nameOf(of))?.measured?.peakRssBytes;
  const [own, plain] = [memoryOf(candidate), memoryOf(SEQUENTIAL)];
  const memoryBytes = own === undefined || plain === undefined ? null : own - plain;
  const failing = failingOf(race?.runners ?? []);
  const refuses = found.pace?.ofPlainLoop || failing?.reasons.some(isRefusal);
  const retries = refuses ? RETRIES : 0;
  // What fails now and then would end the program; what is refused may be refused to the last try.
  const fails = sample.failed > 0 || refuses === true ||
    assessment.runners.some((of) =>
      nameOf(of.candidate) === nameOf(candidate) && of.rounds.some(({ failed }) => failed > 0)
    );
  const rate = recommendation.decision === "server's pace"
    ? rateOf(found.pace?.perSecond ?? null)
    : undefined;
  const { code, flags } = programFor({
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
    rate,
    fails,
  }, candidate);
  const findings = findingsOf(found, candidate, memoryBytes, assessment.impossible);
  const backwardsMs = (found.backwards?.items ?? 0) * sample.wallMs;
  const profile = found.profile;
  const profiled = profile !== undefined && "tasksMs" in profile ? profile : undefined;
  const paceMs = (found.pace?.items ?? 0) * sample.wallMs;
  const tasksMs = sample.tasksMs + (race?.costMs ?? 0) + backwardsMs + paceMs +
    (profiled?.tasksMs ?? 0);
  const { walls: _walls, laneMs: _laneMs, ...figures } = sample;
  // Whether lanes pay, or how much, while others use the CPUs.
  const isShared = found.backwards?.rewritten !== undefined && candidate.model !== BASELINE;
  const doubtful = isShared ||
    (sample.cpuShare > 0.3 && assessment.noGain === undefined && wasBusy(sample, machine));
  const unsure = unsureOf(assessment, candidate);
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
    // A race that wasn't the sampled job says nothing of the predictions.
    surprises: recommendation.decision === "other work" ? [] : surprisesOf(
      models,
      sample.cpuShare < 0.5,
      wasBusy(sample, machine),
      assessment.servedAtOnce,
    ),
    recommended: {
      model: candidate.model,
      lanes: candidate.lanes,
      slots: slotsOf(candidate),
      name: nameOf(candidate),
      chunk: "auto",
      gain: recommendation.gain,
      predictedGain: assessment.predictedGain(candidate).gain,
      confidence: Math.min(recommendation.confidence, doubtful ? UNSURE : 1),
      memoryBytes: candidate.model === BASELINE ? 0 : memoryBytes,
      breakEven: candidate.model === BASELINE || recommendation.decision === "server's pace"
        ? null
        : assessment.breakEven(candidate),
      reason: reasonOf(assessment, recommendation, classified.bound),
      decision: recommendation.decision,
      ...(retries > 0 && { retries }),
      ...(rate && { rate }),
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

/** The option of `map` that keeps to a pace, in items a second; undefined if it isn't known. */
export function rateOf(perSecond: number | null): Rate | undefined {
  if (perSecond === null || !(perSecond > 0)) return undefined;
  return perSecond >= 1
    ? { limit: Math.floor(perSecond), perMs: 1000 }
    : { limit: 1, perMs: Math.ceil(1000 / perSecond) };
}

/** What a program is written for. */
export interface ProgramJob {
  /** The job's module, as a URL. */
  readonly module: string;
  /** The name of the task's export. */
  readonly export: string;
  /** Whether `items` is a function. */
  readonly itemsAreMade: boolean;
  /** What its `prepare` gives, if there is one. */
  readonly prepare?: "gives nothing" | "gives what is to be disposed" | undefined;
  /** How long a lane's teardown may take, in milliseconds; the usual time unless given. */
  readonly graceMs?: number | undefined;
  /** The deno.json of the job's own project, by which its imports go wherever the program is saved. */
  readonly config?: string | undefined;
  /** What the job was allowed. */
  readonly permissions: LanePermissions;
  /** The library's entry, as a URL. */
  readonly library: string;
  /** How often an item is tried again; default 0. */
  readonly retries?: number;
  /** The pace to keep to; none unless given. */
  readonly rate?: Rate | undefined;
  /** Whether items were seen to fail, so that the program has to go on behind one that does. */
  readonly fails?: boolean;
}

/** A program, and how to run it. */
interface Program {
  /** The program, whole. */
  readonly code: string;
  /** The flags that `deno run` needs. */
  readonly flags: readonly string[];
}

function optionsOf(
  { model, lanes, slots }: Candidate,
  { permissions, graceMs }: ProgramJob,
): string {
  const parts: string[] = [];
  if (takes(model, "lanes")) parts.push(`lanes: ${lanes}`);
  if (takes(model, "slots") && (parts.length === 0 || slots > 1)) parts.push(`slots: ${slots}`);
  if (graceMs !== undefined) parts.push(`graceMs: ${graceMs}`);
  if (MODEL_TABLE[model].startsDeno && Object.keys(permissions).length > 0) {
    parts.push(`permissions: ${JSON.stringify(permissions)}`);
  }
  return parts.length === 0 ? "" : `{ ${parts.join(", ")} }`;
}

function flagsOf(job: ProgramJob, { model }: Candidate): string[] {
  const { permissions } = job;
  const list = (given: boolean | readonly string[] | undefined) =>
    given === true || given === undefined || given === false ? [] : given;
  const project = job.config === undefined ? [] : [`--config=${job.config}`];
  const allowed = permissionFlags({
    ...permissions,
    // Modules named by URL are read when they are first needed.
    read: true,
    run: permissions.run === true ? true : [
      ...list(permissions.run),
      ...(MODEL_TABLE[model].startsDeno ? [Deno.execPath()] : []),
    ],
  });
  return [...project, ...allowed];
}

/** Writes the program that runs the whole job under a model, with nothing left to fill in. */
export function programFor(job: ProgramJob, candidate: Candidate): Program {
  const { model } = candidate;
  const name = job.export === "default" ? "" : `, ${JSON.stringify(job.export)}`;
  const items = job.itemsAreMade ? "await job.items()" : "job.items";
  const { retries = 0, rate } = job;
  const given = [
    ...(retries > 0 ? [`retries: ${retries}`] : []),
    ...(rate === undefined ? [] : [`rate: { limit: ${rate.limit}, perMs: ${rate.perMs} }`]),
  ];
  const mapOptions = given.length === 0 ? "" : `, { ${given.join(", ")} }`;
  const run = [
    `await using executor = ${model}(${optionsOf(candidate, job)});`,
    `const work = task<typeof job${name}>(${JSON.stringify(job.module)}${name});`,
    ...(job.fails
      ? [
        `for await (const outcome of executor.mapSettled(work, ${items}${mapOptions})) {`,
        `  if (outcome.status === "fulfilled") console.log(outcome.value);`,
        `  else {`,
        `    console.error(outcome.index, outcome.ended, outcome.reason);`,
        `    Deno.exitCode = 1;`,
        `  }`,
        `}`,
      ]
      : [
        `for await (const result of executor.map(work, ${items}${mapOptions})) console.log(result);`,
      ]),
  ];
  const lines = [
    `import { ${["task", model].sort().join(", ")} } from ${JSON.stringify(job.library)};`,
    `import * as job from ${JSON.stringify(job.module)};`,
    "",
    // What was prepared is disposed after the lanes are closed.
    ...(job.prepare === "gives nothing" ? ["await job.prepare();"] : []),
    ...(job.prepare === "gives what is to be disposed"
      ? ["await using _prepared = await job.prepare();"]
      : []),
    ...run,
  ];
  return { code: `${lines.join("\n")}\n`, flags: flagsOf(job, candidate) };
}
