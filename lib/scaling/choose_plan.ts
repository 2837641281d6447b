/** What to sweep for a job of one's own, as its sample shows. */

import { type SharedState, sharedWords } from "../advice/job/shared_state.ts";
import { blocks, computesBeside, heldMs, type Sample } from "../advice/probe/sample.ts";
import { MOST_USEFUL_LANES } from "../advice/race/promising.ts";
import { COMPUTES } from "../judge/thresholds.ts";
import { formatPercent } from "../text/format.ts";
import { LEAST_WAVES, planFor, type SweepPlan } from "./sweep_plan.ts";

/** A task that holds up its event loop for more of its time than this needs lanes more than slots. */
const HOLDS = 0.5;

/** Decides what to sweep for a job of which nothing is known but a sample, by what advice goes by. */
export function choosePlan(
  sample: Sample,
  most: number,
  /** What its tasks share, of which each lane would have its own. */
  shared?: SharedState,
): { plan: SweepPlan; why: string } {
  const items = Math.min(most, sample.total ?? Infinity);
  const [lanes, slots] = [planFor("workers", {}, items), planFor("limited", {}, items)];
  const computes = `it computes ${formatPercent(sample.cpuShare)} of the time`;
  const sweep = (plan: SweepPlan, why: string) => (
    { plan, why: `${why}, so ${plan.axis} are swept` }
  );
  if (shared !== undefined) return sweep(slots, sharedWords(shared));
  if (sample.uncloneable !== undefined) {
    return sweep(slots, `nothing can be sent to lanes (${sample.uncloneable})`);
  }
  // What waits for programs that compute has no more to gain from lanes than these have cores.
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
