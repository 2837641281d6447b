/** The pace of a server that refuses some items, measured with a part of the job and retries. */

import { setTimeout as delay } from "node:timers/promises";
import type { Rate } from "../dispatch/limits.ts";
import { type HttpSigns, isRefusal } from "../tasks/http_signs.ts";
import type { JobSpec, TrialRunner } from "../timing/spec.ts";
import type { Evidence, Pace } from "./evidence.ts";
import { rateLimitOf } from "./findings.ts";
import { failingOf, plainFailingOf } from "./race/sample_check.ts";
import { answerMs } from "./probe/sample.ts";
import { eventLoop, keepingSlots, SEQUENTIAL } from "./prediction/candidate.ts";
import { rateOf } from "./program.ts";

const RETRIES = 20;
const TOO_MANY = 429;
/** How long a server's pace is looked for at most. */
export const PACE_MS = 4000;

interface Measured extends Pick<Pace, "perSecond" | "items"> {
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

const longestWaitMs = (refused: readonly HttpSigns[]) =>
  Math.max(0, ...refused.map(({ retryAfterMs = 0 }) => retryAfterMs));

type Of = Pick<Evidence, "sample" | "total">;

/** Tries rates without retries, each for a moment. */
class Tries {
  /** Items that went through in all of them. */
  items = 0;
  readonly #answerMs: number;
  /** At a greater rate the job's items don't last for a try. */
  readonly #most: number;
  #count = 0;

  constructor({ sample, total }: Of, readonly afterMs: number, readonly measure: MeasurePace) {
    this.#answerMs = answerMs(sample);
    this.#most = (total ?? Infinity) * (1000 / TRY_MS);
  }

  /** The rate itself, or the greatest that can be tried. */
  triable(perSecond: number): number {
    return Math.min(perSecond, this.#most);
  }

  get isOver(): boolean {
    return this.#count >= TRIES;
  }

  async at(perSecond: number): Promise<Measured & { readonly isBorne: boolean }> {
    this.#count++;
    const care = { rate: rateOf(perSecond), afterMs: this.afterMs };
    const tried = await this.measure(keepingSlots(perSecond, this.#answerMs), care);
    const { items, refused } = tried;
    this.items += items;
    const isBorne = refused <= BORNE * (items + refused) &&
      items >= KEPT * perSecond * (TRY_MS / 1000);
    return { ...tried, isBorne };
  }
}

/**
 * The rate that a server bears: what went through while it refused what was faster, if that is borne when
 * it is kept to; or the greatest that is, or nearly, from `slow` on, which is known to be.
 */
async function borneRate(
  tries: Tries,
  pace: number | null,
  fast: number,
  slow: () => Promise<number | null>,
): Promise<number | null> {
  if (pace !== null && pace < fast && (await tries.at(pace)).isBorne) return pace;
  let high = Math.min(fast, pace ?? fast);
  let low = await slow();
  while (low !== null && high > NEAR * low && !tries.isOver) {
    const between = Math.sqrt(low * high);
    if ((await tries.at(between)).isBorne) low = between;
    else high = between;
  }
  return low;
}

/** A limit refuses so much of what more it is asked for; what fails by chance doesn't depend on that. */
const OF_MORE = 0.5;
/** Shares that lie no further apart don't tell one from the other. */
const TELLS = 0.1;

/**
 * The pace of a server that refuses the plain loop. While it refuses what comes too fast it lets its pace
 * through, as long as it doesn't mind being asked; that is tried then. Where nothing went through, or too
 * much, the greatest rate that is borne is looked for, from what the plain loop gets through with retries.
 */
async function ofPlainLoop(
  reasons: readonly HttpSigns[],
  /** Of its items. */
  share: number,
  of: Of,
  measure: MeasurePace,
): Promise<Pace> {
  const { sample } = of;
  const afterMs = longestWaitMs(reasons);
  const tries = new Tries(of, afterMs, measure);
  const told = (perSecond: number | null) => (
    { perSecond, items: tries.items, ofPlainLoop: true }
  );
  if (afterMs > PACE_MS) return told(null);
  const own = 1000 / sample.wallMs;
  const fast = tries.triable(Math.max(own, SEVERAL * 1000 / answerMs(sample)));
  const tried = await tries.at(fast);
  const ofFast = tried.refused / Math.max(1, tried.items + tried.refused);
  const asLimited = 1 - (1 - share) * own / fast;
  const isTold = asLimited - share >= TELLS;
  if (isTold && ofFast <= share + OF_MORE * (asLimited - share)) return told(null);
  const withRetries = async () => {
    const { perSecond, items } = await measure(1);
    tries.items += items;
    return perSecond;
  };
  return told(await borneRate(tries, tried.perSecond, fast, withRetries));
}

/** The pace of a server that refuses the plain loop already; what keeps failing with retries is no limit. */
export async function plainPace(
  { probed, ...of }: Of & Pick<Evidence, "probed">,
  measure: MeasurePace,
): Promise<Pace | undefined> {
  const limit = rateLimitOf(probed);
  if (limit === undefined) return undefined;
  const pace = await ofPlainLoop(probed.failures, limit.count / of.sample.items, of, measure);
  const isLimit = pace.perSecond !== null ||
    probed.failures.some(({ status, retryAfterMs = 0 }) =>
      status === TOO_MANY || retryAfterMs > PACE_MS
    );
  return isLimit ? { ...pace, perSecond: pace.perSecond ?? limit.pacePerSecond } : undefined;
}

/** The pace of a server that refuses some model of the race. */
export async function racedPace(
  { race, ...of }: Of & Pick<Evidence, "race">,
  measure: MeasurePace,
): Promise<Pace | undefined> {
  const plain = plainFailingOf(race);
  if (plain?.reasons.some(isRefusal)) {
    const { reasons, failed, items } = plain;
    return await ofPlainLoop(reasons, failed / items, of, measure);
  }
  const failing = failingOf(race?.runners);
  if (failing === undefined || !failing.reasons.some(isRefusal)) return undefined;
  if (failing.well <= 1) {
    const afterMs = longestWaitMs(failing.reasons);
    if (afterMs > PACE_MS) return undefined;
    const own = 1000 / answerMs(of.sample);
    const tries = new Tries(of, afterMs, measure);
    const fast = tries.triable(own * failing.inFlight);
    const tried = await tries.at(fast);
    const rate = tried.isBorne
      ? fast
      : await borneRate(tries, tried.perSecond, fast, () => Promise.resolve(own));
    return rate === null || rate < GAINS * own
      ? undefined
      : { perSecond: rate, items: tries.items, ofPlainLoop: false };
  }
  // A limit on requests a second refuses these too after a while, which a short race may not see.
  const { perSecond, items } = await measure(failing.well);
  return perSecond === null ? undefined : { perSecond, items, ofPlainLoop: false };
}
