/**
 * Watches a run's tasks: asks those past their deadline to stop, and has those stopped that go on.
 *
 * One timer a run, however many tasks are in flight. Deadlines count from a task's own start, which
 * its lane tells.
 *
 * @module
 */

import type { AskReason } from "../lanes/lane.ts";
import type { Recovery } from "./recovery.ts";
import type { Sent, SentList } from "./sent.ts";

/** What the watch needs of the run. */
export interface WatchedRun {
  /** Its chunks that are with lanes. */
  readonly inFlight: SentList;
  /** Its deadline of each task, in milliseconds; Infinity for none. */
  readonly options: { readonly timeoutMs: number };
  /** Stops tasks that go on after they were asked to, and takes back chunks that wait. */
  readonly recovery: Pick<Recovery, "force" | "recall">;
}

/** What the watch needs of the lanes. */
export interface WatchedPool {
  /** How long a task that was asked to stop may go on, in milliseconds. */
  readonly options: { readonly graceMs: number };
  /** Whether some lane has nothing to do. */
  readonly hasIdleLane: boolean;
}

/** Timers are set no closer than this, so that many deadlines near each other share one. */
const MIN_WAIT_MS = 2;
/** Timers are set no farther than this: a longer wait doesn't fit into them and would end at once. */
export const MAX_WAIT_MS = 2 ** 31 - 1;

/** A chunk that has waited on its lane for so long is better off on an idle one. */
export const STUCK_MS = 16;

/** The watch over one run. */
export class Watch {
  readonly #run: WatchedRun;
  readonly #pool: WatchedPool;
  readonly #graceMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueMs = Infinity;

  /**
   * Sets no timer yet.
   *
   * @param run The run.
   * @param pool The lanes that it is on.
   */
  constructor(run: WatchedRun, pool: WatchedPool) {
    this.#run = run;
    this.#pool = pool;
    this.#graceMs = pool.options.graceMs;
  }

  /**
   * Looks again in so many milliseconds at the latest.
   *
   * @param afterMs The wait; never less than 2 ms.
   */
  arm(afterMs: number): void {
    const waitMs = Math.min(Math.max(afterMs, MIN_WAIT_MS), MAX_WAIT_MS);
    const dueMs = performance.now() + waitMs;
    if (dueMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => {
      this.#dueMs = Infinity;
      this.#look();
    }, waitMs);
  }

  /** No more watching. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#dueMs = Infinity;
  }

  /**
   * Asks a chunk's task to stop, and sees to it that it does.
   *
   * @param sent The chunk.
   * @param why What to tell the task.
   * @param offset The item whose deadline passed; −1, the default, for the chunk as a whole.
   */
  ask(sent: Sent, why: AskReason, offset = -1): void {
    if (sent.asked?.why === "cancel") return;
    sent.asked = { atMs: performance.now(), why, offset };
    sent.lane.ask(sent, why);
    this.arm(this.#graceMs);
  }

  #look(): void {
    for (const sent of this.#run.inFlight) {
      if (this.#run.inFlight.has(sent)) this.#lookAt(sent);
    }
  }

  #lookAt(sent: Sent): void {
    const { timeoutMs } = this.#run.options;
    const now = performance.now();
    const at = sent.lane.progress(sent);
    if (
      sent.asked?.why === "timeout" && (at.state !== "running" || at.offset !== sent.asked.offset)
    ) {
      sent.asked = undefined; // that one has stopped, and the next is running
    }
    if (sent.asked !== undefined) {
      const forceMs = sent.asked.atMs + this.#graceMs;
      if (now >= forceMs) this.#run.recovery.force(sent);
      else this.arm(forceMs - now);
    } else if (at.state === "waiting" && sent.lane.takesAhead) {
      if (now - sent.sentAtMs >= STUCK_MS && this.#pool.hasIdleLane) {
        this.#run.recovery.recall(sent);
      } else this.arm(STUCK_MS);
    } else if (timeoutMs !== Infinity) {
      const dueMs = at.state === "running" ? at.sinceMs + timeoutMs : now + timeoutMs;
      if (at.state === "running" && now >= dueMs) this.ask(sent, "timeout", at.offset);
      else this.arm(dueMs - now);
    }
  }
}
