/** The pace of a server that refuses some items, measured with a part of the job and retries. */

import { type HttpSigns, isRefusal } from "../tasks/http_signs.ts";
import type { JobSpec, TrialRunner } from "../timing/spec.ts";
import type { Evidence, Pace } from "./evidence.ts";
import { rateLimitOf } from "./findings.ts";
import { failingOf, plainFailingOf } from "./race/failing.ts";
import { answerMs, type Sample } from "./probe/sample.ts";
import { eventLoop, SEQUENTIAL } from "./prediction/candidate.ts";

const RETRIES = 20;
const TOO_MANY = 429;
/** How long a server's pace is looked for at most. */
export const PACE_MS = 4000;

type Measured = Pick<Pace, "perSecond" | "items">;

/** Measures the pace with so many tasks in flight. */
export type MeasurePace = (slots: number) => Promise<Measured>;

/** Runs the job with retries until the time is up and counts what goes through. */
export async function paceProbe(
  job: JobSpec,
  { slots, mostMs, signal, runTrial }: {
    readonly slots: number;
    readonly mostMs: number;
    readonly signal: AbortSignal;
    readonly runTrial: TrialRunner;
  },
): Promise<Measured> {
  const model = slots < 2 ? SEQUENTIAL : eventLoop(slots);
  try {
    const trial = { ...model, job, round: 0, retries: RETRIES, mostMs };
    const { round, pacePerSecond } = await runTrial(trial, { signal });
    return { perSecond: pacePerSecond ?? null, items: round.succeeded };
  } catch {
    return { perSecond: null, items: 0 };
  }
}

/** A plain loop that comes so near its own pace is no measure of the server's: so many at once are. */
const OWN_PACE = 0.85;
const SEVERAL = 4;

/** Measures with one task in flight, unless the server asks to be left alone for longer than that takes. */
async function ofPlainLoop(
  refused: readonly HttpSigns[],
  sample: Sample,
  measure: MeasurePace,
): Promise<Pace> {
  const isAskable = refused.every(({ retryAfterMs = 0 }) => retryAfterMs <= PACE_MS);
  const alone = isAskable ? await measure(1) : { perSecond: null, items: 0 };
  const own = OWN_PACE * 1000 / answerMs(sample);
  if (alone.perSecond === null || alone.perSecond < own) return { ...alone, ofPlainLoop: true };
  const several = await measure(SEVERAL);
  const perSecond = Math.max(alone.perSecond, several.perSecond ?? 0);
  return { perSecond, items: alone.items + several.items, ofPlainLoop: true };
}

/** The pace of a server that refuses the plain loop already; what keeps failing with retries is no limit. */
export async function plainPace(
  { probed, sample }: Pick<Evidence, "probed" | "sample">,
  measure: MeasurePace,
): Promise<Pace | undefined> {
  const limit = rateLimitOf(probed);
  if (limit === undefined) return undefined;
  const pace = await ofPlainLoop(probed.failures, sample, measure);
  const isLimit = pace.perSecond !== null ||
    probed.failures.some(({ status, retryAfterMs = 0 }) =>
      status === TOO_MANY || retryAfterMs > PACE_MS
    );
  return isLimit ? { ...pace, perSecond: pace.perSecond ?? limit.pacePerSecond } : undefined;
}

/** The pace of a server that refuses some model of the race. */
export async function racedPace(
  { race, sample }: Pick<Evidence, "race" | "sample">,
  measure: MeasurePace,
): Promise<Pace | undefined> {
  const { reasons = [] } = plainFailingOf(race) ?? {};
  if (reasons.some(isRefusal)) return await ofPlainLoop(reasons, sample, measure);
  const failing = failingOf(race?.runners);
  if (failing === undefined || !failing.reasons.some(isRefusal)) return undefined;
  // A limit on requests a second refuses these too after a while, which a short race may not see.
  const pace = await measure(failing.well);
  return pace.perSecond === null ? undefined : { ...pace, ofPlainLoop: false };
}
