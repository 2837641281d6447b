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

/** Latency may grow so much before it counts. */
const TOLERANCE = 1.25;

/**
 * Slots shrink by the ratio of the least latency to that of now, at most by half, and grow by half the root
 * of their number, so that a queue has a few: GradientLimit of Netflix's concurrency-limits. Its successor
 * holds latency against the mean of a long run, which follows what too many slots do, so they become ever more.
 */
export function gradient({ slots, latencyMs, leastMs }: Round): number {
  const ratio = Math.min(1, Math.max(0.5, TOLERANCE * leastMs / latencyMs));
  return Math.max(1, slots * ratio + Math.sqrt(slots) / 2);
}
