/**
 * Fits a law of scaling to measured throughputs.
 *
 * @module
 */

import { median } from "../../timing/statistics.ts";
import type { Law, LawName } from "./laws.ts";
import { leastSquares } from "./least_squares.ts";

/** What was measured at one size. */
export interface Series {
  /** Slots or lanes. */
  readonly size: number;
  /** Items a second, one a round; all above 0. */
  readonly throughputs: readonly number[];
}

/** A law and how far it lies from what it was fitted to. */
export interface LawFit {
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

/** Whether the first are all that there can be made of the others: where all slots wait is 1 + (N − 1). */
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
 * slots and at 64. σ is kept within 0 to 1 and κ at 0 or above: where
 * the best lies outside, the best on the border is taken, found by solving each border by itself.
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
    // Fewer numbers come last: they are taken even if they are no nearer but for rounding.
    if (best === undefined || found.squares <= best.squares * (1 + 1e-9)) {
      best = { name, law, squares: found.squares };
    }
  }
  return best!;
}

/** How many numbers a law has. */
export function parametersOf(name: LawName): number {
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
