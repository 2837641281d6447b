/** Squares 2,000 numbers: over before a lane has started, so nothing is worth the trouble. */

/** What reports call it. */
export const title = "square 2,000 numbers";

/** The numbers. */
export const items: readonly number[] = Array.from({ length: 2_000 }, (_, number) => number);

/** Squares a number. */
export default function square(number: number): number {
  return number * number;
}
