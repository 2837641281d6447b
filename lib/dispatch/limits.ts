/**
 * When tasks may start, on all lanes together: limits on starts in a time and on tasks in flight, and pauses.
 *
 * A rate is a bucket of tokens: each start takes one, which returns `perMs` after the start. So in any span of
 * `perMs` no more tasks start than there are tokens.
 */

import { Alarm, clock } from "../lanes/timers.ts";
import { Batch, type Pace } from "./batch.ts";
import { Fifo } from "./collections.ts";
import type { Rate } from "./map_options.ts";

export interface LimitOptions {
  readonly rate?: Rate | undefined;
  /** How many tasks may be in flight; no limit unless given. */
  readonly slots?: number | undefined;
  readonly pace?: Pace | undefined;
}

/** A start whose token hasn't returned. */
interface Start {
  atMs: number;
}

/**
 * After a pause one task may be in flight, and twice as many each time these milliseconds have passed: starting
 * all at once would cause the next pause.
 */
const DOUBLES_MS = 200;
/** After this many doublings a pause limits nothing any more. */
const DOUBLINGS = 10;

/** While it counts anything, batches have one item each. */
export class Limit {
  readonly #starts = new Fifo<Start>();
  /** The starts of batches that are on lanes. */
  readonly #startOf = new Map<Batch, Start>();
  /** Batches that were taken and may not have started, because their lane may still be loading. */
  readonly #held = new Set<Batch>();
  #pausedUntilMs = -Infinity;
  /** Whether it counts tasks in flight; from the first pause on it does. */
  counts: boolean;
  readonly #free: Alarm;

  /** @param onFree Called when a start may have become allowed, unless that is because a batch leaves. */
  constructor(private readonly options: LimitOptions, private readonly onFree: () => void) {
    this.#free = new Alarm(onFree);
    const { rate, slots = Infinity, pace } = options;
    this.counts = rate !== undefined || slots !== Infinity || pace !== undefined;
  }

  get pace(): Pace | undefined {
    return this.options.pace;
  }

  get #inFlight(): number {
    return this.#held.size + this.#startOf.size;
  }

  /** Whether a task may start now; if only time must pass, `onFree` is called when it has. */
  allows(): boolean {
    if (!this.counts) return true;
    const waitMs = this.waitMs(clock.now());
    if (waitMs <= 0) return true;
    if (waitMs !== Infinity) this.#free.within(waitMs);
    return false;
  }

  /** Milliseconds until a start is allowed; Infinity if a batch must leave its lane first. */
  waitMs(nowMs: number): number {
    const { pace, slots = Infinity } = this.options;
    const inFlight = this.#inFlight;
    if (inFlight >= slots) return Infinity;
    const pacedMs = pace?.waitMs(nowMs, this.onFree) ?? 0;
    const doublings = inFlight === 0 ? 0 : Math.floor(Math.log2(inFlight)) + 1;
    const roomMs = this.#pausedUntilMs + doublings * DOUBLES_MS - nowMs;
    return Math.max(roomMs, pacedMs, this.#tokenMs(nowMs));
  }

  #tokenMs(nowMs: number): number {
    const { rate } = this.options;
    if (rate === undefined) return 0;
    const { limit, perMs } = rate;
    // Batches that have been sent to their lanes count as started now.
    for (const batch of this.#held) if (batch.sentCount > 0) this.#start(batch, nowMs);
    let first: Start | undefined;
    while ((first = this.#starts.first) !== undefined && first.atMs + perMs <= nowMs) {
      this.#starts.shift();
    }
    if (this.#starts.size + this.#held.size < limit) return 0;
    // Without a start, the first token returns so long after a held batch starts, at once at the earliest.
    return first === undefined ? perMs : first.atMs + perMs - nowMs;
  }

  pause(untilMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, untilMs);
    this.counts = true;
  }

  /** Counts a batch that is about to be sent. */
  take(batch: Batch): void {
    if (this.counts) this.#held.add(batch);
  }

  #start(batch: Batch, atMs: number): void {
    const start = { atMs };
    this.#held.delete(batch);
    this.#startOf.set(batch, start);
    if (this.options.rate !== undefined) this.#starts.push(start);
  }

  /** Notes that a batch was given to its lane, where it starts once its task is loaded. */
  sent(batch: Batch): void {
    if (!this.#held.has(batch)) return;
    if (batch.sentCount > 0) return this.#start(batch, batch.sentAtMs);
    void batch.openLane!.lane.load(batch.task).then(this.onFree, this.onFree);
  }

  /**
   * Notes that a batch ended or comes back. If it never started, its token returns at once; if it started later
   * than it was sent, because its thread had no core, its token returns later.
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

  /** Whether its state is that of a new limit. */
  isIdle(nowMs: number): boolean {
    const isPaused = nowMs < this.#pausedUntilMs + DOUBLINGS * DOUBLES_MS;
    return this.#inFlight === 0 && !isPaused && this.waitMs(nowMs) <= 0 &&
      this.#starts.size === 0 && this.pace?.isBound !== true;
  }

  stop(): void {
    this.#free.stop();
    this.pace?.release();
  }
}
