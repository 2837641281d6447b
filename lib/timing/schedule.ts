/**
 * In which order the trials of a comparison run.
 *
 * @module
 */

import { seededRandom, shuffled } from "./random.ts";

/**
 * The order of the models in each round.
 *
 * Rounds are interleaved: every model runs once before any runs again. The order in a round is drawn
 * anew, and each second round runs backwards through the one before, so that a machine that slows down
 * steadily favours no model: what one gains in a round by coming first it loses in the next.
 */
export function schedule<T>(models: readonly T[], rounds: number, seed: number): T[][] {
  const random = seededRandom(seed);
  const order: T[][] = [];
  for (let round = 0; round < rounds; round++) {
    order.push(round % 2 === 0 ? shuffled(models, random) : order[round - 1]!.toReversed());
  }
  return order;
}
