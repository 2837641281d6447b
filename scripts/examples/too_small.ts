/** Squares 2,000 numbers: the job ends before a lane has started, so no model pays. */

/** The job's name in reports. */
export const title = "square 2,000 numbers";

export const items: readonly number[] = Array.from({ length: 2_000 }, (_, number) => number);

export default function square(number: number): number {
  return number * number;
}
