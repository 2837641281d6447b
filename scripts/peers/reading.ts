/** What a contender's program measures, and how it tells: one line of JSON on stdout. */

export interface Reading {
  /** Tasks that gave a result. */
  readonly items: number;
  /** The results' sum, so that whoever lost or invented one is found out. */
  readonly sum: number | bigint;
  /** How long they took together, in milliseconds; start-up and warm-up not counted. */
  readonly ms: number;
}

/** Prints a reading where the harness looks for it. */
export function report(reading: Reading): void {
  console.log(JSON.stringify({ ...reading, sum: String(reading.sum) }));
}

/** Adds numbers up; NaN as soon as one is no number, so that the sum can't be what is expected. */
export function total(values: Iterable<unknown>): number {
  let sum = 0;
  for (const value of values) sum += typeof value === "number" ? value : NaN;
  return sum;
}

/** The whole numbers from 1 to `count`, the items of most contests. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
