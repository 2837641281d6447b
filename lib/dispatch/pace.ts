/**
 * How many of a run's tasks may start in a time, on all lanes together.
 *
 * A bucket of tokens: each start takes one, which is there again so long after the start. So in no
 * time as long as that do more tasks start than there are tokens, whatever came before.
 *
 * @module
 */

import type { Batch } from "./batch.ts";

/** At most `limit` starts in any `perMs` milliseconds. */
export interface Rate {
  /** How many tasks may start, from 1. */
  readonly limit: number;
  /** In how many milliseconds. */
  readonly perMs: number;
}

/** A start whose token isn't there again. */
interface Start {
  atMs: number;
}

/** The tokens of one run, whose batches have one item each. */
export class Pace {
  readonly #rate: Rate;
  /** The first first; from `#head` on. */
  #starts: Start[] = [];
  #head = 0;
  /** The starts of batches that are with lanes. */
  readonly #startOf = new Map<Batch, Start>();
  /** Batches that have a token, and may not have started: their lane may still be loading. */
  readonly #held = new Set<Batch>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Milliseconds until a start is allowed; Infinity if that hangs on lanes that are loading. */
  waitMs(nowMs: number): number {
    this.#look(nowMs);
    const { limit, perMs } = this.#rate;
    while (this.#head < this.#starts.length && this.#starts[this.#head]!.atMs + perMs <= nowMs) {
      this.#head++;
    }
    if (2 * this.#head > this.#starts.length) {
      this.#starts = this.#starts.slice(this.#head);
      this.#head = 0;
    }
    const running = this.#starts.length - this.#head;
    if (running + this.#held.size < limit) return 0;
    return running === 0 ? Infinity : this.#starts[this.#head]!.atMs + perMs - nowMs;
  }

  /** A batch takes a token, and is about to be sent. */
  take(batch: Batch): void {
    this.#held.add(batch);
  }

  /** Those that have left for their lanes start now. */
  #look(nowMs: number): void {
    for (const batch of this.#held) if (batch.sentCount > 0) this.#start(batch, nowMs);
  }

  #start(batch: Batch, atMs: number): void {
    const start = { atMs };
    this.#held.delete(batch);
    this.#starts.push(start);
    this.#startOf.set(batch, start);
  }

  /** A batch was given to its lane; returns whether its start is still to come. */
  sent(batch: Batch): boolean {
    if (this.#held.has(batch) && batch.sentCount > 0) this.#start(batch, batch.sentAtMs);
    return this.#held.has(batch);
  }

  /**
   * A batch has ended, or comes back. If it never started, its token is there again; if it turns out to
   * have started later than it was sent, for its thread had no core, its token is there later.
   */
  leave(batch: Batch, startedAtMs: number): void {
    if (this.#held.has(batch)) {
      if (batch.sentCount === 0) return void this.#held.delete(batch);
      this.#start(batch, Number.isNaN(startedAtMs) ? performance.now() : startedAtMs);
    }
    const start = this.#startOf.get(batch);
    this.#startOf.delete(batch);
    if (start !== undefined && startedAtMs > start.atMs) start.atMs = startedAtMs;
  }
}
