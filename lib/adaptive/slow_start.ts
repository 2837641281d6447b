/**
 * Slow start: each step multiplies the slots, as long as tasks end as quickly as with fewer. Growing latency
 * ends it, as in HyStart (Ha and Rhee, 2008), with as many slots as were busy then.
 */

import { meanOf, quickerOf, slowerOf, type Stage } from "./stage.ts";

/** A step goes to at most this many times the slots that went well, */
export const RAMP = 4;
/**
 * or to as many as the tasks these finish in this many milliseconds: if a server refuses them all, that is 3 %
 * of a minute's. If it only gets slow, it does for long; so RISKED_SLOTS is the most unless few tasks are left.
 */
const RISKED_MS = 1_800;
const RISKED_SLOTS = 48;
const RISKED_LAST = 128;
/** A step has at least this many times as many slots; a smaller one would tell little. */
const STEP = 1.5;
/** A stage is judged once tasks have ended for this share of the slots that it added. */
const MOST_OF = 0.7;
/** The least latencies with fewer slots to compare with, if all but a quarter of those tasks have ended. */
const FEW_LATENCIES = 3;
const ALL_BUT_A_QUARTER = 0.75;
/**
 * Slots are too many if the lower quartile of latency is this many times the upper one with fewer slots, and
 * what gets done grew by less than the root of the slots; or if, after many tasks, hardly more gets done.
 */
const LONGER = 1.25;
const MANY_LATENCIES = 32;
const HARDLY_MORE = 1.2;

/** The result of comparing the stages of slow start. */
export interface SlowStart {
  /** The most slots that went well. */
  readonly proven: number;
  /** How long tasks took before there were too many slots, in milliseconds. */
  readonly latencies: readonly number[];
  /** How many slots were too many, how many tasks per millisecond ended with them, and how many are enough. */
  readonly tooMany?: { readonly slots: number; readonly perMs: number; readonly enough: number };
}

/** @param answers How many tasks have ended in total. */
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
      // In a stage shorter than a task, the slots and the mean latency tell how much gets done.
      const perMs = lastedMs < latencyMs
        ? slots / meanOf(latencies)
        : (next.answersBefore - answersBefore) / lastedMs;
      // Earlier tasks still in flight are the slowest ones, so most must have ended.
      const known = ALL_BUT_A_QUARTER * (answersBefore + before);
      const isLonger = earlier.length >= Math.max(FEW_LATENCIES, known) &&
        latencyMs > LONGER * slowerOf(earlier) &&
        perMs < most.perMs * Math.sqrt(slots / most.slots);
      const isNoMore = earlier.length >= MANY_LATENCIES && perMs < HARDLY_MORE * most.perMs;
      if (isLonger || isNoMore) {
        const busy = Math.max(most.perMs, perMs) * most.spread * quickerOf(earlier);
        // The root adds a few for the queue.
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

/** How many slots may be tried after `slots`, with `left` tasks left and perhaps a guess; 0 for none. */
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
