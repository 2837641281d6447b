/** The pace of a server that refuses some items, measured with a part of the job and retries. */

import { setTimeout as delay } from "node:timers/promises";
import type { Rate } from "../dispatch/limits.ts";
import { type HttpSigns, isRefusal } from "../tasks/http_signs.ts";
import type { JobSpec, TrialRunner } from "../timing/spec.ts";
import type { Evidence, ServerPace } from "./evidence.ts";
import { failingOf, plainFailingOf } from "./race/failing.ts";
import { answerMs } from "./probe/sample.ts";
import { rateLimitOf } from "./probe/signs.ts";
import { eventLoop, keepingSlots, SEQUENTIAL } from "./prediction/candidate.ts";
import { rateOf } from "./program.ts";

const RETRIES = 20;
/** It may be down for a while, now and then. */
const UNAVAILABLE = 503;
/** How long a server's pace is looked for at most. */
export const PACE_MS = 4000;

interface Measured extends Pick<ServerPace, "perSecond" | "items"> {
  /** How many the server refused to the last try. */
  readonly refused: number;
}

interface PaceCare {
  /** Keeps to this pace, without retries: what matters is whether anything is refused. */
  readonly rate?: Rate | undefined;
  /** Leaves the server alone first, for so long. */
  readonly afterMs?: number;
}

/** Measures the pace with so many tasks in flight. */
export type MeasurePace = (slots: number, care?: PaceCare) => Promise<Measured>;

const NOTHING: Measured = { perSecond: null, items: 0, refused: 0 };

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
    const refused = failures.filter(isRefusal).reduce((sum, { count }) => sum + count, 0);
    return { perSecond: pacePerSecond, items: round.succeeded, refused };
  } catch {
    return NOTHING;
  }
}

/** How long a rate is tried, in milliseconds, and how many are at most. */
export const TRY_MS = 1000;
const TRIES = 4;
/** A rate that goes is near enough to one that doesn't if it is no more than this many times slower. */
const NEAR = 1.25;
/** What comes so much short of its rate is held up by something else. */
const KEPT = 0.7;
/** A rate is borne if no more than this share is refused: the first find a bucket that was emptied before. */
const BORNE = 0.05;
/** A rate that is no faster than this many times the plain loop's own is no reason to leave that. */
const GAINS = 1.1;
/** Nothing is known to be refused that is faster than so many at once. */
const SEVERAL = 4;

type Of = Pick<Evidence, "sample" | "total">;

/** A server that refused something: what bears its signs, and how it is asked again. */
interface Refused extends Of {
  readonly reasons: readonly HttpSigns[];
  readonly measure: MeasurePace;
}

interface Found {
  readonly perSecond: number | null;
  /** Items that went through meanwhile. */
  readonly items: number;
}

/**
 * The rate that a server bears. While it refuses what comes too fast it lets its pace through, as long as it
 * doesn't mind being asked; that is tried then. Where nothing went through, or too much, the greatest rate
 * that is borne is looked for, or nearly, from `slow` on, which is known to be. Undefined if it asks to be
 * left alone for longer than a pace is looked for.
 */
async function borneRate(
  { sample, total, reasons, measure }: Refused,
  { fast, slow, isChance = () => false }: {
    readonly fast: number;
    readonly slow: () => Found | Promise<Found>;
    /** Whether what was refused at such a rate is refused at any. */
    readonly isChance?: (refusedShare: number, perSecond: number) => boolean;
  },
): Promise<Found | undefined> {
  const afterMs = Math.max(0, ...reasons.map(({ retryAfterMs = 0 }) => retryAfterMs));
  if (afterMs > PACE_MS) return undefined;
  let [tries, items] = [0, 0];
  const tryAt = async (perSecond: number) => {
    tries++;
    const slots = keepingSlots(perSecond, answerMs(sample));
    const tried = await measure(slots, { rate: rateOf(perSecond), afterMs });
    items += tried.items;
    const share = tried.refused / Math.max(1, tried.items + tried.refused);
    const isBorne = share <= BORNE && tried.items >= KEPT * perSecond * (TRY_MS / 1000);
    return { pace: tried.perSecond, share, isBorne };
  };
  // At a greater rate the job's items don't last for a try.
  const most = Math.min(fast, (total ?? Infinity) * (1000 / TRY_MS));
  const { pace, share, isBorne } = await tryAt(most);
  if (isChance(share, most)) return { perSecond: null, items };
  if (isBorne) return { perSecond: most, items };
  if (pace !== null && pace < most && (await tryAt(pace)).isBorne) {
    return { perSecond: pace, items };
  }
  let high = Math.min(most, pace ?? most);
  const known = await slow();
  let low = known.perSecond;
  while (low !== null && high > NEAR * low && tries < TRIES) {
    const between = Math.sqrt(low * high);
    if ((await tryAt(between)).isBorne) low = between;
    else high = between;
  }
  return { perSecond: low, items: items + known.items };
}

/** A limit refuses so much of what more it is asked for; what fails by chance doesn't depend on that. */
const OF_MORE = 0.5;
/** Shares that lie no further apart don't tell one from the other. */
const TELLS = 0.1;

/**
 * The pace of a server that refuses such a share of the plain loop's items. The one seen in the sample is
 * taken only where it can't be tried: until a window of time is full a server lets more through.
 */
async function ofPlainLoop(
  refused: Refused,
  share: number,
  seen: number | null = null,
): Promise<ServerPace> {
  const { sample, measure } = refused;
  const own = 1000 / sample.wallMs;
  const found = await borneRate(refused, {
    fast: Math.max(own, SEVERAL * 1000 / answerMs(sample)),
    // With retries something comes through.
    slow: () => measure(1),
    isChance(ofFast, fast) {
      const more = 1 - (1 - share) * own / fast - share;
      return more >= TELLS && ofFast <= share + OF_MORE * more;
    },
  });
  return { ...(found ?? { perSecond: seen, items: 0 }), ofPlainLoop: true };
}

/** The pace of a server that refuses the plain loop already; what keeps failing with retries is no limit. */
export async function plainPace(
  { probed, ...of }: Of & Pick<Evidence, "probed">,
  measure: MeasurePace,
): Promise<ServerPace | undefined> {
  const limit = rateLimitOf(probed);
  if (limit === undefined) return undefined;
  const reasons = probed.failures;
  const { count, pacePerSecond: seen } = limit;
  const pace = await ofPlainLoop({ ...of, reasons, measure }, count / of.sample.items, seen);
  const isLimit = pace.perSecond !== null ||
    reasons.some((of) =>
      isRefusal(of) && of.status !== UNAVAILABLE || (of.retryAfterMs ?? 0) > PACE_MS
    );
  return isLimit ? pace : undefined;
}

/** The pace of a server that refuses some model of the race. */
export async function racedPace(
  { race, ...of }: Of & Pick<Evidence, "race">,
  measure: MeasurePace,
): Promise<ServerPace | undefined> {
  const plain = plainFailingOf(race);
  if (plain?.reasons.some(isRefusal)) {
    return await ofPlainLoop({ ...of, ...plain, measure }, plain.failed / plain.items);
  }
  const failing = failingOf(race?.runners);
  if (failing === undefined || !failing.reasons.some(isRefusal)) return undefined;
  const own = 1000 / answerMs(of.sample);
  // A limit on requests a second refuses those that went well, too, after a while that a short race may not see.
  const found = failing.well > 1 ? await measure(failing.well) : await borneRate(
    { ...of, ...failing, measure },
    { fast: own * failing.inFlight, slow: () => ({ perSecond: own, items: 0 }) },
  );
  const { perSecond = null, items = 0 } = found ?? {};
  const isGain = failing.well > 1 || (perSecond ?? 0) >= GAINS * own;
  return perSecond === null || !isGain ? undefined : { perSecond, items, ofPlainLoop: false };
}
