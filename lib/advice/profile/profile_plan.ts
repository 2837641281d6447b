/**
 * Whether there is time for a profile, and of which items.
 *
 * @module
 */

import { WAITS } from "../../judge/thresholds.ts";
import type { Probed } from "../probe/probe.ts";
import type { Sample } from "../probe/sample.ts";
import type { Profiled } from "./job_profile.ts";
import type { ProfilerOptions } from "./profiler.ts";

/** A profile is of so much of the sample, and of no more than so many milliseconds. */
const SHARE_OF_SAMPLE = 0.4;
const MOST_MS = 1000;
/** Shorter than this, tasks show nothing. */
const LEAST_MS = 40;
/** Starting, marking, ending and reading take about this, and profiled tasks so many times as long. */
const FIXED_MS = 600;
const SLOWER = 2;

/** A plan, or why there is none; `undefined` where nobody would ask. */
export type ProfilePlan =
  | Omit<ProfilerOptions, "signal">
  | { readonly missing: string }
  | undefined;

/**
 * Plans a profile.
 *
 * @param leftMs What is left of the budget, in milliseconds.
 * @returns The plan; undefined for tasks that wait, which have nothing to show.
 */
export function profilePlan(
  { cpuShare, cpuMs, loopMs, tasksMs, items }: Pick<
    Sample,
    "cpuShare" | "cpuMs" | "loopMs" | "tasksMs" | "items"
  >,
  small: boolean,
  leftMs: number,
): ProfilePlan {
  if (small || cpuShare <= WAITS) return undefined;
  if (cpuShare * loopMs <= WAITS * cpuMs) {
    return {
      missing: "most is computed by programs that the tasks run, or by threads beside the event " +
        "loop's, which its profile doesn't show",
    };
  }
  const wholeMs = Math.max(LEAST_MS, Math.min(MOST_MS, SHARE_OF_SAMPLE * tasksMs));
  // Of long tasks even one may take longer than that.
  const targetMs = Math.max(wholeMs, tasksMs / items);
  if (FIXED_MS + SLOWER * targetMs > leftMs) {
    return { missing: "no time was left; a larger --budget shows it" };
  }
  return {
    stride: Math.max(1, Math.min(items, Math.floor(tasksMs / targetMs))),
    targetMs,
    limit: items,
    guardMs: leftMs,
  };
}

/** What a profile is taken with. */
export interface ProfileMeans {
  /** Takes it; undefined where none can be taken. */
  readonly take: ((plan: Omit<ProfilerOptions, "signal">) => Promise<Profiled>) | undefined;
  /** Told before it begins. */
  readonly onPhase?: ((phase: string) => void) | undefined;
}

/** Takes a profile if there is something to see and time for it; undefined where nobody would ask. */
export async function profiled(
  sample: Sample,
  probed: Pick<Probed, "done">,
  { small, leftMs }: { readonly small: boolean; readonly leftMs: number },
  { take, onPhase }: ProfileMeans,
): Promise<Profiled | undefined> {
  const plan = profilePlan(sample, small, leftMs);
  if (take === undefined || plan === undefined) return undefined;
  if ("missing" in plan) return plan;
  if (probed.done === undefined) return { missing: "the sample was cut off" };
  onPhase?.("looking where the time goes");
  return await take(plan);
}
