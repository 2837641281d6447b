/** Compares a result with an older one: what became slower, and whether more than allowed. */

import { type Difference, differenceOf, unpairedRatio } from "./interval.ts";
import {
  type Comparison,
  type Interval,
  type ModelResult,
  nothingSucceeded,
  type ResultFile,
  type Round,
} from "./result.ts";

/** What two times can't tell, for not as many items succeeded. */
type Incomparable = "fails more now" | "failed more then" | "fails then and now";

export interface Change {
  readonly job: string;
  readonly model: string;
  readonly oldMs: Interval;
  readonly newMs: Interval;
  /** New over old: above 1 is slower. */
  readonly ratio: Interval;
  /** Whether the interval of the ratio leaves out 1; what fails is no faster, however soon it ends. */
  readonly verdict: Difference | Incomparable;
  /** Whether it is detectably slower, and by more than allowed. */
  readonly tooSlow: boolean;
}

export interface ResultsComparison {
  readonly changes: readonly Change[];
  /** What makes the two hard to compare, one sentence each. */
  readonly warnings: readonly string[];
  /** Whether any model is slower than allowed: exit code 3. */
  readonly tooSlow: boolean;
  /** Whether more items of any model fail now than then: exit code 1. */
  readonly failsMore: boolean;
}

const sumOf = ({ rounds }: ModelResult, of: (round: Round) => number) =>
  rounds.reduce((sum, round) => sum + of(round), 0);

function incomparable(then: ModelResult, now: ModelResult): Incomparable | undefined {
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
  const ratio = unpairedRatio(times(now), times(then));
  const verdict = incomparable(then, now) ?? differenceOf(ratio);
  return {
    job,
    model: now.model,
    oldMs: then.wallMs,
    newMs: now.wallMs,
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
  const warnings = Object.entries(names).flatMap(([key, name]) => {
    const [old, fresh] = [then, now].map(({ environment }) =>
      environment[key as keyof typeof names]
    );
    return old === fresh || old === undefined || fresh === undefined
      ? []
      : [`Then and now differ in ${name}: ${old} then, ${fresh} now.`];
  });
  if (then.partial) warnings.push("The older result is partial: its run was interrupted.");
  if (now.partial) warnings.push("The newer result is partial: its run was interrupted.");
  return warnings;
}

function jobWarnings(then: Comparison, now: Comparison): string[] {
  const name = now.job.name;
  const warnings: string[] = [];
  const differ = (what: string, a: unknown, b: unknown) => {
    if (canonical(a) === canonical(b)) return;
    warnings.push(`${name}: ${what} differ: ${canonical(a)} then, ${canonical(b)} now.`);
  };
  differ("the tasks", then.job.task, now.job.task);
  differ("the numbers of items", then.job.items, now.job.items);
  differ("the options", then.job.options, now.job.options);
  for (const model of now.models) {
    const old = then.models.find((other) => other.model === model.model);
    if (old === undefined) {
      warnings.push(`${name}: ${model.model} is only in the newer result.`);
      continue;
    }
    differ(`lanes and slots of ${model.model}`, [old.lanes, old.slots], [model.lanes, model.slots]);
    const failed = ({ failed }: Round) => failed;
    differ(`failures of ${model.model}`, sumOf(old, failed), sumOf(model, failed));
  }
  for (const { model } of then.models) {
    if (now.models.some((other) => other.model === model)) continue;
    warnings.push(`${name}: ${model} is only in the older result.`);
  }
  if (!then.agree || !now.agree) {
    warnings.push(`${name}: the models gave different results, so times mean little.`);
  }
  return warnings;
}

/**
 * Compares a result with an older one, jobs matched by name, the second of a name with the second.
 * A model is too slow if it is detectably slower and by more than `maxSlowdown`, a share: noise
 * alone fails no build, nor does a slowdown that is real but small.
 */
export function compareResults(
  then: ResultFile,
  now: ResultFile,
  { maxSlowdown }: { readonly maxSlowdown?: number | undefined } = {},
): ResultsComparison {
  const warnings = environmentWarnings(then, now);
  const changes: Change[] = [];
  const left = [...then.comparisons];
  for (const fresh of now.comparisons) {
    const place = left.findIndex(({ job }) => job.name === fresh.job.name);
    if (place < 0) {
      warnings.push(`${fresh.job.name}: this job is only in the newer result.`);
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
  for (const { job } of left) warnings.push(`${job.name}: this job is only in the older result.`);
  return {
    changes,
    warnings,
    tooSlow: changes.some(({ tooSlow }) => tooSlow),
    failsMore: changes.some(({ verdict }) => verdict === "fails more now"),
  };
}
