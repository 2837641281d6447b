/** Compares models for the rule of judge/choose.ts: in pairs, or all of a race together. */

import type { Standing } from "../judge/choose.ts";
import { CONFIDENCE, ONE_ROUND } from "../judge/thresholds.ts";
import { confidenceAbove, fromLogs, logOfTime, pairedRatio } from "./interval.ts";
import type { Interval, ModelResult } from "./result.ts";
import { mean, studentCdf, studentQuantile } from "./statistics.ts";

/** Applies a function to the times of the rounds that both models ran; undefined if there are none. */
function inPairs<T>(
  a: ModelResult,
  b: ModelResult,
  say: (a: readonly number[], b: readonly number[]) => T,
): T | undefined {
  const times = new Map(b.rounds.map(({ round, wallMs }) => [round, wallMs]));
  const common = a.rounds.filter(({ round }) => times.has(round));
  return common.length === 0
    ? undefined
    : say(common.map(({ wallMs }) => wallMs), common.map(({ round }) => times.get(round)!));
}

/**
 * Compares two models by their own rounds alone. It needs more rounds than {@linkcode Standings}, but holds for
 * any noise, and if the models' noises differ, whatever number of rounds a user chose.
 */
export const PAIRWISE: Standing<ModelResult> = {
  ratio: (slow, fast) => inPairs(slow, fast, pairedRatio) ?? null,
  sureAbove: (slow, fast, bound) =>
    inPairs(slow, fast, (a, b) => confidenceAbove(a, b, bound)) ?? 0.5,
};

interface Series {
  readonly times: readonly { readonly round: number; readonly ms: number }[];
}

/** The usual noise of a trial's time, as a logarithm, on an idle machine and on a busy one. */
export const USUAL_NOISE = 0.1;
export const BUSY_NOISE = 0.2;
/** How many degrees of freedom the usual noise counts as. */
const USUAL_FREEDOM = 3;
const ITERATIONS = 50;

/**
 * Models are treatments, rounds are blocks (Fisher, "The Design of Experiments", 1935), on logarithms. The
 * residuals are the noise of all models together, moderated by the usual noise (Smyth, Stat. Appl. Genet. Mol.
 * Biol. 3, 2004), so that two or three rounds suffice.
 */
export class Standings<S extends Series> implements Standing<S> {
  readonly #effects = new Map<S, number>();
  /** Whether there is only one round, which says nothing about noise. */
  readonly #single: boolean;
  readonly #freedom: number;
  readonly #deviation: number;

  constructor(series: readonly S[], usualNoise: number = USUAL_NOISE) {
    const cells = series.flatMap((of) =>
      of.times.map(({ round, ms }) => ({ of, round, log: logOfTime(ms) }))
    );
    const byModel = Map.groupBy(cells, ({ of }) => of);
    const byRound = Map.groupBy(cells, ({ round }) => round);
    const rounds = new Map(cells.map(({ round }) => [round, 0]));
    for (let pass = 0; pass < ITERATIONS; pass++) {
      for (const [of, own] of byModel) {
        this.#effects.set(of, mean(own.map(({ log, round }) => log - rounds.get(round)!)));
      }
      for (const [round, own] of byRound) {
        rounds.set(round, mean(own.map(({ log, of }) => log - this.#effects.get(of)!)));
      }
    }
    this.#single = byRound.size < 2;
    const freedom = Math.max(0, cells.length - byModel.size - byRound.size + 1);
    this.#freedom = freedom + USUAL_FREEDOM;
    const squares = cells.reduce(
      (sum, { of, round, log }) => sum + (log - this.#effects.get(of)! - rounds.get(round)!) ** 2,
      0,
    );
    this.#deviation = Math.sqrt((squares + USUAL_FREEDOM * usualNoise ** 2) / this.#freedom);
  }

  ratio(slow: S, fast: S): Interval | null {
    const log = this.#logRatio(slow, fast);
    if (log === null) return null;
    const reach = this.#single ? Math.log(ONE_ROUND) : this.#error(slow, fast) *
      studentQuantile((1 + CONFIDENCE) / 2, this.#freedom);
    return fromLogs({ median: log, low: log - reach, high: log + reach });
  }

  sureAbove(slow: S, fast: S, bound: number): number {
    const log = this.#logRatio(slow, fast);
    if (log === null) return 0.5;
    const distance = log - Math.log(bound);
    return this.#single
      ? Math.min(0.8, Math.max(0.2, 0.5 + 0.3 * distance / Math.log(ONE_ROUND)))
      : studentCdf(distance / this.#error(slow, fast), this.#freedom);
  }

  #logRatio(slow: S, fast: S): number | null {
    const rounds = new Set(fast.times.map(({ round }) => round));
    return slow.times.some(({ round }) => rounds.has(round))
      ? this.#effects.get(slow)! - this.#effects.get(fast)!
      : null;
  }

  #error(a: S, b: S): number {
    return this.#deviation * Math.sqrt(1 / a.times.length + 1 / b.times.length);
  }
}
