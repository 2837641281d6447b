/** Recommends a model by what the race shows for the whole job. */

import { BASELINE, isRemote } from "../../models.ts";
import { choose } from "../../judge/choose.ts";
import { QUEUEING, TOO_SLOW, UNSURE } from "../../judge/thresholds.ts";
import type { Interval } from "../../timing/result.ts";
import { Standings } from "../../timing/standings.ts";
import { bySimplicity, type Candidate, lanesOf, SEQUENTIAL } from "../prediction/candidate.ts";
import { type Entry, isShown } from "./entries.ts";

export const DECIDED_BY = [
  "gain",
  "no gain",
  "can't tell",
  "unmeasured",
  /** A server's limit decides, whatever the model. */
  "server's pace",
  /** A task's result depends on the tasks before it. */
  "order matters",
  /** The race wasn't the sampled job, so its times don't count. */
  "other work",
] as const;
export type DecidedBy = typeof DECIDED_BY[number];

export interface Recommendation {
  readonly candidate: Candidate;
  /** The gain over the plain loop, at most what is possible; null if either wasn't measured. */
  readonly gain: Interval | null;
  readonly confidence: number;
  readonly best: Candidate;
  readonly bestGain: Interval | null;
  /** A model that is likely, not surely, faster by a tenth; `confidence` is that the recommended one gains. */
  readonly rival?: Candidate;
  readonly decision: DecidedBy;
}

/** Recommends the plain loop, where no measurement favours another model. */
export function staysPlain(decision: DecidedBy, confidence: number): Recommendation {
  const gain = decision === "unmeasured" || decision === "server's pace" ? null : NO_GAIN;
  return { candidate: SEQUENTIAL, gain, confidence, best: SEQUENTIAL, bestGain: null, decision };
}

const NO_GAIN: Interval = { median: 1, low: 1, high: 1 };

function atMost({ median, low, high }: Interval, most: number): Interval {
  return { median: Math.min(median, most), low: Math.min(low, most), high: Math.min(high, most) };
}

/** The simplest first, but models whose tasks mostly queue after those with fewer slots, and lanes last. */
function inOrder(entries: readonly Entry[], gainOf: (entry: Entry) => number): Entry[] {
  const queues = (entry: Entry) => (entry.inFlight ?? 1) >= QUEUEING * gainOf(entry);
  const rank = (entry: Entry) => isRemote(entry.candidate.model) ? 2 : queues(entry) ? 1 : 0;
  return entries.toSorted((a, b) => rank(a) - rank(b) || bySimplicity(a.candidate, b.candidate));
}

/** Recommends an eligible model by the rule of judge/choose.ts; `told` is a model's gain as tables show it. */
export function recommend(
  entries: readonly Entry[],
  usualNoise?: number,
  told: (of: Candidate) => Interval | null = () => null,
): Recommendation {
  const ran = entries.filter(({ times, eligible }) => eligible && times.length > 0);
  const plain = ran.find(({ candidate }) => candidate.model === BASELINE);
  if (plain === undefined) return staysPlain("unmeasured", 0.5);
  const standings = new Standings(ran, usualNoise);
  const others = inOrder(
    ran.filter((entry) => entry !== plain),
    (entry) => standings.ratio(plain, entry)?.median ?? 0,
  );
  const { chosen, best, confidence, rival, ...found } = choose(
    plain,
    others,
    standings,
    isShown,
    // Slots cost next to nothing, so sizes on the same lanes are equally simple.
    (a, b) => lanesOf(a.candidate) === lanesOf(b.candidate),
    ({ isAtEdge }) => isAtEdge === true,
  );
  const seen = told(chosen.candidate);
  const own = seen !== null && seen.low > 1 ? seen : standings.ratio(plain, chosen);
  const gain = chosen === plain ? NO_GAIN : own;
  const { most = Infinity } = chosen;
  const isTooMuch = gain !== null && gain.median > TOO_SLOW * most;
  return {
    ...found,
    ...(rival && { rival: rival.candidate }),
    candidate: chosen.candidate,
    gain: isTooMuch ? atMost(gain, most) : gain,
    // No answer is fully certain.
    confidence: Math.round(Math.min(isTooMuch ? UNSURE : 0.99, confidence) * 100) / 100,
    best: best.candidate,
  };
}
