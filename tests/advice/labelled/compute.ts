/** Known amounts of computing, for the labelled jobs. */

// The function is small and called often, so that every isolate compiles it alike.
function thousandSteps(state: number): number {
  for (let done = 0; done < 1000; done++) state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return state;
}

/** Computes `thousands` × 1000 steps, about a microsecond per thousand. @returns A number. */
export function compute(thousands: number, seed: number): number {
  let state = seed;
  for (let done = 0; done < thousands; done++) state = thousandSteps(state);
  return state;
}

/** Waits. @param ms How long, in milliseconds. */
export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Numbers from 1. @param count How many. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, place) => place + 1);
}
