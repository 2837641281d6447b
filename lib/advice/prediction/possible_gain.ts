/**
 * What a model can gain at most, by what tasks compute, what they wait, and the cores there are.
 *
 * @module
 */

import type { Sample } from "../probe/sample.ts";
import { type Candidate, inFlightOf } from "./candidate.ts";
import type { Machine } from "./predict.ts";

/** Waking from a wait takes CPU time that many in flight spare: up to this times what was measured of it. */
const WAKING = 2;
/** And up to this share of what was computed one by one. */
const MOST_WAKING = 0.8;

/**
 * The greatest gain that isn't an error of measurement: not above the tasks in flight, not above what the
 * cores can compute at once, and on one event loop not above what it isn't held up.
 *
 * @returns Against the plain loop, from 1.
 */
export function possibleGain(
  sample: Pick<Sample, "cpuShare" | "cpuMs" | "loopMs" | "blockedMs" | "wallMs" | "wakeMs">,
  { cores, ceiling }: Pick<Machine, "cores" | "ceiling">,
  candidate: Candidate,
  items: number,
): number {
  const { cpuShare, cpuMs, loopMs, blockedMs, wallMs, wakeMs } = sample;
  const waking = Math.min(MOST_WAKING, WAKING * wakeMs / Math.max(1e-9, cpuMs));
  const computing = cpuShare * (1 - waking);
  const byCores = Math.max(cores, ceiling) / Math.max(1e-9, computing);
  const onLoop = cpuMs > 0 ? computing * loopMs / cpuMs : 0;
  const held = onLoop + blockedMs / wallMs;
  const byLoop = candidate.lanes > 1 ? Infinity : 1 / Math.max(1e-9, held);
  return Math.max(1, Math.min(inFlightOf(candidate, items), byCores, byLoop));
}
