/** Throughputs of a known law with repeatable noise, for the tests. */

import { type Law, type Series, throughputAt } from "../../lib/scaling/laws.ts";
import { seededRandom } from "../../lib/timing/random.ts";

export const SIZES = [1, 2, 4, 8, 16, 32, 64] as const;

/** Rounds at each size, with log-normal noise (Box and Muller 1958). */
export function synthetic(
  law: Law,
  { noise, seed, rounds = 3, sizes = SIZES }: {
    noise: number;
    seed: number;
    rounds?: number;
    sizes?: readonly number[];
  },
): Series[] {
  const random = seededRandom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return sizes.map((size) => ({
    size,
    throughputs: Array.from(
      { length: rounds },
      () => throughputAt(law, size) * Math.exp(noise * normal()),
    ),
  }));
}

/** The points of a curve, from pairs. */
export function curveOf(pairs: readonly (readonly [number, number])[]) {
  return pairs.map(([size, throughputPerSecond]) => ({ size, throughputPerSecond }));
}
