/**
 * How much of a run was spent computing.
 *
 * @module
 */

import type { ModelResult } from "./result.ts";
import { median } from "./statistics.ts";

/**
 * The median share of the run in which a model's tasks kept the CPU busy: CPU time over wall time, from
 * the first item to the last outcome. Starting isn't counted, nor is queueing for a core that others
 * had, where the system tells it.
 */
export function cpuShareOf({ rounds }: Pick<ModelResult, "rounds">): number {
  return median(rounds.map(({ runCpuMs, cpuMs, runMs, queuedMs = 0 }) => {
    const usedMs = runCpuMs ?? cpuMs;
    // The two clocks aren't read at one instant: never less than what was used is left.
    return usedMs / (Math.max(Math.min(usedMs, runMs), runMs - queuedMs) || 0.001);
  }));
}
