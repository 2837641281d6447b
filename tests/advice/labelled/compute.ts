/**
 * Computing of a known amount, for the labelled jobs.
 *
 * @module
 */

function step(state: number): number {
  return (Math.imul(state, 1664525) + 1013904223) | 0;
}

/** Computes so many thousand steps, about 1 µs each thousand. @returns A number that depends on all. */
export function compute(thousands: number, seed: number): number {
  let state = seed;
  for (let done = 0; done < thousands * 1000; done++) state = step(state);
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
