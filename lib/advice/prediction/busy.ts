/** Whether other programs used the CPUs so much that measurements of the tasks may not hold. */

import { WAITS } from "../../judge/thresholds.ts";
import { isBusy } from "../../timing/meter/meter.ts";
import type { SharedState } from "../job/shared_state.ts";
import { computesBeside, mostCpuShare, type Sample } from "../probe/sample.ts";
import type { Machine } from "./machine.ts";
import { classFor } from "./predict.ts";

/** Other programs count if they leave a busy thread less than this share of a CPU. */
export const BUSY_CPU = 0.85;
/** Other programs count if independent processes gain less than this share of the cores. */
const BUSY_CORES = 0.75;

/** Whether other programs used the CPUs so much that times of computing lanes may not hold. */
export function wasBusy(
  { available, others }: Pick<Sample, "available" | "others">,
  machine: Machine,
): boolean {
  // If the system counts other programs' use, a low ceiling is the machine's own, or a wrong measurement.
  if (others === undefined) return available < BUSY_CPU || isCeilingLow(machine);
  // A thread that queued longer than others used a core queued behind threads of its own program.
  return isBusy(others) || (available < BUSY_CPU && others.used >= 1 - available);
}

/** Whether independent processes gained so little that something else must have slowed them. */
export function isCeilingLow({ cores, ceiling }: Pick<Machine, "cores" | "ceiling">): boolean {
  return ceiling < BUSY_CORES * cores;
}

/** Whether other programs may have slowed the tasks; waiting is hardly slowed. */
export function mayBeSlowed(sample: Sample, machine: Machine): boolean {
  return mostCpuShare(sample) > WAITS && wasBusy(sample, machine);
}

/** Whether this matters to the advice: the tasks might gain on an idle machine, not only on an event loop. */
export function busyMatters(
  { sample, machine, horizon, shared }: {
    readonly sample: Sample;
    readonly machine: Machine;
    readonly horizon: number;
    /** State that keeps the tasks in one event loop. */
    readonly shared?: SharedState | undefined;
  },
): boolean {
  return mayBeSlowed(sample, machine) && (shared === undefined || computesBeside(sample)) &&
    classFor(sample, machine, horizon).noGain === undefined;
}
