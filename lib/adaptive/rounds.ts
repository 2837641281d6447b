/**
 * How many slots tasks that wait are given, from round to round: a published law gives and takes them, and they
 * come back if it took them for a queue that was none. `tests/adaptive/laws_main.ts` holds it against others.
 *
 * A round is as many tasks as fill the slots, all started since the slots last changed. What only this
 * program knows, such as that its event loop is busy or that a server refuses, is not a law's to judge.
 */

import { meanOf, quickerOf } from "./stage.ts";

/** What a round showed. */
export interface SlotRound {
  readonly slots: number;
  /** How long its tasks took, as its quicker ones tell. */
  readonly latencyMs: number;
  /** The least of these, with few at once. */
  readonly leastMs: number;
}

/** Gives the slots of the next round, at least 1; they need not be whole. */
export type SlotLaw = (round: SlotRound) => number;

/** Latency may grow so much before it counts. */
const TOLERANCE = 1.25;

/**
 * Slots shrink by the ratio of the least latency to that of now, at most by half, and grow by half the root
 * of their number, so that a queue has a few: GradientLimit of Netflix's concurrency-limits. Its successor
 * holds latency against the mean of a long run, which follows what too many slots do, so they become ever more.
 */
export function gradient({ slots, latencyMs, leastMs }: SlotRound): number {
  const ratio = Math.min(1, Math.max(0.5, TOLERANCE * leastMs / latencyMs));
  return Math.max(1, slots * ratio + Math.sqrt(slots) / 2);
}

const FEW_SLOTS = 8;
/** If this part of them is left, it is looked whether as much gets done. */
export const LEFT = 0.8;

export class Rounds {
  /** The least latency of a round, and the longest of a task since the last one began. */
  leastMs: number = Infinity;
  slowestMs = 0;
  /** Whether less gets done since slots were taken away: these tasks take longer than the first did. */
  areWrong = false;
  /** How many there were when they began to become fewer, and what got done. */
  #peak: { readonly slots: number; readonly perMs: number } | undefined;

  constructor(private readonly law: SlotLaw = gradient) {}

  /** So many were too many, and got so much done; with fewer tasks took so long. */
  begin(slots: number, perMs: number, latencies: readonly number[]): void {
    this.#peak = { slots, perMs };
    if (latencies.length > 0) this.leastMs = Math.min(this.leastMs, quickerOf(latencies));
  }

  /** The slots after a round with so many; a law judges none that weren't all taken. */
  next(slots: number, latencies: readonly number[], isFull: boolean): number {
    const latencyMs = quickerOf(latencies);
    const perMs = slots / meanOf(latencies);
    const peak = this.#peak;
    const before = peak === undefined ? 0 : Math.max(peak.perMs, peak.slots / this.slowestMs);
    // One that is alone queues behind no other: what it takes is the least, though it may have been less before.
    this.leastMs = slots < 2 ? latencyMs : Math.min(this.leastMs, latencyMs);
    this.slowestMs = Math.max(...latencies);
    if (peak !== undefined) {
      const areFewer = slots <= LEFT * peak.slots;
      // It isn't for the lack of a few slots that half as much gets done.
      if (areFewer || perMs < before / 2) this.#peak = undefined;
      this.areWrong = areFewer && perMs < before * Math.sqrt(slots / peak.slots);
      if (this.areWrong) return peak.slots;
    }
    const next = isFull ? this.law({ slots, latencyMs, leastMs: this.leastMs }) : slots;
    // A round of few slots is few tasks, which chance may make long.
    if (next < slots && slots >= FEW_SLOTS) this.#peak ??= { slots, perMs };
    return next;
  }
}
