/**
 * How many slots tasks that wait are given, from round to round: the published law that `auto()` follows.
 * `tests/adaptive/laws_main.ts` holds it against two others.
 *
 * A round is as many tasks as fill the slots, all started since the slots last changed. What only this
 * program knows, such as that its event loop is busy or that a server refuses, is not a law's to judge.
 */

/** What a round showed. */
export interface Round {
  readonly slots: number;
  /** How long its tasks took, as its quicker ones tell: these wait in every queue that the others wait in. */
  readonly latencyMs: number;
  /** The least of these, with few at once. */
  readonly leastMs: number;
}

/** Gives the slots of the next round, at least 1; they need not be whole. */
export type SlotLaw = (round: Round) => number;

/** A round's slots count so much beside the ones before: there, by each task, they count for less. */
const SMOOTHING = 0.5;

/** Latency may grow so much before it counts. */
const TOLERANCE = 1.25;
/** How much the newest round counts in the long run. */
const LONG_RUN = 0.01;
/** A long run that lies so far above the present is forgotten faster. */
const STALE = 2;
const FORGETTING = 0.95;

/**
 * Slots shrink by the ratio of the latency in the long run to that of now, at most by half, and grow by
 * the root of their number, as a queue is to have a few: Gradient2Limit of Netflix's concurrency-limits.
 */
export function gradient2(): SlotLaw {
  let longMs: number | undefined;
  return ({ slots, latencyMs, leastMs }) => {
    longMs ??= leastMs;
    longMs += LONG_RUN * (latencyMs - longMs);
    if (longMs > STALE * latencyMs) longMs *= FORGETTING;
    const gradient = Math.min(1, Math.max(0.5, TOLERANCE * longMs / latencyMs));
    const wanted = slots * gradient + Math.sqrt(slots);
    return Math.max(1, slots + SMOOTHING * (wanted - slots));
  };
}
