/** Compares a result with an older one: which models became slower, and whether by more than allowed. */

import { isFixed } from "../models.ts";
import { counted } from "../text/format.ts";
import { fit } from "../text/plain.ts";
import { differenceOf, NORMAL, timeInterval, unpairedRatio } from "./interval.ts";
import {
  type Comparison,
  type ModelResult,
  nothingSucceeded,
  type ResultFile,
  type Round,
} from "./result.ts";

export type Change = ReturnType<typeof changeOf>;

/** How many items of all rounds failed, and as what share of them. */
function failuresOf({ rounds }: Pick<ModelResult, "rounds">) {
  const sumOf = (of: (round: Round) => number) => rounds.reduce((sum, round) => sum + of(round), 0);
  const failed = sumOf(({ failed }) => failed);
  const all = failed + sumOf(({ succeeded }) => succeeded);
  return { failed, all, share: failed === 0 ? 0 : failed / all };
}

type Failures = ReturnType<typeof failuresOf>;

/** Between which shares of all items those that failed are, by Wilson's interval (JASA 22, 1927). */
function shareInterval({ failed, all }: Failures): { readonly low: number; readonly high: number } {
  const spare = NORMAL ** 2;
  const middle = (failed + spare / 2) / (all + spare);
  const reach = NORMAL / (all + spare) * Math.sqrt(failed * (all - failed) / all + spare / 4);
  return { low: middle - reach, high: middle + reach };
}

/** Whether more fails than before in every round, or more of all items than by chance: not one more of many. */
function failsMore(now: ModelResult, then: ModelResult): boolean {
  const [fresh, old] = [now, then].map((of) => failuresOf(of)) as [Failures, Failures];
  if (fresh.share <= old.share) return false;
  const shares = ({ rounds }: ModelResult) =>
    rounds.map((round) => failuresOf({ rounds: [round] }).share);
  return Math.min(...shares(now)) > Math.max(...shares(then)) ||
    shareInterval(fresh).low > shareInterval(old).high;
}

/** Why two times can't be compared: detectably different shares of the items failed, or none succeeded. */
function incomparable(then: ModelResult, now: ModelResult) {
  if (failsMore(now, then)) return "fails more now";
  if (failsMore(then, now)) return "failed more then";
  return nothingSucceeded(now) ? "fails then and now" : undefined;
}

function changeOf(
  job: string,
  then: ModelResult,
  now: ModelResult,
  { most, agree }: { readonly most: number; readonly agree: boolean },
) {
  const times = ({ rounds }: ModelResult) => rounds.map(({ wallMs }) => wallMs);
  const [oldTimes, newTimes] = [times(then), times(now)];
  const ratio = unpairedRatio(newTimes, oldTimes);
  // Times can't be compared where other shares failed: failing items may end sooner.
  const verdict = agree ? incomparable(then, now) ?? differenceOf(ratio) : "results differ";
  return {
    job,
    model: now.model,
    oldMs: timeInterval(oldTimes),
    newMs: timeInterval(newTimes),
    /** The new time over the old one: above 1 is slower. */
    ratio,
    verdict,
    /** Whether the model is detectably slower, and by more than allowed. */
    tooSlow: verdict === "slower" && ratio.median > 1 + most,
  };
}

/** The value as JSON with sorted keys, so that equal options compare equal. */
function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, held) =>
      typeof held === "object" && held !== null && !Array.isArray(held)
        ? Object.fromEntries(Object.entries(held).toSorted(([a], [b]) => a < b ? -1 : 1))
        : held,
  );
}

function environmentWarnings(then: ResultFile, now: ResultFile): string[] {
  const names = {
    deno: "Deno",
    v8: "V8",
    os: "the operating system",
    arch: "the processor's architecture",
    cpus: "the number of CPUs",
    lanesAvailable: "the number of CPUs this process may use",
    cpuModel: "the CPU",
  };
  const differing = Object.entries(names).flatMap(([key, name]) => {
    const [old, fresh] = [then, now].map((of) => of.environment[key as keyof typeof names]);
    return old === fresh || old === undefined || fresh === undefined
      ? []
      : [`Then and now differ in ${name}: ${old} then, ${fresh} now.`];
  });
  const partial = [...(then.partial ? ["older"] : []), ...(now.partial ? ["newer"] : [])];
  return [
    ...differing,
    ...partial.map((which) => `The ${which} result is partial: its run was interrupted.`),
  ];
}

/** The part of a job by which two are recognised as the same work. */
export interface ComparedJob extends Readonly<Pick<Comparison["job"], "name" | "items">> {
  readonly options: Readonly<Record<string, unknown>>;
}

/** The part of a model by which two are recognised as the same; a planned one may leave a size open. */
type ComparedModel = Pick<ModelResult, "model"> & Partial<Pick<ModelResult, "lanes" | "slots">>;

/** A job and the models under which it ran. */
export interface Compared {
  readonly job: ComparedJob;
  readonly models: readonly ComparedModel[];
}

export function isSameJob(one: ComparedJob, other: ComparedJob): boolean {
  return isNamesake(one, other) && canonical(one.options) === canonical(other.options);
}

function isNamesake(one: ComparedJob, other: ComparedJob): boolean {
  return one.name === other.name && one.items === other.items;
}

/** Whether two are the same model and size; sizes don't count for a model that finds its own. */
export function isSameModel(one: ComparedModel, { model, lanes, slots }: ComparedModel): boolean {
  const isAlike = <T>(then: T, now: T | undefined) => now === undefined || now === then;
  return one.model === model &&
    (!isFixed(model) || (isAlike(one.lanes, lanes) && isAlike(one.slots, slots)));
}

export function jobText({ name, items }: ComparedJob): string {
  return `${name}, ${counted(items, "item")}`;
}

function sizeOf({ lanes, slots }: ComparedModel): string {
  return `${lanes} × ${slots ?? "all"}`;
}

/** How many characters of an option's value are shown. */
const MOST_SHOWN = 60;

/** Why two jobs of one name aren't compared, in half sentences: options, or else models' sizes, differ. */
export function whatDiffers(then: Compared, now: Compared): string[] {
  if (!isNamesake(then.job, now.job)) return [];
  const [old, fresh] = [then.job.options, now.job.options];
  const names = new Set([...Object.keys(old), ...Object.keys(fresh)]);
  const options = [...names].flatMap((name) => {
    const [a = "unset", b = "unset"] = [old, fresh].map((of) => canonical(of[name]));
    return a === b ? [] : [`${name} (${fit(a, MOST_SHOWN)} then, ${fit(b, MOST_SHOWN)} now)`];
  });
  if (options.length > 0) return [`the job's options differ: ${options.join(", ")}`];
  return now.models.flatMap((model) => {
    const other = then.models.find((other) => other.model === model.model);
    return other === undefined || isSameModel(other, model)
      ? []
      : [`lanes × slots of ${model.model} differ: ${sizeOf(other)} then, ${sizeOf(model)} now`];
  });
}

function jobWarnings(then: Comparison, now: Comparison): string[] {
  const differ = (what: string, a: unknown, b: unknown) =>
    a === b ? [] : [`${what} differ: ${a} then, ${b} now.`];
  const ofModels = now.models.flatMap((model) => {
    const { model: name } = model;
    const old = then.models.find((other) => other.model === name);
    if (old === undefined) return [`${name} is only in the newer result.`];
    // Of more rounds, more items fail.
    const [was, is] = [old, model].map(failuresOf) as [Failures, Failures];
    const told = ({ failed, all }: Failures) => `${failed} of ${all}`;
    return was.share === is.share ? [] : differ(`failures of ${name}`, told(was), told(is));
  });
  const names = new Set(now.models.map(({ model }) => model));
  const gone = then.models.filter(({ model }) => !names.has(model));
  return [
    ...differ("the tasks", then.job.task, now.job.task),
    ...whatDiffers(then, now).map((what) => `not compared, as ${what}.`),
    ...ofModels,
    ...gone.map(({ model }) => `${model} is only in the older result.`),
    ...(then.agree && now.agree ? [] : [
      `the models gave different results ${now.agree ? "then" : "now"}, so no times are compared.`,
    ]),
  ].map((text) => `${now.job.name}: ${text}`);
}

/**
 * Compares a result with an older one. Jobs are matched by name, items and options, the second of two alike
 * with the second, and models by name and size. A model is too slow if it is detectably slower and by more than
 * the share `maxSlowdown`: neither noise alone nor a slowdown that is real but small fails a build.
 */
export function compareResults(
  then: ResultFile,
  now: ResultFile,
  { maxSlowdown }: { readonly maxSlowdown?: number | undefined } = {},
) {
  const warnings = environmentWarnings(then, now);
  const changes: Change[] = [];
  const left = [...then.comparisons];
  const unlike: ComparedJob[] = [];
  let differs = false;
  for (const fresh of now.comparisons) {
    const place = left.findIndex(({ job }) => isSameJob(job, fresh.job));
    if (place < 0) {
      const [why] = left.flatMap((old) => whatDiffers(old, fresh));
      if (why !== undefined) unlike.push(fresh.job);
      const alone = why === undefined
        ? "this job is only in the newer result"
        : `not compared, as ${why}`;
      warnings.push(`${jobText(fresh.job)}: ${alone}.`);
      continue;
    }
    const [old] = left.splice(place, 1);
    warnings.push(...jobWarnings(old!, fresh));
    const how = { most: maxSlowdown ?? Infinity, agree: old!.agree && fresh.agree };
    differs ||= !fresh.agree;
    for (const model of fresh.models) {
      const before = old!.models.find((other) => isSameModel(other, model));
      if (before === undefined) continue;
      changes.push(changeOf(fresh.job.name, before, model, how));
    }
  }
  for (const { job } of left) {
    if (unlike.some((fresh) => isNamesake(fresh, job))) continue;
    warnings.push(`${jobText(job)}: this job is only in the older result.`);
  }
  return {
    changes,
    warnings,
    // `tooSlow` makes the exit code 3; `isWorse`, if more items fail or results differ, makes it 1.
    tooSlow: changes.some(({ tooSlow }) => tooSlow),
    isWorse: differs || changes.some(({ verdict }) => verdict === "fails more now"),
  };
}
