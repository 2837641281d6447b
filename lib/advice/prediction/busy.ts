/** Whether other programs used the CPUs so much that what was measured of tasks may not hold. */

import { WAITS } from "../../judge/thresholds.ts";
import { isBusy } from "../../timing/meter/meter.ts";
import type { SharedState } from "../job/shared_state.ts";
import { computesBeside, mostCpuShare, type Sample } from "../probe/sample.ts";
import type { Machine } from "./machine.ts";
import { classFor } from "./predict.ts";

/** Other programs count if they leave less than this of a CPU. */
export const BUSY_CPU = 0.85;
/** They count if they leave less than this of what all cores could gain. */
const BUSY_CORES = 0.75;

/** Whether other programs used the CPUs so much that figures of lanes that compute may not hold. */
export function wasBusy(
  { available, others }: Pick<Sample, "available" | "others">,
  machine: Machine,
): boolean {
  // Where the system counts what others use, a low ceiling is the machine's own, or was mismeasured.
  if (others === undefined) return available < BUSY_CPU || isCeilingLow(machine);
  // What queued for longer than others used a core did so behind others of its own program.
  return isBusy(others) || (available < BUSY_CPU && others.used >= 1 - available);
}

/** Whether independent processes gained so little that something else must have held them up. */
export function isCeilingLow({ cores, ceiling }: Pick<Machine, "cores" | "ceiling">): boolean {
  return ceiling < BUSY_CORES * cores;
}

/** Whether others may have slowed the tasks down: what waits is hardly slowed down. */
export function mayBeSlowed(sample: Sample, machine: Machine): boolean {
  return mostCpuShare(sample) > WAITS && wasBusy(sample, machine);
}

/** Whether that is worth a word of tasks that might gain on an idle machine, as one event loop alone doesn't. */
export function busyMatters(
  { sample, machine, horizon, shared }: {
    readonly sample: Sample;
    readonly machine: Machine;
    readonly horizon: number;
    /** What keeps the tasks in one event loop. */
    readonly shared?: SharedState | undefined;
  },
): boolean {
  return mayBeSlowed(sample, machine) && (shared === undefined || computesBeside(sample)) &&
    classFor(sample, machine, horizon).noGain === undefined;
}
