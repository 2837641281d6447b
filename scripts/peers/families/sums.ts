/**
 * What the contenders' results have to add up to, by formula.
 *
 * @module
 */

/**
 * The sum of the numbers 1 to `count`.
 *
 * @param count How many numbers.
 * @returns The sum.
 *
 * @example
 * ```ts
 * import { sumOfNumbers } from "./sums.ts";
 *
 * console.log(sumOfNumbers(4)); // 10n
 * ```
 */
export function sumOfNumbers(count: number): bigint {
  return BigInt(count) * BigInt(count + 1) / 2n;
}

/**
 * The sum of 0² + 1² + … + (n − 1)², taken for each of several n and added up.
 *
 * @param first The least n.
 * @param count How many numbers, each one more than the last.
 * @returns The sum of sums.
 *
 * @example
 * ```ts
 * import { sumOfSquares } from "./sums.ts";
 *
 * console.log(sumOfSquares(3, 2)); // 19n: (0 + 1 + 4) + (0 + 1 + 4 + 9)
 * ```
 */
export function sumOfSquares(first: number, count: number): bigint {
  let sum = 0n;
  for (let index = 0; index < count; index++) {
    const n = BigInt(first + index);
    sum += (n - 1n) * n * (2n * n - 1n) / 6n;
  }
  return sum;
}

/**
 * How many squares that takes.
 *
 * @param first The least n.
 * @param count How many numbers, each one more than the last.
 * @returns The number of terms.
 *
 * @example
 * ```ts
 * import { squaresIn } from "./sums.ts";
 *
 * console.log(squaresIn(3, 2)); // 7
 * ```
 */
export function squaresIn(first: number, count: number): number {
  return count * first + count * (count - 1) / 2;
}
