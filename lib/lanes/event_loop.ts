/**
 * The lane that is this event loop.
 *
 * Its tasks share this thread. With one slot that is a plain loop (Python: `for` over one
 * `requests.Session`), with many it is concurrency (Python: `asyncio.gather`): tasks that wait
 * overlap, tasks that compute don't. It pays for I/O, costs next to nothing, and isolates nothing: a
 * task that never yields stops everything here, a deadline included, and one that exits ends the
 * program.
 *
 * @module
 */

import type {
  AskReason,
  BatchProgress,
  Forced,
  Lane,
  LaneBatch,
  LaneEvents,
  Usage,
} from "./lane.ts";
import { loadTask } from "./load_task.ts";
import { type BatchHost, BatchRun } from "./run_batch.ts";
import type { Task, TaskFunction } from "./task.ts";

/** The note on a batch that was taken back while its task was still being loaded. */
const RECALLED = Symbol("recalled");

/** Runs batches in this event loop. */
export class EventLoopLane implements Lane {
  readonly ready: Promise<number> = Promise.resolve(0);
  readonly #events: LaneEvents;
  readonly #host: BatchHost<LaneBatch> = {
    report: ({ batch }, report) => this.#events.report(batch, report),
  };

  constructor(events: LaneEvents) {
    this.#events = events;
  }

  accepts(): boolean {
    return true;
  }

  async load(task: Task): Promise<void> {
    await loadTask(task);
  }

  send(batch: LaneBatch): void {
    const fn = loadTask(batch.task);
    if (typeof fn === "function") return this.#start(batch, fn, batch.sentAtMs);
    fn.then((fn) => this.#start(batch, fn), (error) => {
      if (batch.note !== RECALLED) this.#events.unloadable(batch, error);
    });
  }

  #start(batch: LaneBatch, fn: TaskFunction, nowMs?: number): void {
    if (batch.note === RECALLED) return;
    const run = new BatchRun(batch, fn, this.#host);
    batch.note = run;
    batch.sentCount = batch.items.length;
    run.start(nowMs);
  }

  ask({ note }: LaneBatch, why: AskReason, reason?: unknown): void {
    if (note instanceof BatchRun) note.ask(why, reason);
  }

  progress({ note, sentAtMs }: LaneBatch): BatchProgress {
    if (!(note instanceof BatchRun)) return { state: "loading", sinceMs: sentAtMs };
    if (!note.running) return { state: "waiting" };
    return { state: "running", offset: note.offset, sinceMs: note.sinceMs };
  }

  recall(batch: LaneBatch): boolean {
    if (batch.note instanceof BatchRun) return false;
    batch.note = RECALLED;
    return true;
  }

  force({ note }: LaneBatch): Forced {
    if (note instanceof BatchRun) note.forget();
    return "goes on";
  }

  usage(): Promise<Usage> {
    // This thread's time is the caller's too; the trial that owns the process counts it.
    return Promise.resolve({ cpuMs: undefined, peakRssBytes: undefined });
  }

  hold(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }
}
