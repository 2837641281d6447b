/**
 * Decides what to sweep, by a sample that ran one by one.
 *
 * @module
 */

import type { Load } from "../timing/meter/reading.ts";
import { planFor, type SweepPlan } from "./sweep_plan.ts";

/** What is looked at of a sample. */
export interface Sample {
  /** What its tasks took. */
  readonly stretches: readonly {
    readonly count: number;
    readonly wallMs: number;
    readonly cpuMs: number;
  }[];
  /** What was seen of the whole; undefined if it was cut off. */
  readonly done?: { readonly total: number | null; readonly available: number } | undefined;
  /** What the system knows of its process; undefined where it doesn't tell. */
  readonly load?: Pick<Load, "available" | "childrenCpuMs"> | undefined;
}

/** From this CPU share on a sequential run computes more than it waits. */
const COMPUTES = 0.5;

/**
 * Decides what to sweep for a job of which nothing is known but a sample: lanes if it computes more
 * than half of the time, else slots.
 */
export function choosePlan(
  { stretches, done, load }: Sample,
  items: number,
): { plan: SweepPlan; why: string } {
  const wallMs = stretches.reduce((sum, stretch) => sum + stretch.wallMs, 0);
  const cpuMs = stretches.reduce((sum, stretch) => sum + stretch.cpuMs, 0) +
    (load?.childrenCpuMs ?? 0);
  // Where other programs use the CPUs, computing takes longer and must not look like waiting.
  const available = load?.available ?? (done?.available || 1);
  const waitMs = Math.max(0, wallMs - cpuMs / available);
  const share = wallMs > 0 && cpuMs + waitMs > 0 ? cpuMs / (cpuMs + waitMs) : 1;
  const percent = Math.round(Math.min(1, share) * 100);
  const most = Math.min(items, done?.total ?? Infinity);
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

/**
 * How long an item took on average, in a sample.
 *
 * @returns Milliseconds; 0 for an empty one.
 */
export function itemMsOf({ stretches }: Sample): number {
  const count = stretches.reduce((sum, stretch) => sum + stretch.count, 0);
  return count > 0 ? stretches.reduce((sum, stretch) => sum + stretch.wallMs, 0) / count : 0;
}
