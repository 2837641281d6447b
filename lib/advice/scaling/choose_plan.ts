/**
 * Decides what to sweep, by one sequential run.
 *
 * @module
 */

import type { JobSpec } from "../../timing/spec.ts";
import { type MeasureOptions, progressFor, runnerOf } from "./measure_options.ts";
import { planFor, type SweepPlan } from "./sweep_options.ts";

/** From this CPU share on a sequential run computes more than it waits. */
const COMPUTES = 0.5;

/**
 * Decides what to sweep for a job of which nothing is known, by one sequential run: lanes if it
 * computes more than half of the time, else slots.
 *
 * @param job The job.
 * @param options How to run it.
 * @returns The plan, and why.
 * @throws What running the job threw.
 *
 * @example
 * ```ts
 * import { choosePlan } from "./choose_plan.ts";
 *
 * console.log(choosePlan.length); // 2
 * ```
 */
export async function choosePlan(
  job: JobSpec,
  options: MeasureOptions & { readonly timeoutMs: number },
): Promise<{ plan: SweepPlan; why: string }> {
  const progress = progressFor(options, `${job.name}: one sequential run, to see what to sweep …`);
  progress.begin({ job: job.name, models: [{ model: "sequential" }], rounds: 1 });
  try {
    const trial = { model: "sequential", job, round: 0, timeoutMs: options.timeoutMs } as const;
    progress.onEvent({ type: "trial-started", trial, number: 1, of: 1 });
    const { round } = await runnerOf(options)(trial, {
      signal: options.signal,
      onEvent: progress.onEvent,
    });
    const share = round.runMs > 0 ? Math.min(1, (round.runCpuMs ?? round.cpuMs) / round.runMs) : 0;
    const percent = Math.round(share * 100);
    return share >= COMPUTES
      ? {
        plan: planFor("workers", {}),
        why: `it computes ${percent}% of the time, so lanes are swept`,
      }
      : {
        plan: planFor("limited", {}),
        why: `it waits ${100 - percent}% of the time, so slots are swept`,
      };
  } finally {
    progress.end();
  }
}
