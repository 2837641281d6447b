/**
 * Measures the pace that a refusing server allows: a part of the job with retries, for a few seconds.
 *
 * @module
 */

import type { JobSpec, TrialRunner } from "../../timing/spec.ts";

/** What is refused is tried again so often. */
const RETRIES = 20;

/** How the pace is measured. */
export interface PaceProbeOptions {
  /** Tasks in flight at once: no more than were refused already. */
  readonly slots: number;
  /** How long it may take, in milliseconds. */
  readonly mostMs: number;
  /** Stops it. */
  readonly signal: AbortSignal;
  /** Runs one trial. */
  readonly runTrial: TrialRunner;
}

/** What came of it. */
export interface Pace {
  /** Items a second; null if nothing was refused this time, or too few to tell. */
  readonly perSecond: number | null;
  /** How many items went through. */
  readonly items: number;
  /** Whether the server refused already what ran one by one, so that its limit decides and not the model. */
  readonly ofPlainLoop: boolean;
}

/** Runs the job with retries until the time is up and counts what goes through. */
export async function paceProbe(
  job: JobSpec,
  { slots, mostMs, signal, runTrial }: PaceProbeOptions,
): Promise<Pick<Pace, "perSecond" | "items">> {
  const model = slots < 2 ? { model: "sequential" as const } : { model: "limited" as const, slots };
  try {
    const { round, pacePerSecond } = await runTrial(
      { ...model, job, round: 0, retries: RETRIES, mostMs },
      { signal },
    );
    return { perSecond: pacePerSecond ?? null, items: round.succeeded };
  } catch {
    return { perSecond: null, items: 0 };
  }
}
