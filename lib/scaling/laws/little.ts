/**
 * Little's law as a check of what was measured.
 *
 * @module
 */

import type { LittleCheck } from "../sweep_result.ts";

/** How far X·R may lie from N, as a share of N. */
export const LITTLE_TOLERANCE = 0.1;

/**
 * Checks N = X·R (Little, "A Proof for the Queuing Formula L = λW", Operations Research 9, 1961).
 *
 * A closed loop starts a task as soon as one ends, so its slots should always be taken. Where X·R is
 * below N they weren't: at the end of the items, or since whoever hands out tasks couldn't keep up. It
 * can't be above N unless a time is wrong.
 *
 * @param meanMs R: time in flight on average, in milliseconds.
 * @returns Both sides, and what it means if they differ.
 */
export function checkLittle(
  throughputPerSecond: number,
  meanMs: number,
  slots: number,
): LittleCheck {
  const inFlight = throughputPerSecond * meanMs / 1000;
  const ratio = inFlight / slots;
  const holds = Math.abs(ratio - 1) <= LITTLE_TOLERANCE;
  const idle = Math.round((1 - ratio) * 100);
  const meaning = holds
    ? null
    : ratio < 1
    ? `places stood empty ${idle}% of the time, at the end or for want of handing out, so this is ` +
      `the throughput of fewer`
    : "more was in flight than there was room for, so tasks' times include waiting for news of them";
  return { inFlight, slots, ratio, holds, meaning };
}
