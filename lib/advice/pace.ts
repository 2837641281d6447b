/** The pace of a server that refuses some items, measured with a part of the job and retries. */

import { setTimeout as delay } from "node:timers/promises";
import type { Rate } from "../dispatch/limit.ts";
import { type HttpSigns, isRefusal } from "../tasks/http_signs.ts";
import type { JobSpec, TrialRunner } from "../timing/spec.ts";
import type { Evidence, Pace } from "./evidence.ts";
import { rateLimitOf } from "./findings.ts";
import { failingOf, plainFailingOf } from "./race/failing.ts";
import { answerMs, type Sample } from "./probe/sample.ts";
import { eventLoop, keepingSlots, SEQUENTIAL } from "./prediction/candidate.ts";
import { rateOf } from "./program.ts";

const RETRIES = 20;
const TOO_MANY = 429;
/** How long a server's pace is looked for at most. */
export const PACE_MS = 4000;

interface Measured extends Pick<Pace, "perSecond" | "items"> {
  /** Whether the server refused some, retries or not. */
  readonly refused: boolean;
}

/** With which care the pace is measured. */
interface PaceCare {
  /** Keeps to this pace, without retries: what matters is whether anything is refused. */
  readonly rate?: Rate | undefined;
  /** Leaves the server alone first, for so long. */
  readonly afterMs?: number;
}

/** Measures the pace with so many tasks in flight. */
export type MeasurePace = (slots: number, care?: PaceCare) => Promise<Measured>;

const NOTHING: Measured = { perSecond: null, items: 0, refused: false };

/** Runs the job, with retries unless it keeps to a rate, until the time is up and counts what goes through. */
export async function paceProbe(
  job: JobSpec,
  { slots, rate, afterMs = 0, mostMs, signal, runTrial }: PaceCare & {
    readonly slots: number;
    readonly mostMs: number;
    readonly signal: AbortSignal;
    readonly runTrial: TrialRunner;
  },
): Promise<Measured> {
  const model = slots < 2 ? SEQUENTIAL : eventLoop(slots);
  try {
    if (afterMs > 0) await delay(afterMs, undefined, { signal });
    const care = rate === undefined ? { retries: RETRIES } : { rate };
    const trial = { ...model, job, round: 0, mostMs, ...care };
    const { round, pacePerSecond = null, failures = [] } = await runTrial(trial, { signal });
    return { perSecond: pacePerSecond, items: round.succeeded, refused: failures.some(isRefusal) };
  } catch {
    return NOTHING;
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
  const { perSecond: alone, items } = isAskable ? await measure(1) : NOTHING;
  const own = OWN_PACE * 1000 / answerMs(sample);
  if (alone === null || alone < own) return { perSecond: alone, items, ofPlainLoop: true };
  const several = await measure(SEVERAL);
  const perSecond = Math.max(alone, several.perSecond ?? 0);
  return { perSecond, items: items + several.items, ofPlainLoop: true };
}

/** How long a rate is tried, in milliseconds, and how many are. */
export const TRY_MS = 1000;
const TRIES = 4;
/** A rate that goes is near enough to one that doesn't if it is no more than this many times slower. */
const NEAR = 1.25;
/** What comes so much short of its rate is held up by something else. */
const KEPT = 0.7;

/** Looks for the greatest rate that isn't refused, above that of the plain loop, which isn't. */
async function paceBetween(
  own: number,
  refused: number,
  { sample, afterMs }: { readonly sample: Sample; readonly afterMs: number },
  measure: MeasurePace,
): Promise<Pace | undefined> {
  let [low, high, all] = [own, refused, 0];
  for (let tries = 0; tries < TRIES && high > NEAR * low; tries++) {
    const perSecond = Math.sqrt(low * high);
    const slots = keepingSlots(perSecond, answerMs(sample));
    const { items, refused } = await measure(slots, { rate: rateOf(perSecond), afterMs });
    all += items;
    if (refused || items < KEPT * perSecond * (TRY_MS / 1000)) high = perSecond;
    else low = perSecond;
  }
  return low === own ? undefined : { perSecond: low, items: all, ofPlainLoop: false };
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
  if (failing.well <= 1) {
    const afterMs = Math.max(0, ...failing.reasons.map(({ retryAfterMs = 0 }) => retryAfterMs));
    const own = 1000 / answerMs(sample);
    return afterMs > PACE_MS
      ? undefined
      : await paceBetween(own, own * failing.inFlight, { sample, afterMs }, measure);
  }
  // A limit on requests a second refuses these too after a while, which a short race may not see.
  const { perSecond, items } = await measure(failing.well);
  return perSecond === null ? undefined : { perSecond, items, ofPlainLoop: false };
}
