/** The rule by which comparisons, advice and sweeps choose a model, or a size of a model. */

import type { Interval } from "../text/format.ts";
import {
  AS_GOOD,
  MORE_LIKELY,
  SURE_FASTER,
  SURE_OF_NONE,
  TELLS_NOTHING,
  TOO_SLOW,
} from "./thresholds.ts";

export interface Standing<C> {
  /** How many times as long `slow` takes as `fast`; null if they were never measured together. */
  ratio(slow: C, fast: C): Interval | null;
  /** The probability, 0 to 1, that `slow` takes more than `bound` times as long as `fast`. */
  sureAbove(slow: C, fast: C, bound: number): number;
}

export interface Choice<C> {
  readonly chosen: C;
  /** The fastest of the candidates that gain; if none does, the one that might. */
  readonly best: C;
  readonly bestGain: Interval | null;
  readonly confidence: number;
  /** A candidate that is likely, not surely, faster by a tenth; `confidence` is that the chosen one gains. */
  readonly rival?: C;
  /** Whether a gain was shown, a gain of a tenth is unlikely, or it can't be told. */
  readonly decision: "gain" | "no gain" | "can't tell";
}

/** The confidence where nothing was measured beside the plain candidate. */
const ALONE = 0.7;

/**
 * Chooses the simplest candidate whose gain over the plain one is shown and that is as good as the best. The
 * confidence is the least of the probabilities that it beats each simpler candidate, and that no other beats it
 * by a tenth; a candidate that likely does is returned as the rival.
 */
export function choose<C>(
  plain: C,
  /** Sorted, the simplest first. */
  others: readonly C[],
  standing: Standing<C>,
  isShown: (of: C, gain: Interval | null) => boolean = (_, gain) => gain !== null && gain.low > 1,
  /** Whether two candidates are equally simple; the slower one is then not taken on a mere chance. */
  isAlike: (a: C, b: C) => boolean = () => false,
  /** Whether a somewhat greater load makes its tasks fail, so that one within a tenth of it is as good. */
  isAtEdge: (of: C) => boolean = () => false,
): Choice<C> {
  const gainOf = (of: C) => standing.ratio(plain, of);
  const middle = (of: C) => gainOf(of)?.median ?? 0;
  const fastest = (among: readonly C[]) => among.toSorted((a, b) => middle(b) - middle(a))[0];
  const staysPlain = (best = fastest(others)): Choice<C> => {
    if (best === undefined) {
      return { chosen: plain, best: plain, bestGain: null, confidence: ALONE, decision: "no gain" };
    }
    const gain = gainOf(best);
    const confidence = Math.min(
      ...others.map((of) => 1 - standing.sureAbove(plain, of, TOO_SLOW)),
    );
    // A gain of a tenth that is still possible hasn't been ruled out.
    const isOpen = gain === null || confidence < SURE_OF_NONE ||
      (!isShown(best, gain) && gain.median >= TOO_SLOW) ||
      (gain.low <= 1 && gain.high > TOO_SLOW && gain.high / gain.low > TELLS_NOTHING);
    const decision = isOpen ? "can't tell" : "no gain";
    return { chosen: plain, best, bestGain: gain, confidence, decision };
  };
  const paying = others.filter((of) => isShown(of, gainOf(of)));
  const best = fastest(paying);
  if (best === undefined || middle(best) <= AS_GOOD) return staysPlain();
  const isAsGood = (of: C) =>
    middle(best) <= AS_GOOD * middle(of) ||
    (paying.includes(of) && (
      (isAtEdge(best) && middle(best) <= TOO_SLOW * middle(of)) ||
      (standing.sureAbove(of, best, 1) < SURE_FASTER &&
        !(isAlike(of, best) && middle(best) >= TOO_SLOW * middle(of)))
    ));
  const chosen = others.find(isAsGood)!;
  // If a simpler candidate is as good but isn't shown to pay, the best one was only lucky.
  if (!paying.includes(chosen)) return staysPlain(chosen);
  const at = others.indexOf(chosen);
  // The plain candidate is simpler than all others.
  const beats = [plain, ...others.slice(0, at)].map((of) => standing.sureAbove(of, chosen, 1));
  const later = others.slice(at + 1).map((of) =>
    [of, 1 - standing.sureAbove(chosen, of, TOO_SLOW)] as const
  );
  const sure = Math.min(...beats);
  // A choice that is more likely wrong than right isn't recommended.
  if (sure < MORE_LIKELY) return staysPlain(best);
  const [rival] = later.filter(([, sure]) => sure < MORE_LIKELY).toSorted(([, a], [, b]) => a - b)
    .map(([of]) => of);
  const confidence = rival === undefined ? Math.min(sure, ...later.map(([, sure]) => sure)) : sure;
  const found = { chosen, best, bestGain: gainOf(best), confidence, decision: "gain" } as const;
  return rival === undefined ? found : { ...found, rival };
}

/**
 * The largest share of the sequential time that a model could save: what other cores compute, and all waits but
 * one item's.
 */
export function mostSaved(cpuShare: number, cores: number, items: number): number {
  return cpuShare * (1 - 1 / Math.min(items, cores)) + (1 - cpuShare) * (1 - 1 / items);
}

/** With many tasks in flight, a waiting task may compute as little as this share of what it does alone. */
export const LESS = 0.5;
/** A thread with many tasks sleeps less, which saves up to this share of what waiting tasks compute. */
const WAKING = 0.8;

/** A job's tasks as measured one by one. */
interface OneByOne {
  /** The share of their time in which tasks compute, and the part of that on the event loop's thread. */
  readonly cpuShare: number;
  readonly onLoop: number;
  /** The share of their time for which tasks hold up the event loop while they wait. */
  readonly held?: number;
}

/** The greatest gain that tasks in flight, the cores, and the time of one event loop allow. */
export function gainLimit(
  { cpuShare, onLoop, held = 0 }: OneByOne,
  cores: number,
  { lanes, inFlight }: { readonly lanes: number; readonly inFlight: number },
): number {
  // Tasks that compute all the time never sleep. How much waiting tasks compute with many in flight is not
  // known from a run one by one.
  const spared = (1 - cpuShare) * WAKING;
  const computing = cpuShare * (1 - spared) * LESS ** (1 - cpuShare);
  const byCores = cores / Math.max(1e-9, computing);
  const byLoop = lanes > 1 ? Infinity : 1 / Math.max(1e-9, computing * onLoop + held);
  return Math.max(1, Math.min(inFlight, byCores, byLoop));
}
