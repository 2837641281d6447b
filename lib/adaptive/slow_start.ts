/**
 * Slow start: there are many times as many slots after each step, as long as tasks end as quickly as with fewer.
 * It is left by what tasks take, as HyStart is (Ha and Rhee, 2008), with as many slots as were busy then.
 */

import { meanOf, quickerOf, slowerOf, type Stage } from "./stage.ts";

/** They become this many times as many as were seen to do, */
export const RAMP = 4;
/**
 * or as many as tasks these would do in so long: if a server refuses all of them, it is 3 % of a minute's.
 * If it only gets slower with so many, it is for long; so there are more only if these are all that is left.
 */
const RISKED_MS = 1_800;
const RISKED_SLOTS = 48;
const RISKED_LAST = 128;
/** It isn't worth while to try fewer than so many times as many. */
const STEP = 1.5;
/** This share of the slots that came last makes a stage that tells. */
const MOST_OF = 0.7;
/** So few latencies with fewer slots tell if all but a quarter have ended. */
const FEW_LATENCIES = 3;
const ALL_BUT_A_QUARTER = 0.75;
/**
 * Slots are too many if even the quicker tasks take so many times as long as the slower ones did with fewer, and
 * less gets done than by the root of their number more; or if, as many tasks tell, hardly more gets done.
 */
const LONGER = 1.25;
const MANY_LATENCIES = 32;
const HARDLY_MORE = 1.2;

/** What its stages tell, one for each number of slots, the latest last. */
export interface SlowStart {
  /** So many slots were seen to do. */
  readonly proven: number;
  /** How long tasks took before there were too many slots. */
  readonly latencies: readonly number[];
  /** There were too many, what got done with them, and how many are enough. */
  readonly tooMany?: { readonly slots: number; readonly perMs: number; readonly enough: number };
}

/** @param answers How many tasks have ended by now. */
export function slowStartOf(stages: readonly Stage[], nowMs: number, answers: number): SlowStart {
  const earlier: number[] = [];
  let [proven, before] = [0, 0];
  let most = { perMs: 0, slots: 1, spread: 1 };
  for (const [at, { slots, fromMs, answersBefore, latencies, stillMs }] of stages.entries()) {
    const added = slots >= STEP * before ? slots - before : slots;
    if (latencies.length >= MOST_OF * added) {
      const next = stages[at + 1] ?? { fromMs: nowMs, answersBefore: answers };
      const latencyMs = quickerOf(latencies);
      const lastedMs = next.fromMs - fromMs - stillMs;
      // What lasted for less than a task says so by its tasks: so many at once, for so long each.
      const perMs = lastedMs < latencyMs
        ? slots / meanOf(latencies)
        : (next.answersBefore - answersBefore) / lastedMs;
      // What is still in flight of those before takes longest.
      const known = ALL_BUT_A_QUARTER * (answersBefore + before);
      const isLonger = earlier.length >= Math.max(FEW_LATENCIES, known) &&
        latencyMs > LONGER * slowerOf(earlier) &&
        perMs < most.perMs * Math.sqrt(slots / most.slots);
      const isNoMore = earlier.length >= MANY_LATENCIES && perMs < HARDLY_MORE * most.perMs;
      if (isLonger || isNoMore) {
        const busy = Math.max(most.perMs, perMs) * most.spread * quickerOf(earlier);
        // And a few in the queue.
        const enough = Math.min(slots / 2, busy + Math.sqrt(busy));
        return { proven, latencies: earlier, tooMany: { slots, perMs, enough } };
      }
      if (perMs > most.perMs) most = { perMs, slots, spread: meanOf(latencies) / latencyMs };
      proven = slots;
    }
    before = slots;
    earlier.push(...latencies);
  }
  return { proven, latencies: earlier };
}

/** How many may be tried next of so many tasks that are left, where there are so many, and perhaps a guess. */
export function reachOf(
  { proven, latencies }: SlowStart,
  slots: number,
  left: number,
  guess: number = Infinity,
): number {
  const isSeen = proven >= slots;
  if (proven >= guess) return isSeen ? 2 * proven : 0;
  const most = left <= RISKED_LAST ? left : RISKED_SLOTS;
  const risked = Math.min(most, proven * RISKED_MS / meanOf(latencies));
  const isStep = risked >= STEP * slots;
  return Math.min(guess, Math.max(isStep ? risked : 0, isSeen ? RAMP * proven : 0));
}
