/** Chooses what to sweep for the user's own job, by its sample. */

import { type SharedState, sharedWords } from "../advice/job/shared_state.ts";
import { blocks, computesBeside, heldMs, type Sample } from "../advice/probe/sample.ts";
import { MOST_USEFUL_LANES } from "../advice/race/promising.ts";
import { COMPUTES } from "../judge/thresholds.ts";
import { formatPercent } from "../text/format.ts";
import { LEAST_WAVES, type SweepPlan, sweepPlanFor } from "./sweep_plan.ts";

/** A task that holds up its event loop for a greater share of its time needs lanes more than slots. */
const HOLDS = 0.5;

/** Chooses what to sweep for a job of which only a sample is known, by the same rules as advice. */
export function choosePlan(
  sample: Sample,
  most: number,
  /** State that the tasks share, which each lane would have for itself. */
  shared?: SharedState,
): { plan: SweepPlan; why: string } {
  const items = Math.min(most, sample.total ?? Infinity);
  const [lanes, slots] = [sweepPlanFor("workers", {}, items), sweepPlanFor("limited", {}, items)];
  const computes = `it computes ${formatPercent(sample.cpuShare)} of the time`;
  const sweep = (plan: SweepPlan, why: string) => (
    { plan, why: `${why}, so ${plan.axis} are swept` }
  );
  if (shared !== undefined) return sweep(slots, sharedWords(shared));
  if (sample.uncloneable !== undefined) {
    return sweep(slots, `nothing can be sent to lanes (${sample.uncloneable})`);
  }
  // Tasks that wait for computing programs gain no more from lanes than there are cores.
  if (blocks(sample) && sample.cpuShare < COMPUTES) {
    const extendTo = Math.min(MOST_USEFUL_LANES, items / LEAST_WAVES);
    const until = 2 * (sample.programsMs ?? 0) > sample.cpuMs
      ? "until the programs that it runs have ended"
      : "while it waits";
    return sweep({ ...lanes, extendTo }, `it holds up its thread ${until}`);
  }
  if (heldMs(sample) >= HOLDS * sample.wallMs) return sweep(lanes, computes);
  return computesBeside(sample)
    ? sweep(slots, `${computes}, but beside its event loop`)
    : sweep(slots, `it waits ${formatPercent(1 - sample.cpuShare)} of the time`);
}
