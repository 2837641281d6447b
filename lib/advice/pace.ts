/** Measures the pace of a server that refuses some items, with a part of the job and retries. */

import { setTimeout as delay } from "node:timers/promises";
import type { Rate } from "../dispatch/map_options.ts";
import { type HttpSigns, isRefusal } from "../tasks/http_signs.ts";
import type { JobSpec } from "../timing/spec.ts";
import type { AdviseOptions, Evidence, ServerPace } from "./evidence.ts";
import type { RaceOptions } from "./race/trials.ts";
import { failingOf, plainFailingOf } from "./race/failing.ts";
import { answerMs, rateLimitOf } from "./probe/sample.ts";
import { eventLoop, keepingSlots, SEQUENTIAL } from "./prediction/candidate.ts";
import { rateOf } from "./program.ts";

const RETRIES = 20;
/** A server that answers so may only be down for a while. */
const UNAVAILABLE = 503;
/** How long a server's pace is measured at most, in milliseconds. */
const PACE_MS = 4000;

interface Measured {
  /** As in {@linkcode ServerPace}. */
  readonly perSecond: number | null;
  /** How many items succeeded meanwhile, and how many the server still refused on the last try. */
  readonly items: number;
  readonly refused: number;
}

interface PaceCare {
  /** Keeps to this pace without retries, to see whether anything is refused. */
  readonly rate?: Rate | undefined;
  /** How long to leave the server alone first, in milliseconds. */
  readonly afterMs?: number;
}

/** Measures the pace with `slots` tasks in flight. */
export type MeasurePace = (slots: number, care?: PaceCare) => Promise<Measured>;

/** Measures by running the job until the time is up, with retries unless a rate is given. */
export function paceOfJob(
  job: JobSpec,
  { leftMs, signal, runTrial, onPhase }:
    & Pick<RaceOptions, "leftMs" | "signal" | "runTrial">
    & Pick<AdviseOptions, "onPhase">,
): MeasurePace {
  return async (slots, { rate, afterMs = 0 } = {}) => {
    onPhase?.("measuring the pace that the server allows");
    const mostMs = Math.max(1, Math.min(rate ? TRY_MS : PACE_MS, leftMs()));
    const model = slots < 2 ? SEQUENTIAL : eventLoop(slots);
    try {
      if (afterMs > 0) await delay(afterMs, undefined, { signal });
      const care = rate === undefined ? { retries: RETRIES } : { rate };
      const trial = { ...model, job, round: 0, mostMs, ...care };
      const { round, pacePerSecond = null, failures = [] } = await runTrial(trial, { signal });
      const refused = failures.filter(isRefusal).reduce((sum, { count }) => sum + count, 0);
      return { perSecond: pacePerSecond, items: round.succeeded, refused };
    } catch {
      return { perSecond: null, items: 0, refused: 0 };
    }
  };
}

/** How long a rate is tried, in milliseconds, and how many rates are tried at most. */
const TRY_MS = 1000;
const TRIES = 4;
/** How often an item runs at most while a pace is searched for, tries after a refusal aside. */
export const MOST_PACES: number = TRIES + 1;
/** The search ends once an accepted rate is within this factor of a refused one. */
const NEAR = 1.25;
/** If a try reaches less than this share of its rate, something else holds it up. */
const KEPT = 0.7;
/** A rate is accepted if at most this share is refused: an earlier try may have used up the first tokens. */
const BORNE = 0.05;
/** A model is worth its slots only if its rate exceeds the plain loop's by this factor. */
const GAINS = 1.1;
/** The highest rate tried is that of this many tasks at once. */
const SEVERAL = 4;

type Of = Pick<Evidence, "sample" | "total">;

/** A server that refused something: the signs in its errors, and how to measure it. */
interface Refused extends Of {
  readonly reasons: readonly HttpSigns[];
  readonly measure: MeasurePace;
}

/**
 * Finds the rate that a server accepts. A server that refuses what comes too fast usually lets its pace
 * through, so the pace seen in the first try is tried next. If there was none, or it isn't accepted, the
 * greatest accepted rate is searched for, roughly, from `slow` on, which is known to be accepted. Undefined if
 * that can't be tried: the server asks to be left alone for longer than PACE_MS, or so much can't be asked now.
 */
async function borneRate(
  { sample, total, reasons, measure }: Refused,
  { fast, slow, isChance = () => false }: {
    readonly fast: number;
    readonly slow: () => number | Promise<number | null>;
    /** Whether the share refused at this rate would be refused at any rate. */
    readonly isChance?: (refusedShare: number, perSecond: number) => boolean;
  },
): Promise<number | null | undefined> {
  const afterMs = Math.max(0, ...reasons.map(({ retryAfterMs = 0 }) => retryAfterMs));
  if (afterMs > PACE_MS) return undefined;
  let [tries, refused] = [0, 0];
  const tryAt = async (perSecond: number) => {
    tries++;
    const slots = keepingSlots(perSecond, answerMs(sample));
    const tried = await measure(slots, { rate: rateOf(perSecond), afterMs });
    refused += tried.refused;
    const ended = tried.items + tried.refused;
    const share = tried.refused / Math.max(1, ended);
    const isFree = ended > 0 && share <= BORNE;
    const isBorne = isFree && tried.items >= KEPT * perSecond * (TRY_MS / 1000);
    return { pace: tried.perSecond, share, asked: ended * (1000 / TRY_MS), isFree, isBorne };
  };
  // At a greater rate the job's items wouldn't last for a try.
  const most = Math.min(fast, (total ?? Infinity) * (1000 / TRY_MS));
  const { pace, share, asked, isBorne } = await tryAt(most);
  // On a busy machine it may be asked for far less.
  if (isChance(share, Math.min(most, asked))) return null;
  if (isBorne) return most;
  // It went through while more was refused: that less of it comes now is a busy machine's doing.
  if (pace !== null && pace < most && (await tryAt(pace)).isFree) return pace;
  let high = Math.min(most, pace ?? most);
  let low = await slow();
  while (low !== null && high > NEAR * low && tries < TRIES) {
    const between = Math.sqrt(low * high);
    if ((await tryAt(between)).isBorne) low = between;
    else high = between;
  }
  return low === null && refused === 0 ? undefined : low;
}

/** A limit refuses more than this share of the expected extra refusals; failures by chance don't grow. */
const OF_MORE = 0.5;
/** With fewer extra refusals expected, a limit can't be told from chance. */
const TELLS = 0.1;

/**
 * The pace of a server that refuses `share` of the plain loop's items. The pace seen in the sample counts only
 * if none can be tried, since a server lets more through until its time window is full.
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
    // With retries something gets through.
    slow: async () => (await measure(1)).perSecond,
    isChance(ofFast, fast) {
      const more = 1 - (1 - share) * own / fast - share;
      return more >= TELLS && ofFast <= share + OF_MORE * more;
    },
  });
  return { perSecond: found === undefined ? seen : found, ofPlainLoop: true };
}

/** The pace of a server that refuses even the plain loop; failures despite retries aren't a limit. */
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
  // A rate limit may later refuse as many in flight as went well in a short race, so these are measured.
  const perSecond = failing.well > 1 ? (await measure(failing.well)).perSecond : await borneRate(
    { ...of, ...failing, measure },
    { fast: own * failing.inFlight, slow: () => own },
  ) ?? null;
  const isGain = failing.well > 1 || (perSecond ?? 0) >= GAINS * own;
  return perSecond === null || !isGain ? undefined : { perSecond, ofPlainLoop: false };
}
