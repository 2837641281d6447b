/**
 * What it costs to have taken the recommended model instead of the best one.
 *
 * @module
 */

import { median } from "../../lib/timing/statistics.ts";
import type { Times } from "./measure_models.ts";

/** Whoever leaves a program sequential still waits for Deno to start, in milliseconds. */
export const PROGRAM_MS = 30;

/** Both kinds of regret: shares of the best model's time, 0 for none. */
export interface Regret {
  /** Against the model that was best in the other rounds. */
  readonly fair: number;
  /** Against the least of all middle times. */
  readonly naive: number;
  /** The model with the least middle time. */
  readonly best: string;
}

function bestOf(times: ReadonlyMap<string, readonly number[]>): string {
  return [...times.keys()].reduce((a, b) => median(times.get(b)!) < median(times.get(a)!) ? b : a);
}

/**
 * Says how much longer a model takes than the best one, paired by round, because neighbours slow both.
 *
 * The least of a dozen noisy times is below its true time: the winner was lucky too (the optimizer's
 * curse: Smith and Winkler, Management Science 52, 2006). So in each round the best is the model that
 * was the best in all *other* rounds. The naive figure is given beside it.
 *
 * @param chosen The name of the recommended model.
 * @param times All times; a model with fewer rounds than the recommended one was hopeless.
 * @returns Both; infinite if the recommended model failed.
 */
export function regretOf(chosen: string, times: Times): Regret {
  const own = times.get(chosen) ?? [];
  const whole = new Map([...times].filter(([, of]) => of.length === own.length));
  if (own.length === 0) return { fair: Infinity, naive: Infinity, best: bestOf(times) };
  const excess = (best: string, round: number) =>
    (own[round]! + PROGRAM_MS) / (whole.get(best)![round]! + PROGRAM_MS);
  const best = bestOf(whole);
  const fair = own.map((_, round) => {
    const others = new Map(
      [...whole].map(([name, of]) => [name, of.length < 2 ? of : of.toSpliced(round, 1)]),
    );
    return excess(bestOf(others), round);
  });
  return {
    fair: median(fair) - 1,
    naive: median(own.map((_, round) => excess(best, round))) - 1,
    best,
  };
}
