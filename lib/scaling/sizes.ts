/**
 * Lists of numbers as options: sizes and rates.
 *
 * @module
 */

import { nonNegativeNumber, positiveInteger, UsageError } from "../options.ts";

/** More points than this no one waits for. */
export const MOST_POINTS = 32;

function parts(option: string, text: string, example: string): string[] {
  const words = text.split(",").map((word) => word.trim());
  if (words.includes("")) {
    throw new UsageError(option, text, "a number is missing", `give a list such as ${example}`);
  }
  if (words.length > MOST_POINTS) {
    const problem = `${words.length} numbers are too many to measure`;
    throw new UsageError(option, text, problem, `give ${MOST_POINTS} or fewer`);
  }
  return words;
}

function sortedOnce(option: string, text: string, values: readonly number[]): number[] {
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) {
    throw new UsageError(option, text, `${twice} is there twice`, "name each number once");
  }
  return values.toSorted((a, b) => a - b);
}

/**
 * Reads a list of sizes, such as `1,2,4,8`.
 *
 * @throws {UsageError} If one isn't a whole number from 1 to `max`, is there twice, or they are too
 * many.
 */
export function sizesOf(option: string, text: string, max: number): number[] {
  const words = parts(option, text, "1,2,4,8");
  return sortedOnce(option, text, words.map((word) => positiveInteger(option, word, { max })));
}

/**
 * Reads a list of rates, such as `50,100,200.5`.
 *
 * @throws {UsageError} If one isn't a number from 0.1 to `max`, is there twice, or they are too many.
 */
export function ratesOf(option: string, text: string, max: number): number[] {
  const words = parts(option, text, "50,100,200");
  const rates = words.map((word) => nonNegativeNumber(option, word, { min: 0.1, max }));
  return sortedOnce(option, text, rates);
}

/**
 * The powers of two from 1 up to a size, and that size.
 *
 * @param largest The largest size, from 1.
 */
export function doublings(largest: number): number[] {
  const sizes: number[] = [];
  for (let size = 1; size < largest; size *= 2) sizes.push(size);
  return [...sizes, largest];
}
