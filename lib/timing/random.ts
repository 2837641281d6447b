/** Random numbers that a seed repeats, and the order of trials. */

/** Returns the next number, from 0 to below 1. */
export type Random = () => number;

/** Numbers in [0, 1) by sfc32 (Doty-Humphrey, PractRand, 2010), which depend only on the seed. */
export function seededRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) {
    throw new RangeError(`Cannot seed the generator: seed ${seed} is not a safe integer`);
  }
  let a = seed | 0;
  let b = Math.floor(seed / 2 ** 32) | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  // Seeds close to each other start alike, so the first 15 are dropped, as in the author's own seeding.
  for (let skipped = 0; skipped < 15; skipped++) next();
  return next;
}

/** A whole number drawn evenly from 0 to `below` − 1. */
export function randomBelow(random: Random, below: number): number {
  return Math.floor(random() * below);
}

/** Fisher and Yates' shuffle (1938), as Durstenfeld wrote it (CACM 7, 1964). */
export function shuffled<T>(values: readonly T[], random: Random): T[] {
  const copy = [...values];
  for (let last = copy.length - 1; last > 0; last--) {
    const other = randomBelow(random, last + 1);
    [copy[last], copy[other]] = [copy[other]!, copy[last]!];
  }
  return copy;
}

/**
 * The order of the models in each round: each runs once before any runs again, in a newly drawn order. Every
 * second round reverses the one before, so that a machine that slows down steadily favours no model.
 */
export function schedule<T>(models: readonly T[], rounds: number, seed: number): T[][] {
  const random = seededRandom(seed);
  const order: T[][] = [];
  for (let round = 0; round < rounds; round++) {
    order.push(round % 2 === 0 ? shuffled(models, random) : order[round - 1]!.toReversed());
  }
  return order;
}
