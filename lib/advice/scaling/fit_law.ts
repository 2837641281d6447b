/**
 * Fits a law of scaling to measured throughputs.
 *
 * @module
 */

import { median } from "../../timing/statistics.ts";
import type { Law, LawName } from "./laws.ts";

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

/**
 * Where the least squares can lie: inside, or where σ = 0, κ = 0 or σ = 1. With a = 1/λ, b = σ/λ and
 * c = κ/λ the time that a slot spends on an item, N/X, is linear in them (Gunther's transformation).
 */
const CASES: readonly { columns: readonly Column[]; abc: (p: number[]) => number[] }[] = [
  { columns: [ONE], abc: ([a]) => [a!, 0, 0] },
  { columns: [ALL], abc: ([a]) => [a!, a!, 0] },
  { columns: [ONE, OTHERS], abc: ([a, b]) => [a!, b!, 0] },
  { columns: [ONE, PAIRS], abc: ([a, c]) => [a!, 0, c!] },
  { columns: [ALL, PAIRS], abc: ([a, c]) => [a!, a!, c!] },
  { columns: [ONE, OTHERS, PAIRS], abc: ([a, b, c]) => [a!, b!, c!] },
];

const CASES_OF: Readonly<Record<LawName, typeof CASES>> = {
  amdahl: CASES.filter(({ columns }) => !columns.includes(PAIRS)),
  usl: CASES,
};

const MOST_STEPS = 60;

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

/** Least squares of `design` · x = `target`, each diagonal element enlarged by `damping`. */
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
      if (gain <= 1e-14 * squares) break;
    } else damping *= 10;
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
 * @param name Which law.
 * @param series What was measured; at least as many different sizes as the law has numbers.
 * @returns The law that lies nearest.
 * @throws {RangeError} If there are too few sizes, or a throughput isn't above 0.
 *
 * @example
 * ```ts
 * import { fitLaw } from "./fit_law.ts";
 *
 * const series = [1, 2, 4, 8].map((size) => ({ size, throughputs: [50 * size] }));
 * console.log(fitLaw("amdahl", series).law.sigma < 1e-9); // true: it scales without a loss
 * ```
 */
export function fitLaw(name: LawName, series: readonly Series[]): LawFit {
  const flat = flatten(series);
  const different = new Set(flat.sizes).size;
  const least = parametersOf(name);
  if (different < least) {
    throw new RangeError(`Cannot fit ${name}: ${different} sizes, but it takes ${least}`);
  }
  let best: LawFit | undefined;
  for (const { columns, abc } of CASES_OF[name]) {
    const found = fitCase(columns, flat);
    if (found === null) continue;
    const [a, b, c] = abc(found.parameters) as [number, number, number];
    if (!(a > 0 && b >= 0 && b <= a && c >= 0)) continue;
    const law = { lambda: 1 / a, sigma: b / a, kappa: c / a };
    // Fewer numbers come first: more must be nearer by more than rounding.
    if (best === undefined || found.squares < best.squares * (1 - 1e-9)) {
      best = { name, law, squares: found.squares };
    }
  }
  return best!;
}

/**
 * How many numbers a law has.
 *
 * @param name Which law.
 * @returns 2 or 3.
 *
 * @example
 * ```ts
 * import { parametersOf } from "./fit_law.ts";
 *
 * console.log(parametersOf("usl")); // 3
 * ```
 */
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
