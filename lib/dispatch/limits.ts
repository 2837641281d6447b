/**
 * When tasks may start, on all lanes together: so many in a time, so many at once, none in a pause.
 *
 * A rate is a bucket of tokens: each start takes one, which is there again so long after the start. So
 * in no time as long as that do more tasks start than there are tokens, whatever came before.
 */

import { Alarm, clock } from "../lanes/timers.ts";
import type { Batch, Key, Pace, PaceMaker } from "./batch.ts";
import { Fifo } from "./collections.ts";

/** At most `limit` starts in any `perMs` milliseconds. */
export interface Rate {
  /** How many tasks may start, from 1. */
  readonly limit: number;
  /** In how many milliseconds. */
  readonly perMs: number;
}

export interface LimitOptions {
  readonly rate?: Rate | undefined;
  /** Tasks in flight at most; any number unless given. */
  readonly slots?: number | undefined;
  readonly pace?: PaceMaker | undefined;
}

/** A start whose token isn't there again. */
interface Start {
  atMs: number;
}

/**
 * After a pause one task is in flight at first, and may be twice as many after each of so many
 * milliseconds: all at once would be what had to be paused for.
 */
const DOUBLES_MS = 200;
/** After so many times that a pause has no say in how many may be. */
const DOUBLINGS = 10;

/** One limit, on batches that have one item each if anything is counted. */
export class Limit {
  readonly #starts = new Fifo<Start>();
  /** The starts of batches that are with lanes. */
  readonly #startOf = new Map<Batch, Start>();
  /** Batches that were taken, and may not have started: their lane may still be loading. */
  readonly #held = new Set<Batch>();
  #pausedUntilMs = -Infinity;
  #takenMs = -Infinity;
  readonly pace: Pace | undefined;
  /** Whether it counts what is in flight; after a pause it does. */
  counts: boolean;
  readonly #free: Alarm;

  /** @param onFree Told when a start is allowed that wasn't, unless a batch leaves for that. */
  constructor(private readonly options: LimitOptions, onFree: () => void) {
    this.#free = new Alarm(onFree);
    const { rate, slots = Infinity, pace } = options;
    this.pace = pace?.(() => this.#inFlight);
    this.counts = rate !== undefined || slots !== Infinity || pace !== undefined;
  }

  get #inFlight(): number {
    return this.#held.size + this.#startOf.size;
  }

  /** Whether a task may start now; if not, and time alone has to pass, it is told when. */
  allows(): boolean {
    if (!this.counts) return true;
    const waitMs = this.waitMs(clock.now());
    if (waitMs <= 0) return true;
    if (waitMs !== Infinity) this.#free.within(waitMs);
    return false;
  }

  /** Milliseconds until a start is allowed; Infinity if that hangs on batches that are with lanes. */
  waitMs(nowMs: number): number {
    const { pace, options: { slots = Infinity } } = this;
    const inFlight = this.#inFlight;
    if (inFlight >= Math.min(slots, pace?.slots ?? Infinity)) return Infinity;
    const pacedMs = pace?.isBound
      ? Math.max(pace.waitMs(nowMs), this.#takenMs + pace.gapMs - nowMs)
      : 0;
    const doublings = inFlight === 0 ? 0 : Math.floor(Math.log2(inFlight)) + 1;
    const roomMs = this.#pausedUntilMs + doublings * DOUBLES_MS - nowMs;
    return Math.max(roomMs, pacedMs, this.#tokenMs(nowMs));
  }

  #tokenMs(nowMs: number): number {
    const { rate } = this.options;
    if (rate === undefined) return 0;
    const { limit, perMs } = rate;
    // Those that have left for their lanes start now.
    for (const batch of this.#held) if (batch.sentCount > 0) this.#start(batch, nowMs);
    let first: Start | undefined;
    while ((first = this.#starts.first) !== undefined && first.atMs + perMs <= nowMs) {
      this.#starts.shift();
    }
    if (this.#starts.size + this.#held.size < limit) return 0;
    return first === undefined ? Infinity : first.atMs + perMs - nowMs;
  }

  pause(untilMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, untilMs);
    this.counts = true;
  }

  /** A batch takes its place, and is about to be sent. */
  take(batch: Batch): void {
    if (this.pace?.isBound) this.#takenMs = clock.now();
    if (this.counts) this.#held.add(batch);
  }

  #start(batch: Batch, atMs: number): void {
    const start = { atMs };
    this.#held.delete(batch);
    this.#startOf.set(batch, start);
    if (this.options.rate !== undefined) this.#starts.push(start);
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
      this.#start(batch, Number.isNaN(startedAtMs) ? clock.now() : startedAtMs);
    }
    const start = this.#startOf.get(batch);
    this.#startOf.delete(batch);
    if (start !== undefined && startedAtMs > start.atMs) start.atMs = startedAtMs;
  }

  get isBusy(): boolean {
    return this.#inFlight > 0;
  }

  /** Whether it is as if it had never been used. */
  isIdle(nowMs: number): boolean {
    const isPaused = nowMs < this.#pausedUntilMs + DOUBLINGS * DOUBLES_MS;
    return !this.isBusy && !isPaused && this.waitMs(nowMs) <= 0 && this.#starts.size === 0 &&
      this.pace?.isBound !== true;
  }

  stop(): void {
    this.#free.stop();
  }
}

/** A limit for each key of a run's items, such as the host that an item asks. */
export interface PerKey<Item = unknown> {
  /** Whom an item counts for; undefined for nobody. It is called once for each item, when that is pulled. */
  readonly key: (item: Item) => Key | undefined;
  /** Tasks of one key in flight at most, on all lanes together; any number unless given. */
  readonly slots?: number | undefined;
  /** How many tasks of one key may start in a time; any number unless given. */
  readonly rate?: Rate | undefined;
}
