/**
 * Fits the laws of scaling to measured throughputs: by least squares, with intervals from a bootstrap,
 * and with a judgement of whether a fit may be believed beyond what was measured.
 *
 * @module
 */

import { median, quantile, sorted } from "../../timing/statistics.ts";
import { type Law, type LawName, LAWS, limitOf, peakOf, throughputAt } from "./laws.ts";
import type { Estimate, Fit, FitQuality } from "../sweep_result.ts";
import { type Random, randomBelow, seededRandom } from "../../timing/random.ts";

/** Solves the symmetric system A·x = b by Gauss with pivoting; null if it has no single answer. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] | null {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  const n = rows.length;
  for (let at = 0; at < n; at++) {
    let best = at;
    for (let row = at + 1; row < n; row++) {
      if (Math.abs(rows[row]![at]!) > Math.abs(rows[best]![at]!)) best = row;
    }
    [rows[at], rows[best]] = [rows[best]!, rows[at]!];
    const pivot = rows[at]![at]!;
    if (!(Math.abs(pivot) > 1e-300)) return null;
    for (let row = 0; row < n; row++) {
      if (row === at) continue;
      const factor = rows[row]![at]! / pivot;
      for (let column = at; column <= n; column++) {
        rows[row]![column]! -= factor * rows[at]![column]!;
      }
    }
  }
  return rows.map((row, i) => row[n]! / row[i]!);
}

/**
 * The least squares of `design` · x = `target`, by the normal equations; damped, a step of Marquardt's
 * method (SIAM Journal 11, 1963).
 *
 * @param damping By what share each element of the diagonal is enlarged; 0 for none.
 * @returns The parameters; null if there is no single answer.
 */
function leastSquares(
  design: readonly (readonly number[])[],
  target: readonly number[],
  damping: number,
): number[] | null {
  const p = design[0]!.length;
  const normal = Array.from({ length: p }, (_, i) =>
    Array.from({ length: p }, (_, j) => {
      const sum = design.reduce((sum, row) => sum + row[i]! * row[j]!, 0);
      return i === j ? sum * (1 + damping) : sum;
    }));
  const right = Array.from(
    { length: p },
    (_, i) => design.reduce((sum, row, k) => sum + row[i]! * target[k]!, 0),
  );
  return solve(normal, right);
}

/** What was measured at one size. */
export interface Series {
  /** Slots or lanes. */
  readonly size: number;
  /** Items a second, one a round; all above 0. */
  readonly throughputs: readonly number[];
}

/** A law and how far it lies from what it was fitted to. */
interface LawFit {
  /** Which law. */
  readonly name: LawName;
  /** Its numbers. */
  readonly law: Law;
  /** Sum of squared differences of the median throughputs' logarithms. */
  readonly squares: number;
}

/** A function of the size that a parameter is multiplied with. */
type Column = (size: number) => number;

const ONE: Column = () => 1;
const OTHERS: Column = (size) => size - 1;
const PAIRS: Column = (size) => size * (size - 1);
const ALL: Column = (size) => size;

/** Which columns, and a, b, c of their factors. */
type Case = { readonly columns: readonly Column[]; readonly abc: (p: number[]) => number[] };

/**
 * Where the least squares can lie: inside, or where σ = 0, κ = 0 or σ = 1. With a = 1/λ, b = σ/λ and
 * c = κ/λ the time of a slot for an item, N/X, is linear in them (Gunther's transformation). Where
 * the best of a case lies inside, none of its borders, which come later, is better.
 */
const CASES: readonly Case[] = [
  { columns: [ONE, OTHERS, PAIRS], abc: ([a, b, c]) => [a!, b!, c!] },
  { columns: [ONE, OTHERS], abc: ([a, b]) => [a!, b!, 0] },
  { columns: [ONE, PAIRS], abc: ([a, c]) => [a!, 0, c!] },
  { columns: [ALL, PAIRS], abc: ([a, c]) => [a!, a!, c!] },
  { columns: [ONE], abc: ([a]) => [a!, 0, 0] },
  { columns: [ALL], abc: ([a]) => [a!, a!, 0] },
];

/** Whether the columns are a special case of the others: N is 1 + (N − 1). */
function isBorderOf(columns: readonly Column[], of: readonly Column[]): boolean {
  return columns.length < of.length &&
    columns.every((column) =>
      of.includes(column) || (column === ALL && of.includes(ONE) && of.includes(OTHERS))
    );
}

const CASES_OF: Readonly<Record<LawName, typeof CASES>> = {
  amdahl: CASES.filter(({ columns }) => !columns.includes(PAIRS)),
  usl: CASES,
};

const MOST_STEPS = 60;
/** A step that gains less than this share of the squares is the last. */
const LEAST_GAIN = 1e-12;
/** Below this share of the time at the largest size a parameter counts as being on its border. */
const ON_BORDER = 1e-9;

interface Flat {
  readonly sizes: readonly number[];
  /** log(N/X). */
  readonly logs: readonly number[];
}

function squaresOf(logs: readonly number[], fitted: readonly number[]): number {
  return logs.reduce((sum, log, i) => {
    const f = fitted[i]!;
    return f > 0 ? sum + (log - Math.log(f)) ** 2 : Infinity;
  }, 0);
}

/** Levenberg and Marquardt's method on the logarithms, from the answer of the transformed problem. */
function fitCase(columns: readonly Column[], { sizes, logs }: Flat): {
  parameters: number[];
  squares: number;
} | null {
  const rows = sizes.map((size) => columns.map((column) => column(size)));
  const times = logs.map(Math.exp);
  const evaluate = (p: readonly number[]) =>
    rows.map((row) => row.reduce((sum, value, i) => sum + value * p[i]!, 0));
  // Relative errors: divided by what was measured, each row aims at 1.
  const first = leastSquares(
    rows.map((row, k) => row.map((value) => value / times[k]!)),
    times.map(() => 1),
    0,
  );
  if (first === null) return null;
  let parameters: number[] = first;
  let fitted = evaluate(parameters);
  let squares = squaresOf(logs, fitted);
  if (!Number.isFinite(squares)) return null;
  let damping = 1e-4;
  for (let step = 0; step < MOST_STEPS && damping < 1e8; step++) {
    const change: number[] | null = leastSquares(
      rows.map((row, k) => row.map((value) => value / fitted[k]!)),
      logs.map((log, k) => log - Math.log(fitted[k]!)),
      damping,
    );
    if (change === null) break;
    const tried = parameters.map((value, i) => value + change[i]!);
    const there = evaluate(tried);
    const then = squaresOf(logs, there);
    if (then < squares) {
      const gain = squares - then;
      [parameters, fitted, squares] = [tried, there, then];
      damping /= 10;
      if (gain <= LEAST_GAIN * squares) break;
    } else {
      // Rounding alone is left: no smaller step finds more.
      if (then - squares <= LEAST_GAIN * squares) break;
      damping *= 10;
    }
  }
  return { parameters, squares };
}

/**
 * Fits a law to the median of each size's rounds, so that one round that another program disturbed
 * can't bend it, by least squares of logarithms, that is of relative errors: 5 % count the same at 2
 * slots and at 64. σ is kept within 0 to 1 and κ at 0 or above: where the best lies outside, the best
 * on the border is taken, found by solving each border by itself.
 *
 * The method is Levenberg and Marquardt's (Marquardt, SIAM Journal 11, 1963), begun at the solution of
 * Gunther's transformed, linear problem ("Guerrilla Capacity Planning", 2007, section 5.5).
 *
 * @throws {RangeError} If there are too few sizes, or a throughput isn't above 0.
 */
export function fitLaw(name: LawName, series: readonly Series[]): LawFit {
  const flat = flatten(series);
  const different = new Set(flat.sizes).size;
  const least = parametersOf(name);
  if (different < least) {
    throw new RangeError(`Cannot fit ${name}: ${different} sizes, but it takes ${least}`);
  }
  let best: LawFit | undefined;
  const most = Math.max(...flat.sizes);
  const inside: (readonly Column[])[] = [];
  for (const { columns, abc } of CASES_OF[name]) {
    if (inside.some((of) => isBorderOf(columns, of))) continue;
    const found = fitCase(columns, flat);
    if (found === null) continue;
    const [a, b, c] = abc(found.parameters) as [number, number, number];
    if (!(a > 0 && b >= 0 && b <= a && c >= 0)) continue;
    const law = { lambda: 1 / a, sigma: b / a, kappa: c / a };
    const isInside = law.sigma * most > ON_BORDER && law.kappa * most ** 2 > ON_BORDER &&
      law.sigma < 1 - ON_BORDER;
    if (isInside) inside.push(columns);
    // Cases with fewer parameters come last, and are preferred where they are as near but for rounding.
    if (best === undefined || found.squares <= best.squares * (1 + 1e-9)) {
      best = { name, law, squares: found.squares };
    }
  }
  return best!;
}

/** How many numbers a law has. */
function parametersOf(name: LawName): number {
  return name === "amdahl" ? 2 : 3;
}

function flatten(series: readonly Series[]): Flat {
  const sizes: number[] = [];
  const logs: number[] = [];
  for (const { size, throughputs } of series) {
    const bad = throughputs.find((x) => !(x > 0 && Number.isFinite(x)));
    if (bad !== undefined) {
      throw new RangeError(`Cannot fit a law: ${bad} items a second at size ${size}`);
    }
    sizes.push(size);
    logs.push(Math.log(size / median(throughputs)));
  }
  return { sizes, logs };
}

/** The root of the mean squared miss that is still believed, as a share. */
const MOST_TYPICAL_MISS = 0.1;
/** The largest single miss that is still believed, as a share. */
const MOST_WORST_MISS = 0.2;
/** How far the largest size may lie from what the others forecast for it, as a share. */
const MOST_FORETOLD_MISS = 0.2;

/** The criterion in a sentence, for reports. */
export const CRITERION: string =
  "a fit is believed if it has one size more than numbers, misses no size's median by more than " +
  "20% and all by no more than 10% (root mean square), and foretells the largest size from the " +
  "others within 20%";

/** How far the median of a size's rounds lies from what is expected, as a share of that. */
function missOf(series: Series, expected: number): number {
  return Math.abs(median(series.throughputs) / expected - 1);
}

function foretoldMissOf(name: LawName, series: readonly Series[]): number | null {
  const bySize = series.toSorted((a, b) => a.size - b.size);
  const largest = bySize.at(-1)!;
  const others = bySize.slice(0, -1);
  if (others.length < parametersOf(name)) return null;
  return missOf(largest, throughputAt(fitLaw(name, others).law, largest.size));
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

/**
 * Judges a fit. The criterion is {@linkcode CRITERION}; R² isn't part of it, since it says little of a
 * fit that isn't linear (Spiess and Neumeyer, BMC Pharmacology 10, 2010).
 */
export function judgeFit(fit: LawFit, series: readonly Series[]): FitQuality {
  const misses = series.map((one) => missOf(one, throughputAt(fit.law, one.size)));
  const typicalMiss = Math.sqrt(misses.reduce((sum, miss) => sum + miss ** 2, 0) / misses.length);
  const worstMiss = Math.max(...misses);
  const worstSize = series[misses.indexOf(worstMiss)]!.size;
  const foretoldMiss = foretoldMissOf(fit.name, series);
  const needed = parametersOf(fit.name) + 1;
  const sizes = new Set(series.map(({ size }) => size)).size;
  let refusal: string | null = null;
  if (sizes < needed) {
    refusal = `${sizes} sizes are too few to check ${
      needed - 1
    } numbers; measure ${needed} or more`;
  } else if (worstMiss > MOST_WORST_MISS) {
    refusal = `it misses what was measured at ${worstSize} by ${percent(worstMiss)}`;
  } else if (typicalMiss > MOST_TYPICAL_MISS) {
    refusal = `it misses what was measured by ${percent(typicalMiss)} (root mean square)`;
  } else if (foretoldMiss !== null && foretoldMiss > MOST_FORETOLD_MISS) {
    refusal = `fitted without the largest size, it misses that by ${percent(foretoldMiss)}`;
  }
  return { typicalMiss, worstMiss, worstSize, foretoldMiss, refusal };
}

/** How often a law is drawn anew for its interval. */
const RESAMPLES = 400;

interface Residuals {
  /** How far each size's median lies from the law. */
  readonly between: readonly number[];
  /** How far each round lies from its size's median. */
  readonly within: readonly number[];
}

/** How often a median is drawn to see how far noise alone moves it. */
const NOISE_DRAWS = 200;

/** The mean square of the median of so many rounds' noise. */
function noiseOfMedian(within: readonly number[], rounds: number, random: Random): number {
  let squares = 0;
  for (let i = 0; i < NOISE_DRAWS; i++) {
    const drawn = Array.from({ length: rounds }, () => within[randomBelow(random, within.length)]!);
    squares += median(drawn) ** 2;
  }
  return squares / NOISE_DRAWS;
}

/**
 * Logarithmic residuals, scaled up for what fitting took away of them. The rounds' noise is in a median's
 * distance too, and is drawn anew: counted twice, intervals hold the truth in 97 to 100 of 100 sweeps.
 * Counted once they hold it in as few as 87, since percentiles of few residuals are too narrow. With half
 * of it taken out it is 92 to 98, see intervals_test.ts.
 */
function residualsOf(
  { name, law }: LawFit,
  series: readonly Series[],
  random: Random,
): Residuals {
  const count = series.length;
  const spare = count - parametersOf(name);
  const scale = spare > 0 ? Math.sqrt(count / spare) : 1;
  const between: number[] = [];
  const within: number[] = [];
  for (const { size, throughputs } of series) {
    const logs = throughputs.map(Math.log);
    const middle = median(logs);
    const rounds = logs.length;
    between.push(scale * (middle - Math.log(throughputAt(law, size))));
    const widen = rounds > 1 ? Math.sqrt(rounds / (rounds - 1)) : 1;
    within.push(...logs.map((log) => widen * (log - middle)));
  }
  const rounds = Math.round(median(series.map(({ throughputs }) => throughputs.length)));
  const square = between.reduce((sum, log) => sum + log ** 2, 0) / count;
  const noise = rounds > 1 && square > 0 ? noiseOfMedian(within, rounds, random) / square : 0;
  const rest = Math.sqrt(Math.max(0, 1 - noise / 2));
  return { between: between.map((log) => rest * log), within };
}

function redrawn(
  law: Law,
  series: readonly Series[],
  { between, within }: Residuals,
  random: Random,
): Series[] {
  return series.map(({ size, throughputs }) => {
    const shared = between[randomBelow(random, between.length)]!;
    const centre = throughputAt(law, size) * Math.exp(shared);
    return {
      size,
      throughputs: throughputs.map(() =>
        centre * Math.exp(within[randomBelow(random, within.length)]!)
      ),
    };
  });
}

/**
 * Draws laws that could as well have been found: the residual bootstrap in two levels (Davison and
 * Hinkley, "Bootstrap Methods and their Application", 1997, sections 3.8 and 6.2). What separates a
 * size's median from the law is drawn once a size, the rounds' noise once a round, so that a law which
 * doesn't suit gets a wide interval however well the rounds agree.
 */
export function bootstrapFit(
  fit: LawFit,
  series: readonly Series[],
  { seed, resamples = RESAMPLES }: { readonly seed: number; readonly resamples?: number },
): Law[] {
  const random = seededRandom(seed);
  const residuals = residualsOf(fit, series, random);
  return Array.from(
    { length: resamples },
    () => fitLaw(fit.name, redrawn(fit.law, series, residuals, random)).law,
  );
}

/** A figure that follows from a law, with its 95 % percentile interval. */
export function estimateOf(law: Law, drawn: readonly Law[], of: (law: Law) => number): Estimate {
  const value = of(law);
  // A peak or limit that some of the laws don't have lies beyond every number.
  const values = sorted(drawn.map(of).map((x) => Math.min(x, Number.MAX_VALUE)));
  const end = (share: number) => {
    const at = quantile(values, share);
    return at >= Number.MAX_VALUE / 2 ? Infinity : at;
  };
  return { value, low: Math.min(value, end(0.025)), high: Math.max(value, end(0.975)) };
}

/** A law fitted, with laws that could as well have been found. */
interface FittedLaw {
  /** What is told of it. */
  readonly fit: Fit;
  /** Its numbers. */
  readonly law: Law;
  /** Laws drawn by the bootstrap. */
  readonly drawn: readonly Law[];
}

/** What was fitted. */
interface FittedLaws {
  /** Each law for which there were sizes enough, the simpler one first. */
  readonly fitted: readonly FittedLaw[];
  /** The one that forecasts follow; undefined if none was fitted. */
  readonly chosen: FittedLaw | undefined;
}

const finite = (value: number) => Number.isFinite(value) ? value : null;

function fitOf(fit: LawFit, drawn: readonly Law[], series: readonly Series[]): Fit {
  const estimate = (of: (law: Law) => number) => {
    const { value, low, high } = estimateOf(fit.law, drawn, of);
    return { value: finite(value), low: finite(low), high: finite(high) };
  };
  const bounded = (of: (law: Law) => number) => estimateOf(fit.law, drawn, of);
  return {
    name: fit.name,
    lambda: bounded(({ lambda }) => lambda),
    sigma: bounded(({ sigma }) => sigma),
    kappa: bounded(({ kappa }) => kappa),
    peakSize: estimate((law) => peakOf(law)?.size ?? Infinity),
    limitPerSecond: estimate(limitOf),
    ...judgeFit(fit, series),
  };
}

/**
 * Fits both laws, and chooses: the Universal Scalability Law if the interval of κ leaves out 0,
 * otherwise the simpler law of Amdahl.
 */
export function fittedLaws(
  series: readonly Series[],
  seed: number,
  resamples = RESAMPLES,
): FittedLaws {
  const fitted = LAWS.filter((name) => series.length >= parametersOf(name)).map((name) => {
    const fit = fitLaw(name, series);
    const drawn = bootstrapFit(fit, series, { seed, resamples });
    return { fit: fitOf(fit, drawn, series), law: fit.law, drawn };
  });
  const usl = fitted.find(({ fit }) => fit.name === "usl");
  const amdahl = fitted.find(({ fit }) => fit.name === "amdahl");
  return { fitted, chosen: usl !== undefined && usl.fit.kappa.low > 0 ? usl : amdahl ?? usl };
}

/**
 * The draws that a forecast's interval must hold: those of the law that is followed, and where that is
 * Amdahl's those of the other one too, for its κ wasn't ruled out, and far out it decides.
 */
export function drawsOf({ fitted, chosen }: FittedLaws): (readonly Law[])[] {
  return fitted.filter(({ fit }) => fit.name === "usl" || fit.name === chosen?.fit.name)
    .map(({ drawn }) => drawn);
}
