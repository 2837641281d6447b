/** Made-up sweeps for the tests: trials answer at once with the values of a law. */

import { ENVIRONMENT } from "../environment.ts";
import { analyse } from "../../lib/scaling/analyse.ts";
import { type Law, throughputAt } from "../../lib/scaling/laws.ts";
import { runSweep, type SweepOptions, type SweepSpec } from "../../lib/scaling/run_sweep.ts";
import type { SweepResult } from "../../lib/scaling/sweep_result.ts";
import type { JobSpec, TrialResult, TrialSpec } from "../../lib/timing/spec.ts";
import { SIZES } from "./synthetic.ts";

const JOB: JobSpec = {
  name: "wait a little",
  task: { module: "file:///wait.ts", export: "default" },
  items: { kind: "values", values: [] },
  options: {},
};

/** A trial that ran `items` at a throughput, with every slot busy all the time. */
export function trialOf(
  { round, slots = 1 }: TrialSpec,
  perSecond: number,
  items = 100,
): TrialResult {
  const runMs = items / perSecond * 1000;
  const latencyMs = slots / perSecond * 1000;
  const times = Array.from({ length: items }, (_, i) => i * 5);
  const column = Array<number>(items).fill(0);
  return {
    lanes: 1,
    slots,
    warnings: [],
    round: {
      round,
      startMs: 1,
      runMs,
      wallMs: runMs + 1,
      cpuMs: 10,
      peakRssBytes: 1,
      succeeded: items,
      failed: 0,
      checksum: "",
    },
    timeline: {
      round,
      lanes: [],
      index: column,
      lane: column,
      queuedMs: times,
      startedMs: times,
      endedMs: times.map((at) => at + latencyMs),
      status: Array<string>(items).fill("fulfilled"),
    },
  };
}

/** A sweep whose order of trials depends only on the seed. */
export function specOf(
  { timeoutMs, ...over }: Partial<SweepSpec> & Pick<TrialSpec, "timeoutMs"> = {},
): SweepSpec {
  return {
    sizes: SIZES,
    trialAt: (size) => ({ model: "limited", lanes: 1, slots: size, job: JOB, timeoutMs }),
    rounds: 3,
    seed: 1,
    ...over,
  };
}

/** Trials whose throughput is a function of the slots; rounds differ by 1 %. */
export function optionsFor(throughput: (slots: number) => number): SweepOptions {
  return {
    runTrial: (trial) =>
      Promise.resolve(trialOf(trial, throughput(trial.slots ?? 1) * (1 + trial.round % 3 * 0.01))),
  };
}

/** The whole result of a sweep by a law, or by any throughput. */
export async function resultOf(
  throughput: Law | ((slots: number) => number),
  over: Partial<SweepSpec> = {},
): Promise<SweepResult> {
  const at = typeof throughput === "function"
    ? throughput
    : (size: number) => throughputAt(throughput, size);
  const measured = await runSweep(specOf(over), optionsFor(at));
  return {
    schemaVersion: 1,
    kind: "sweep",
    environment: ENVIRONMENT,
    job: { name: "wait a little", task: "wait.ts", options: {} },
    model: "limited",
    axis: "slots",
    ...analyse(measured, 1, { axis: "slots", cores: 2 }),
    openLoop: [],
    warnings: [...measured.warnings],
  };
}
