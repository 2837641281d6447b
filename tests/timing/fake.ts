/** A fake job, a fake trial runner and made-up results, for tests that measure nothing. */

import { ENVIRONMENT } from "../environment.ts";
import type { Outcome } from "../../lib/dispatch/output.ts";
import type { Comparison, ModelResult, ResultFile, Round } from "../../lib/timing/result.ts";
import type { JobSpec, TrialResult, TrialRunner, TrialSpec } from "../../lib/timing/spec.ts";
import { pairedRatio, timeInterval } from "../../lib/timing/interval.ts";

export const JOB: JobSpec = {
  name: "double four numbers",
  task: { module: "data:text/javascript,export default (n) => 2 * n", export: "default" },
  items: { kind: "values", values: [1, 2, 3, 4] },
  options: {},
};

export function round(number: number, wallMs: number, more: Partial<Round> = {}): Round {
  return {
    round: number,
    startMs: 0,
    runMs: wallMs,
    wallMs,
    cpuMs: wallMs,
    runCpuMs: wallMs,
    peakRssBytes: 1e6,
    succeeded: 4,
    failed: 0,
    checksum: "c0ffee",
    ...more,
  };
}

export function model(
  name: string,
  times: readonly number[],
  more: Partial<Round> = {},
  sequential?: readonly number[],
): ModelResult {
  return {
    model: name,
    lanes: name === "workers" || name === "processes" ? 2 : 1,
    slots: 1,
    rounds: times.map((ms, number) => round(number, ms, more)),
    wallMs: timeInterval(times),
    speedup: sequential === undefined ? null : pairedRatio(sequential, times),
  };
}

/** A result file of one comparison. */
export function resultFileOf(
  models: ModelResult[],
  environment: Partial<ResultFile["environment"]> = {},
  job: Partial<Comparison["job"]> = {},
) {
  return {
    schemaVersion: 1,
    environment: { ...ENVIRONMENT, ...environment },
    comparisons: [{
      job: { name: "pages", task: "download.ts", items: 4, options: {}, ...job },
      ceiling: null,
      models,
      agree: true,
      warnings: [] as string[],
      verdict: null,
    }],
  } satisfies ResultFile;
}

export function answer(trial: TrialSpec, wallMs: number, more: Partial<Round> = {}): TrialResult {
  return {
    round: round(trial.round, wallMs, more),
    lanes: trial.lanes ?? 1,
    slots: trial.slots ?? 1,
    warnings: [],
    timeline: {
      round: trial.round,
      lanes: [{ lane: 0, startMs: 0, cpuShare: null }],
      index: [0],
      lane: [0],
      queuedMs: [0],
      startedMs: [0],
      endedMs: [wallMs],
      status: ["fulfilled"],
    },
  };
}

/** A runner that answers at once, and records its calls. */
export function fakeRunner(
  of: (trial: TrialSpec) => TrialResult | Promise<TrialResult>,
): { runTrial: TrialRunner; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    runTrial: async (trial) => {
      asked.push(`${trial.model} ${trial.round}`);
      return await of(trial);
    },
  };
}

/** The outcome of a task that returned 0. */
export function outcome(index: number, lane: number, startedAtMs: number, endedAtMs: number) {
  const common = { index, item: 0, lane, attempts: 1, queuedAtMs: 100, startedAtMs, endedAtMs };
  return { ...common, status: "fulfilled", value: 0 } satisfies Outcome<number>;
}
