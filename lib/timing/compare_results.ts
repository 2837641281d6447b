/** Compares a result with an older one: what became slower, and whether more than allowed. */

import { counted } from "../text/format.ts";
import { type Difference, differenceOf, timeInterval, unpairedRatio } from "./interval.ts";
import {
  type Comparison,
  type Interval,
  type ModelResult,
  nothingSucceeded,
  type ResultFile,
  type Round,
} from "./result.ts";

export interface Change {
  readonly job: string;
  readonly model: string;
  readonly oldMs: Interval;
  readonly newMs: Interval;
  /** New over old: above 1 is slower. */
  readonly ratio: Interval;
  /** Whether the interval of the ratio leaves out 1; what fails is no faster, however soon it ends. */
  readonly verdict: Difference | NonNullable<ReturnType<typeof incomparable>>;
  /** Whether it is detectably slower, and by more than allowed. */
  readonly tooSlow: boolean;
}

const sumOf = ({ rounds }: ModelResult, of: (round: Round) => number) =>
  rounds.reduce((sum, round) => sum + of(round), 0);

/** What two times can't tell, for not as many items succeeded. */
function incomparable(then: ModelResult, now: ModelResult) {
  const share = (model: ModelResult) => {
    const failed = sumOf(model, ({ failed }) => failed);
    return failed === 0 ? 0 : failed / (failed + sumOf(model, ({ succeeded }) => succeeded));
  };
  const [old, fresh] = [share(then), share(now)];
  if (fresh > old) return "fails more now";
  if (fresh < old) return "failed more then";
  return nothingSucceeded(now) ? "fails then and now" : undefined;
}

function changeOf(job: string, then: ModelResult, now: ModelResult, most: number): Change {
  const times = ({ rounds }: ModelResult) => rounds.map(({ wallMs }) => wallMs);
  const [oldTimes, newTimes] = [times(then), times(now)];
  const ratio = unpairedRatio(newTimes, oldTimes);
  const verdict = incomparable(then, now) ?? differenceOf(ratio);
  return {
    job,
    model: now.model,
    oldMs: timeInterval(oldTimes),
    newMs: timeInterval(newTimes),
    ratio,
    verdict,
    tooSlow: verdict === "slower" && ratio.median > 1 + most,
  };
}

/** The same with keys in one order, so that equal options compare equal. */
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

/** A job as far as it tells whether two are the same: of other items other times are no news. */
export type ComparedJob = Readonly<Pick<Comparison["job"], "name" | "items">>;

export function isSameJob(one: ComparedJob, other: ComparedJob): boolean {
  return one.name === other.name && one.items === other.items;
}

export function jobText({ name, items }: ComparedJob): string {
  return `${name}, ${counted(items, "item")}`;
}

function jobWarnings(then: Comparison, now: Comparison): string[] {
  const differ = (what: string, a: unknown, b: unknown) =>
    canonical(a) === canonical(b)
      ? []
      : [`${what} differ: ${canonical(a)} then, ${canonical(b)} now.`];
  const failed = (of: ModelResult) => sumOf(of, ({ failed }) => failed);
  const ofModels = now.models.flatMap((model) => {
    const { model: name, lanes, slots } = model;
    const old = then.models.find((other) => other.model === name);
    if (old === undefined) return [`${name} is only in the newer result.`];
    return [
      ...differ(`lanes and slots of ${name}`, [old.lanes, old.slots], [lanes, slots]),
      ...differ(`failures of ${name}`, failed(old), failed(model)),
    ];
  });
  const names = new Set(now.models.map(({ model }) => model));
  const gone = then.models.filter(({ model }) => !names.has(model));
  return [
    ...differ("the tasks", then.job.task, now.job.task),
    ...differ("the options", then.job.options, now.job.options),
    ...ofModels,
    ...gone.map(({ model }) => `${model} is only in the older result.`),
    ...(then.agree && now.agree
      ? []
      : ["the models gave different results, so times mean little."]),
  ].map((text) => `${now.job.name}: ${text}`);
}

/**
 * Compares a result with an older one, jobs matched by name and items, the second of two alike with the second.
 * A model is too slow if it is detectably slower and by more than `maxSlowdown`, a share: noise
 * alone fails no build, nor does a slowdown that is real but small.
 */
export function compareResults(
  then: ResultFile,
  now: ResultFile,
  { maxSlowdown }: { readonly maxSlowdown?: number | undefined } = {},
) {
  const warnings = environmentWarnings(then, now);
  const changes: Change[] = [];
  const left = [...then.comparisons];
  for (const fresh of now.comparisons) {
    const place = left.findIndex(({ job }) => isSameJob(job, fresh.job));
    if (place < 0) {
      warnings.push(`${jobText(fresh.job)}: this job is only in the newer result.`);
      continue;
    }
    const [old] = left.splice(place, 1);
    warnings.push(...jobWarnings(old!, fresh));
    for (const model of fresh.models) {
      const before = old!.models.find((other) => other.model === model.model);
      if (before === undefined) continue;
      changes.push(changeOf(fresh.job.name, before, model, maxSlowdown ?? Infinity));
    }
  }
  for (const { job } of left) {
    warnings.push(`${jobText(job)}: this job is only in the older result.`);
  }
  return {
    changes,
    warnings,
    // The exit code is then 3, or 1.
    tooSlow: changes.some(({ tooSlow }) => tooSlow),
    failsMore: changes.some(({ verdict }) => verdict === "fails more now"),
  };
}
