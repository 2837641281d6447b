/**
 * The recommendation: the simplest model whose time isn't detectably worse than the best.
 *
 * @module
 */

import type { Interval } from "../../timing/result.ts";
import { confidenceAbove } from "../../timing/difference.ts";
import { pairedRatio } from "../../timing/interval.ts";
import { bySimplicity, type Candidate, SEQUENTIAL } from "../prediction/candidate.ts";
import { estimateMs, type Evidence } from "./estimate.ts";
import { QUEUEING } from "./substitutes.ts";

/** One model's times for the whole job, by round. */
export interface Entry {
  /** The model and its size. */
  readonly candidate: Candidate;
  /** Round number and time in milliseconds. */
  readonly times: readonly { readonly round: number; readonly ms: number }[];
  /** Whether it ran without failures of its own, gave the same results, and wasn't clearly slower. */
  readonly eligible: boolean;
  /** How many tasks it had in flight at once; default 1. */
  readonly inFlight?: number;
  /** What was predicted of it, in milliseconds; undefined for nothing. */
  readonly predicted?: Evidence["predicted"];
}

/** What is recommended, and why. */
export interface Recommendation {
  /** The model and its size. */
  readonly candidate: Candidate;
  /** Against sequential; null if that or the model wasn't measured. */
  readonly gain: Interval | null;
  /** 0 to 1. */
  readonly confidence: number;
  /** The fastest model measured. */
  readonly best: Candidate;
}

/** An estimated time that is worse by less is as good. */
const AS_GOOD = 1.05;
/** The plain loop is left only for what surely pays: so much is forgiven it if nothing better is shown. */
const TOO_SLOW = 1.1;

function paired(a: Entry, b: Entry): { a: number[]; b: number[] } {
  const times = new Map(b.times.map(({ round, ms }) => [round, ms]));
  const common = a.times.filter(({ round }) => times.has(round));
  return { a: common.map(({ ms }) => ms), b: common.map(({ round }) => times.get(round)!) };
}

/**
 * How many times as long one entry takes as another, paired by round.
 *
 * @param slow One entry.
 * @param fast Another.
 * @param seed Seeds the bootstrap.
 * @returns The interval; null if they share no round.
 *
 * @example
 * ```ts
 * import { ratioOf } from "./recommend.ts";
 *
 * const candidate = { model: "sequential", lanes: 1, slots: 1 } as const;
 * const entry = { candidate, times: [{ round: 0, ms: 10 }], eligible: true };
 * console.log(ratioOf(entry, entry, 1)?.median); // 1
 * ```
 */
export function ratioOf(slow: Entry, fast: Entry, seed: number): Interval | null {
  const { a, b } = paired(slow, fast);
  return a.length === 0 ? null : pairedRatio(a, b, { seed });
}

/** How sure it is that `slow / fast` exceeds a bound. */
function surely(slow: Entry, fast: Entry, bound: number): number {
  const { a, b } = paired(slow, fast);
  return a.length === 0 ? 0.5 : confidenceAbove(a, b, bound);
}

/**
 * The simplest first. But an event loop on which most tasks only queue for what serves a few of them
 * comes behind one that has just these few in flight: it is as fast, and kinder to what it waits for.
 */
function inOrder(entries: readonly Entry[], timeOf: (entry: Entry) => number): Entry[] {
  const simplest = entries.toSorted((a, b) => bySimplicity(a.candidate, b.candidate));
  const sequential = simplest.find(({ candidate }) => candidate.model === "sequential");
  if (sequential === undefined) return simplest;
  const loops = simplest.filter(({ candidate }) => candidate.lanes === 1 && candidate.slots > 1);
  const queues = (entry: Entry) =>
    (entry.inFlight ?? 1) >= QUEUEING * timeOf(sequential) / timeOf(entry);
  const rest = simplest.filter((entry) => entry !== sequential && !loops.includes(entry));
  return [
    sequential,
    ...loops.filter((entry) => !queues(entry)),
    ...loops.filter(queues),
    ...rest,
  ];
}

/**
 * Recommends a model.
 *
 * @param entries What was raced.
 * @param seed Seeds the bootstrap.
 * @returns The simplest model whose estimated time is as good as the best one's; for the plain loop, that
 * isn't shown to be worse, nor a tenth above it: with few rounds much can't be shown. The confidence is the least of those that
 * it beats each simpler model, and that no other beats it by a tenth. Sequential, with half a
 * confidence, if nothing was measured.
 *
 * @example
 * ```ts
 * import { recommend } from "./recommend.ts";
 *
 * console.log(recommend([], 1).candidate.model); // "sequential"
 * ```
 */
export function recommend(entries: readonly Entry[], seed: number): Recommendation {
  const ran = entries.filter(({ times, eligible }) => eligible && times.length > 0);
  const plain = ran.find(({ candidate }) => candidate.model === "sequential");
  // However much was predicted: what was measured to be slower than the plain loop isn't taken for it.
  const eligible = ran.filter((entry) =>
    plain === undefined || entry === plain || (ratioOf(plain, entry, seed)?.median ?? 1) >= 1
  );
  const estimates = estimateMs(eligible);
  const timeOf = (entry: Entry) => estimates[eligible.indexOf(entry)]!;
  const fit = inOrder(eligible, timeOf);
  const sequential = fit.find(({ candidate }) => candidate.model === "sequential");
  if (fit.length === 0) {
    return { candidate: SEQUENTIAL, gain: null, confidence: 0.5, best: SEQUENTIAL };
  }
  const best = fit.reduce((a, b) => timeOf(b) < timeOf(a) ? b : a);
  const chosen = fit.find((entry) => {
    const behind = timeOf(entry) / timeOf(best);
    if (behind <= AS_GOOD) return true;
    return entry === sequential && behind <= TOO_SLOW &&
      (ratioOf(entry, best, seed)?.low ?? 1) <= 1;
  }) ?? best;
  const sure = fit.filter((entry) => entry !== chosen).map((entry) =>
    bySimplicity(entry.candidate, chosen.candidate) < 0
      ? surely(entry, chosen, 1)
      : 1 - surely(chosen, entry, TOO_SLOW)
  );
  const gain = sequential === undefined
    ? null
    : sequential === chosen
    ? { median: 1, low: 1, high: 1 }
    : ratioOf(sequential, chosen, seed);
  // Alone on the field proves little; and certainty is never whole.
  const confidence = sure.length === 0 ? 0.7 : Math.min(0.99, ...sure);
  return {
    candidate: chosen.candidate,
    gain,
    confidence: Math.round(confidence * 100) / 100,
    best: best.candidate,
  };
}
