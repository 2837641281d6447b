/**
 * Decides what to sweep, by a sample that ran one by one.
 *
 * @module
 */

import type { Probed } from "../probe.ts";
import { planFor, type SweepPlan } from "./sweep_plan.ts";

/** From this CPU share on a sequential run computes more than it waits. */
const COMPUTES = 0.5;

/**
 * Decides what to sweep for a job of which nothing is known but a sample: lanes if it computes more
 * than half of the time, else slots.
 *
 * @param probed The sample; at least one item was run.
 * @returns The plan, and why.
 *
 * @example
 * ```ts
 * import { choosePlan } from "./choose_plan.ts";
 *
 * const stretches = [{ count: 4, wallMs: 80, cpuMs: 4, sourceMs: 0 }];
 * const { plan, why } = choosePlan({ stretches, done: undefined });
 * console.log(plan.axis, why); // "slots" "it waits 95% of the time, so slots are swept"
 * ```
 */
export function choosePlan(
  { stretches, done }: Pick<Probed, "stretches" | "done">,
): { plan: SweepPlan; why: string } {
  const wallMs = stretches.reduce((sum, stretch) => sum + stretch.wallMs, 0);
  const cpuMs = stretches.reduce((sum, stretch) => sum + stretch.cpuMs, 0);
  // Where other programs use the CPUs, computing takes longer and must not look like waiting.
  const share = wallMs > 0 ? Math.min(1, cpuMs / wallMs / (done?.available || 1)) : 1;
  const percent = Math.round(share * 100);
  const most = done?.total ?? undefined;
  return share >= COMPUTES
    ? {
      plan: planFor("workers", {}, most),
      why: `it computes ${percent}% of the time, so lanes are swept`,
    }
    : {
      plan: planFor("limited", {}, most),
      why: `it waits ${100 - percent}% of the time, so slots are swept`,
    };
}
