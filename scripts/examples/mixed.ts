/**
 * Waits 6 ms for a record and then computes on it for about as long: slots and lanes both pay.
 *
 * @module
 */

/** What reports call it. */
export const title = "fetch a record and score it";

const WAIT_MS = 6;
const STEPS = 2_500_000;

/** The numbers of the records. */
export const items: readonly number[] = Array.from({ length: 120 }, (_, record) => record + 1);

function step(state: number): number {
  return (Math.imul(state, 1664525) + 1013904223) | 0;
}

/** Scores a record. @param record Its number. @returns The score. */
export default async function score(record: number): Promise<number> {
  // Stands for a database that takes a while to answer.
  await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  let state = record;
  for (let done = 0; done < STEPS; done++) state = step(state);
  return state;
}
