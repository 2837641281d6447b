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

/** The usual time of a model is known so little beforehand: the inverse of the variance of its logarithm. */
const KNOWN_BEFORE = 1e-8;
/** A greater variance says that no rounds connect two models. */
const UNCONNECTED = 1e4;

/** The inverse of a matrix that is positive definite, by Gauss and Jordan's elimination. */
function inverse(matrix: readonly (readonly number[])[]): number[][] {
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => Number(i === j))]);
  for (const pivot of matrix.keys()) {
    const own = rows[pivot]!.map((x) => x / rows[pivot]![pivot]!);
    for (const [i, row] of rows.entries()) {
      rows[i] = i === pivot ? own : row.map((x, j) => x - row[pivot]! * own[j]!);
    }
  }
  return rows.map((row) => row.slice(matrix.length));
}

/**
 * Models are treatments, rounds are blocks, and not every model is in each block (Yates, "Incomplete randomized
 * blocks", Annals of Eugenics 7, 1936), on logarithms. Models that share no round are compared through others
 * that ran with both. The residuals are the noise of all models together, moderated by the usual noise (Smyth,
 * Stat. Appl. Genet. Mol. Biol. 3, 2004), so that two or three rounds suffice.
 */
export class Standings<S extends Series> implements Standing<S> {
  readonly #effects: readonly number[];
  /** Of the effects, over the variance of the noise. */
  readonly #variances: readonly (readonly number[])[];
  /** Whether no model ran twice beside another, which says nothing about noise. */
  readonly #single: boolean;
  readonly #freedom: number;
  readonly #deviation: number;

  constructor(private readonly series: readonly S[], usualNoise: number = USUAL_NOISE) {
    const cells = series.flatMap(({ times }, at) =>
      times.map(({ round, ms }) => ({ at, round, log: logOfTime(ms) }))
    );
    const rounds = [...Map.groupBy(cells, ({ round }) => round).values()];
    const information = series.map((_, i) => series.map((_, j) => i === j ? KNOWN_BEFORE : 0));
    const sums = series.map(() => 0);
    for (const round of rounds) {
      const middle = mean(round.map(({ log }) => log));
      for (const { at, log } of round) {
        information[at]![at]! += 1;
        sums[at]! += log - middle;
        for (const other of round) information[at]![other.at]! -= 1 / round.length;
      }
    }
    this.#variances = inverse(information);
    this.#effects = this.#variances.map((row) =>
      row.reduce((sum, variance, at) => sum + variance * sums[at]!, 0)
    );
    const squares = rounds.flatMap((round) => {
      const own = round.map(({ at, log }) => log - this.#effects[at]!);
      return own.map((rest) => (rest - mean(own)) ** 2);
    });
    const freedom = Math.max(0, cells.length - series.length - rounds.length + 1);
    this.#single = freedom === 0;
    this.#freedom = freedom + USUAL_FREEDOM;
    this.#deviation = Math.sqrt(
      squares.reduce((sum, square) => sum + square, USUAL_FREEDOM * usualNoise ** 2) /
        this.#freedom,
    );
  }

  ratio(slow: S, fast: S): Interval | null {
    const found = this.#ratioOf(slow, fast);
    if (found === null) return null;
    const { log, error } = found;
    const reach = this.#single
      ? Math.log(ONE_ROUND)
      : error * studentQuantile((1 + CONFIDENCE) / 2, this.#freedom);
    return fromLogs({ median: log, low: log - reach, high: log + reach });
  }

  sureAbove(slow: S, fast: S, bound: number): number {
    const found = this.#ratioOf(slow, fast);
    if (found === null) return 0.5;
    const distance = found.log - Math.log(bound);
    return this.#single
      ? Math.min(0.8, Math.max(0.2, 0.5 + 0.3 * distance / Math.log(ONE_ROUND)))
      : studentCdf(distance / found.error, this.#freedom);
  }

  /** The logarithm of a ratio and its standard error; null if no rounds connect the two. */
  #ratioOf(slow: S, fast: S): { readonly log: number; readonly error: number } | null {
    const [a, b] = [slow, fast].map((of) => this.series.indexOf(of)) as [number, number];
    if (a < 0 || b < 0) return null;
    const of = this.#variances;
    const variance = of[a]![a]! + of[b]![b]! - of[a]![b]! - of[b]![a]!;
    if (variance > UNCONNECTED) return null;
    const log = this.#effects[a]! - this.#effects[b]!;
    return { log, error: this.#deviation * Math.sqrt(Math.max(0, variance)) };
  }
}
