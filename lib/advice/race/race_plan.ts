/**
 * How many items each model runs in the race, and how often, so that advice stays cheaper than three
 * sequential runs of the sample.
 *
 * @module
 */

import { type Candidate, SEQUENTIAL } from "../prediction/candidate.ts";
import { type Machine, predict, totalMs } from "../prediction/predict.ts";
import type { Sample } from "../probe/sample.ts";

/** What a race is to do. */
export interface RacePlan {
  /** Items that sequential runs: its time grows evenly with their number, so a part is enough. */
  readonly sequentialItems: number;
  /** Items that each other model runs. */
  readonly items: number;
  /** Rounds to begin with. */
  readonly rounds: number;
  /** How long the tasks of the race may run together, in milliseconds. */
  readonly allowanceMs: number;
  /** What they may take if some run longer than predicted, in milliseconds. */
  readonly hardMs: number;
}

/**
 * The sample itself is one run; the race gets less than the two others, and is planned for less. The
 * rest is for a few items from last to first.
 */
const RUNS = 1.65;
const HARD_RUNS = 1.75;
const PLANNED = 0.85;
const ROUNDS = 5;
/** More rounds than this aren't worth fewer items. */
const ROUNDS_OF_FEWER = 3;
/** Sequential's part of the race. */
const SEQUENTIAL_SHARE = 1 / 3;
/** A model predicted to take so many times as long as the best may well be the best. */
const NEAR = 1.1;
/** Each slot is to get about this many items, if there are enough. */
const ITEMS_A_LANE = 3;

/**
 * Plans a race.
 *
 * @param leftMs What is left of the budget, in milliseconds.
 * @returns The plan; null if there isn't time for even one round.
 */
export function planRace(
  sample: Sample,
  raced: readonly Candidate[],
  machine: Machine,
  { alone, most }: { readonly alone: number; readonly most: number },
  leftMs: number,
): RacePlan | null {
  const others = raced.filter(({ model }) => model !== "sequential");
  if (others.length === 0 || Math.min(alone, most) < 2) return null;
  const startMs = raced.reduce(
    (sum, candidate) => sum + PROCESS_MS + predict(sample, candidate, most, machine).startMs,
    0,
  );
  const allowanceMs = RUNS * sample.tasksMs;
  // All items in fewer rounds tell more than some in more, if what many at once do is the question.
  const timeOf = (candidate: Candidate) => totalMs(predict(sample, candidate, most, machine));
  const near = NEAR * Math.min(...others.map(timeOf));
  const many = others.some((of) => of.lanes * of.slots >= most && timeOf(of) <= near);
  const least = many ? 2 : ROUNDS_OF_FEWER;
  const whole = Array.from({ length: ROUNDS - least + 1 }, (_, place) => ROUNDS - place);
  const part = Array.from({ length: ROUNDS_OF_FEWER }, (_, place) => ROUNDS_OF_FEWER - place);
  for (const [place, rounds] of [...whole, ...part].entries()) {
    const workMs = Math.min(PLANNED * allowanceMs, leftMs - rounds * startMs);
    if (workMs <= 0) continue;
    const sequentialMs = predict(sample, SEQUENTIAL, alone, machine).runMs;
    const othersMs = others.reduce(
      (sum, candidate) => sum + predict(sample, candidate, most, machine).runMs,
      0,
    );
    const few = Math.min(most, ITEMS_A_LANE * Math.max(...others.map(({ lanes }) => lanes)));
    const share = (ms: number, part: number) => Math.floor(most * part * workMs / (rounds * ms));
    const items = Math.min(most, Math.max(few, share(othersMs, 1 - SEQUENTIAL_SHARE)));
    if (place < whole.length && items < most) continue;
    // What the others leave over is sequential's too.
    const restMs = workMs - rounds * othersMs * items / most;
    const sequentialItems = Math.min(
      alone,
      Math.max(2, Math.floor(alone * Math.max(0, restMs) / (rounds * sequentialMs))),
    );
    const costMs = rounds *
      (othersMs * items / most + sequentialMs * sequentialItems / alone);
    const hardMs = HARD_RUNS * sample.tasksMs;
    if (costMs <= 1.1 * workMs) return { sequentialItems, items, rounds, allowanceMs, hardMs };
  }
  return null;
}

/** What a trial's process takes beside its lanes and its tasks, in milliseconds. */
const PROCESS_MS = 120;
