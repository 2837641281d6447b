/**
 * How many slots tasks that wait are given, from round to round: a published law adds and takes slots, which
 * come back if there was no queue after all. `tests/adaptive/laws_main.ts` compares it with other laws.
 *
 * A round is as many tasks as fill the slots, all started since the slots last changed. The law doesn't judge
 * what only this program knows, such as that its event loop is busy or that a server refuses.
 */

import { meanOf, quickerOf } from "./stage.ts";

/** The measurements of a round. */
export interface SlotRound {
  readonly slots: number;
  /** The lower quartile of its tasks' latency, in milliseconds. */
  readonly latencyMs: number;
  /** The least latencyMs of a round so far, in milliseconds. */
  readonly leastMs: number;
}

/** Returns the slots of the next round, at least 1; may be a fraction. */
export type SlotLaw = (round: SlotRound) => number;

/** Slots don't shrink while latency is at most this many times the least. */
const TOLERANCE = 1.25;

/**
 * Slots shrink by the ratio of the least latency to the present one, at most by half, and grow by half the root
 * of their number, so that a queue has a few: GradientLimit of Netflix's concurrency-limits. Its successor
 * compares latency with a long-run mean, which rises with too many slots, so slots grow without end.
 */
export function gradient({ slots, latencyMs, leastMs }: SlotRound): number {
  const ratio = Math.min(1, Math.max(0.5, TOLERANCE * leastMs / latencyMs));
  return Math.max(1, slots * ratio + Math.sqrt(slots) / 2);
}

const FEW_SLOTS = 8;
/** Once at most this share of the slots is left, it is checked whether as much gets done. */
export const LEFT = 0.8;

export class Rounds {
  /** The least latency of a round, and the longest of a task since the last round, in milliseconds. */
  leastMs: number = Infinity;
  slowestMs = 0;
  /** Whether less gets done since slots were taken away: the tasks themselves take longer than earlier ones. */
  areWrong = false;
  /** How many slots there were before they shrank, and how many tasks ended per millisecond. */
  #peak: { readonly slots: number; readonly perMs: number } | undefined;

  constructor(private readonly law: SlotLaw = gradient) {}

  /** Begins after too many `slots`, with what got done per millisecond, and the latencies with fewer. */
  begin(slots: number, perMs: number, latencies: readonly number[]): void {
    this.#peak = { slots, perMs };
    if (latencies.length > 0) this.leastMs = Math.min(this.leastMs, quickerOf(latencies));
  }

  /** Returns the slots after a round with `slots`; the law judges only rounds with all slots taken. */
  next(slots: number, latencies: readonly number[], isFull: boolean): number {
    const latencyMs = quickerOf(latencies);
    const perMs = slots / meanOf(latencies);
    const peak = this.#peak;
    const before = peak === undefined ? 0 : Math.max(peak.perMs, peak.slots / this.slowestMs);
    // A single slot has no queue, so its latency is the least, even if it was less before.
    this.leastMs = slots < 2 ? latencyMs : Math.min(this.leastMs, latencyMs);
    this.slowestMs = Math.max(...latencies);
    if (peak !== undefined) {
      const areFewer = slots <= LEFT * peak.slots;
      // A few missing slots don't halve what gets done, so the comparison ends.
      if (areFewer || perMs < before / 2) this.#peak = undefined;
      this.areWrong = areFewer && perMs < before * Math.sqrt(slots / peak.slots);
      if (this.areWrong) return peak.slots;
    }
    const next = isFull ? this.law({ slots, latencyMs, leastMs: this.leastMs }) : slots;
    // A round of few slots has few tasks, which may take long by chance.
    if (next < slots && slots >= FEW_SLOTS) this.#peak ??= { slots, perMs };
    return next;
  }
}
