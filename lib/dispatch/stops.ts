/** What stops tasks before they end: the signals of callers, and deadlines. */

import type { AskReason } from "../lanes/lane.ts";
import { Alarm, clock } from "../lanes/timers.ts";
import type { Batch } from "./batch.ts";

interface Stoppable {
  stop(reason: unknown): void;
}

/**
 * Watches signals, each once, however many runs share it: by a signal of its own that follows the caller's,
 * which so has no listener of ours, and whose listeners can't keep the event from us
 * (`stopImmediatePropagation`).
 */
export class AbortWatch {
  /** What is to be stopped, by these signals. */
  readonly #watched = new Map<AbortSignal, Set<Stoppable>>();
  /** One for each, kept as long as it is: Deno never lets go of signals that follow another. */
  readonly #own = new WeakMap<AbortSignal, AbortSignal>();
  readonly #onAbort = ({ target }: Event) => {
    const own = target as AbortSignal;
    for (const one of [...this.#watched.get(own) ?? []]) one.stop(own.reason);
  };

  add(signal: AbortSignal, stoppable: Stoppable): void {
    const own = this.#own.getOrInsertComputed(signal, () => AbortSignal.any([signal]));
    const all = this.#watched.getOrInsertComputed(own, () => new Set());
    if (all.size === 0) own.addEventListener("abort", this.#onAbort);
    all.add(stoppable);
  }

  delete(signal: AbortSignal, stoppable: Stoppable): void {
    const own = this.#own.get(signal);
    const all = own && this.#watched.get(own);
    all?.delete(stoppable);
    if (all?.size !== 0) return;
    // As long as it is listened to, the timer of an AbortSignal.timeout() keeps the program alive.
    own!.removeEventListener("abort", this.#onAbort);
    this.#watched.delete(own!);
  }
}

/** Those of all executors. */
export const aborts: AbortWatch = new AbortWatch();

/** What makes tasks stop that go on after they were asked to: a pool. */
export interface Enforcer {
  /** How long a task that was asked to stop may go on. */
  readonly options: { readonly graceMs: number };
  /** Stops a task that went on after it was asked to. */
  force(batch: Batch): void;
  /** Its task's module isn't loaded in time. */
  giveUpLoading(batch: Batch): void;
  /** Its lane doesn't come to start it, though nothing else runs there. */
  giveUpLane(batch: Batch): void;
  /** Does all this; nothing else goes on meanwhile. */
  do(action: () => void): void;
}

/** Timers are set no closer than this, so that many deadlines near each other share one. */
const LEAST_TIMER_MS = 2;

/** The least time after which a batch may be over one of its limits: one that isn't sent may load for too long. */
function leastMs({ sentCount, settings }: Batch): number {
  return sentCount > 0 ? settings.timeoutMs : Math.min(settings.loadTimeoutMs, settings.timeoutMs);
}

/**
 * The deadlines of all that is on a pool's lanes: those past theirs are asked to stop, and those that go on
 * are stopped. One timer for all of them, however many are in flight. Deadlines count from a task's own
 * start, which its lane tells.
 */
export class Deadlines {
  readonly #alarm = new Alarm(() =>
    this.pool.do(() => {
      for (const batch of [...this.watched]) if (this.watched.has(batch)) this.#lookAt(batch);
    })
  );

  /** @param watched Those with a deadline, loading, or asked to stop. */
  constructor(private readonly pool: Enforcer, private readonly watched: Set<Batch>) {}

  /** A batch was given to its lane: if there is a time that it may not exceed, that is seen to. */
  watch(batch: Batch): void {
    const mostMs = leastMs(batch);
    if (mostMs === Infinity) return;
    this.watched.add(batch);
    this.lookIn(mostMs);
  }

  /** Looks again in so many milliseconds at the latest, but never at once. */
  lookIn(afterMs: number): void {
    this.#alarm.within(Math.max(afterMs, LEAST_TIMER_MS));
  }

  /** Nothing more is to come for now. */
  rest(): void {
    if (this.watched.size === 0) this.stop();
  }

  stop(): void {
    this.#alarm.stop();
  }

  /** Asks a batch's task to stop, and sees to it that it does. */
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
      batch.asked = undefined; // that one has stopped, and the next is running
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
      // What an ended task has left behind may keep a lane busy for ever.
      if (isNext) batch.nextSinceMs = Math.min(batch.nextSinceMs, now);
      const dueMs = at.state === "running" ? at.sinceMs + timeoutMs : now + mostMs;
      if (at.state === "running" && now >= dueMs) this.ask(batch, "timeout", undefined, at.offset);
      else if (now >= batch.nextSinceMs + loadTimeoutMs) this.pool.giveUpLane(batch);
      else this.lookIn(Math.min(dueMs, batch.nextSinceMs + loadTimeoutMs) - now);
    }
  }
}
