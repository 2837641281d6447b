/** Waits 6 ms for a record and then computes on it for about as long: slots and lanes both pay. */

/** The job's name in reports. */
export const title = "fetch a record and score it";

const WAIT_MS = 6;
const THOUSANDS = 5_000;

/** The numbers of the records. */
export const items: readonly number[] = Array.from({ length: 120 }, (_, record) => record + 1);

// The loop is small and called often, so that every lane compiles it alike.
function thousandSteps(state: number): number {
  for (let done = 0; done < 1000; done++) state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return state;
}

function compute(seed: number): number {
  let state = seed;
  for (let done = 0; done < THOUSANDS; done++) state = thousandSteps(state);
  return state;
}

/** Fetches a record by its number, and scores it. */
export default async function score(record: number): Promise<number> {
  // This wait stands for a database that takes a while to answer.
  await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  return compute(record);
}
