/**
 * What a model can gain at most, by what tasks compute, what they wait, and the cores there are.
 *
 * @module
 */

import type { Sample } from "../probe/sample.ts";
import { type Candidate, inFlightOf } from "./candidate.ts";
import type { Machine } from "./predict.ts";

/** Of a share of computing below a half, so much may be waking from waits, which many in flight spare. */
const MAY_BE_WAKING = 0.5;

/**
 * The greatest gain that isn't an error of measurement: not above the tasks in flight, not above what the
 * cores can compute at once, and on one event loop not above what it isn't held up.
 *
 * @param sample The sample.
 * @param machine What the machine does.
 * @param candidate The model.
 * @param items How many items were run.
 * @returns Against the plain loop, from 1.
 *
 * @example
 * ```ts
 * import { possibleGain } from "./possible_gain.ts";
 *
 * console.log(possibleGain.length); // 4
 * ```
 */
export function possibleGain(
  sample: Pick<Sample, "cpuShare" | "cpuMs" | "loopMs" | "blockedMs" | "wallMs">,
  { cores, ceiling }: Pick<Machine, "cores" | "ceiling">,
  candidate: Candidate,
  items: number,
): number {
  const { cpuShare, cpuMs, loopMs, blockedMs, wallMs } = sample;
  const computing = cpuShare < 0.5 ? cpuShare * MAY_BE_WAKING : cpuShare;
  const byCores = Math.max(cores, ceiling) / Math.max(1e-9, computing);
  const onLoop = cpuMs > 0 ? computing * loopMs / cpuMs : 0;
  const held = onLoop + blockedMs / wallMs;
  const byLoop = candidate.lanes > 1 ? Infinity : 1 / Math.max(1e-9, held);
  return Math.max(1, Math.min(inFlightOf(candidate, items), byCores, byLoop));
}
