/** Stops tasks before they end: on a caller's signal, or past a deadline. */

import type { AskReason } from "../lanes/lane.ts";
import { platform } from "../lanes/platform.ts";
import { Alarm, clock } from "../lanes/timers.ts";
import type { Batch } from "./batch.ts";

/** Whether it is a signal of the platform's, or of the class that a program has put in its place. */
export function isSignal(value: unknown): value is AbortSignal {
  return value instanceof platform.AbortSignal || value instanceof AbortSignal;
}

interface Stoppable {
  stop(reason: unknown): void;
}

/**
 * Watches each signal once, however many runs share it, through a signal of its own that follows the caller's.
 * The caller's signal thus gets no listener from here, and no other listener can suppress the event
 * (`stopImmediatePropagation`).
 */
export class AbortWatch {
  /** The runs and calls that each following signal stops. */
  readonly #watched = new Map<AbortSignal, Set<Stoppable>>();
  /** The following signal of each caller's signal, reused because Deno never frees one that follows another. */
  readonly #own = new WeakMap<AbortSignal, AbortSignal>();
  readonly #onAbort = ({ target }: Event) => {
    const own = target as AbortSignal;
    for (const one of [...this.#watched.get(own) ?? []]) one.stop(own.reason);
  };

  add(signal: AbortSignal, stoppable: Stoppable): void {
    const of = signal instanceof platform.AbortSignal ? platform.AbortSignal : AbortSignal;
    const own = this.#own.getOrInsertComputed(signal, () => of.any([signal]));
    const all = this.#watched.getOrInsertComputed(own, () => new Set());
    if (all.size === 0) own.addEventListener("abort", this.#onAbort);
    all.add(stoppable);
  }

  delete(signal: AbortSignal, stoppable: Stoppable): void {
    const own = this.#own.get(signal);
    const all = own && this.#watched.get(own);
    all?.delete(stoppable);
    if (all?.size !== 0) return;
    // While it has a listener, the timer of an AbortSignal.timeout() keeps the program alive.
    own!.removeEventListener("abort", this.#onAbort);
    this.#watched.delete(own!);
  }
}

/** The signals of all executors. */
export const aborts: AbortWatch = new AbortWatch();

/** A pool, as far as it forces tasks to stop that went on after they were asked to. */
export interface Enforcer {
  /** How long a task may go on after it was asked to stop, in milliseconds. */
  readonly options: { readonly graceMs: number };
  /** Stops a task that went on after it was asked to. */
  force(batch: Batch): void;
  /** Called when a task's module isn't loaded in time. */
  giveUpLoading(batch: Batch): void;
  /** Called when a lane doesn't start a batch in time, though nothing else runs there. */
  giveUpLane(batch: Batch): void;
  /** Runs an action, during which no other action of the pool runs. */
  do(action: () => void): void;
}

/** The shortest timer, in milliseconds, so that deadlines near each other share one. */
const LEAST_TIMER_MS = 2;

/** The least time until a batch may exceed a limit, in milliseconds; one not sent may be loading too long. */
function leastMs({ sentCount, settings }: Batch): number {
  return sentCount > 0 ? settings.timeoutMs : Math.min(settings.loadTimeoutMs, settings.timeoutMs);
}

/**
 * The deadlines of all batches on a pool's lanes: tasks past theirs are asked to stop, and those that go on are
 * forced to. One timer serves all of them, however many are in flight. A deadline counts from the task's own
 * start, which its lane reports.
 */
export class Deadlines {
  readonly #alarm = new Alarm(() =>
    this.pool.do(() => {
      for (const batch of [...this.watched]) if (this.watched.has(batch)) this.#lookAt(batch);
    })
  );

  /** @param watched Batches that have a deadline, are loading, or were asked to stop. */
  constructor(private readonly pool: Enforcer, private readonly watched: Set<Batch>) {}

  /** Watches a batch that was given to its lane, if it has a time limit. */
  watch(batch: Batch): void {
    const mostMs = leastMs(batch);
    if (mostMs === Infinity) return;
    this.watched.add(batch);
    this.lookIn(mostMs);
  }

  /** Checks again within this many milliseconds, but never at once. */
  lookIn(afterMs: number): void {
    this.#alarm.within(Math.max(afterMs, LEAST_TIMER_MS));
  }

  /** Stops the timer if no batch is watched. */
  rest(): void {
    if (this.watched.size === 0) this.stop();
  }

  stop(): void {
    this.#alarm.stop();
  }

  /** Asks a batch's task to stop, and forces it after `graceMs`. */
  ask(batch: Batch, why: AskReason, reason?: unknown, offset = -1): void {
    if (batch.asked?.why === "cancel") return;
    this.watched.add(batch);
    batch.asked = { atMs: clock.now(), why, offset };
    batch.openLane!.lane.ask(batch, why, reason, offset);
    this.lookIn(this.pool.options.graceMs);
  }

  #lookAt(batch: Batch): void {
    const now = clock.now();
    const at = batch.openLane!.lane.progress(batch);
    const { asked, settings: { timeoutMs, loadTimeoutMs } } = batch;
    const mostMs = leastMs(batch);
    const isNext = at.state === "waiting" && at.isNext === true;
    if (!isNext) batch.nextSinceMs = Infinity;
    if (asked?.why === "timeout" && (at.state !== "running" || at.offset !== asked.offset)) {
      batch.asked = undefined; // that item has ended, and the next is running
    }
    if (batch.asked !== undefined) {
      const forceMs = batch.asked.atMs + this.pool.options.graceMs;
      if (now >= forceMs) this.pool.force(batch);
      else this.lookIn(forceMs - now);
    } else if (at.state === "loading") {
      const dueMs = at.sinceMs + loadTimeoutMs;
      if (now >= dueMs) this.pool.giveUpLoading(batch);
      else this.lookIn(Math.min(dueMs - now, timeoutMs));
    } else if (mostMs !== Infinity) {
      // Something that an ended task left behind may keep a lane busy forever.
      if (isNext) batch.nextSinceMs = Math.min(batch.nextSinceMs, now);
      const dueMs = at.state === "running" ? at.sinceMs + timeoutMs : now + mostMs;
      if (at.state === "running" && now >= dueMs) this.ask(batch, "timeout", undefined, at.offset);
      else if (now >= batch.nextSinceMs + loadTimeoutMs) this.pool.giveUpLane(batch);
      else this.lookIn(Math.min(dueMs, batch.nextSinceMs + loadTimeoutMs) - now);
    }
  }
}
