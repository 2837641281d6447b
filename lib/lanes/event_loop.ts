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

import type { AskReason, Chunk, ChunkProgress, Forced, Lane, LaneEvents, Usage } from "./lane.ts";
import { loadTask } from "./load_task.ts";
import { type ChunkHost, ChunkRun } from "./run_chunk.ts";
import type { TaskFunction } from "./task.ts";

/** The note on a chunk that was cancelled while its task was still being loaded. */
const CANCELLED = Symbol("cancelled");

/** Runs chunks in this event loop. */
export class EventLoopLane implements Lane {
  readonly ready: Promise<number> = Promise.resolve(0);
  readonly remote = false;
  readonly takesAhead = false;
  readonly #events: LaneEvents;
  readonly #host: ChunkHost = { report: (run, report) => this.#events.report(run.chunk, report) };

  /**
   * Nothing to start.
   *
   * @param events Told of every chunk's end.
   */
  constructor(events: LaneEvents) {
    this.#events = events;
  }

  accepts(): boolean {
    return true;
  }

  send(chunk: Chunk): void {
    const fn = loadTask(chunk.task);
    if (typeof fn === "function") return this.#start(chunk, fn, chunk.sentAtMs);
    fn.then((fn) => this.#start(chunk, fn), (error) => {
      this.#start(chunk, () => {
        throw error;
      });
    });
  }

  #start(chunk: Chunk, fn: TaskFunction, nowMs?: number): void {
    const run = new ChunkRun(chunk, fn, this.#host);
    if (chunk.note === CANCELLED) run.ask("cancel");
    chunk.note = run;
    run.start(nowMs);
  }

  ask(chunk: Chunk, why: AskReason): void {
    if (chunk.note instanceof ChunkRun) chunk.note.ask(why);
    else if (why === "cancel") chunk.note = CANCELLED;
  }

  progress({ note }: Chunk): ChunkProgress {
    if (!(note instanceof ChunkRun) || !note.running) return { state: "waiting" };
    return { state: "running", offset: note.offset, sinceMs: note.sinceMs };
  }

  forget(chunk: Chunk): void {
    if (chunk.note instanceof ChunkRun) chunk.note.forget();
    else chunk.note = CANCELLED;
  }

  force(chunk: Chunk): Forced {
    this.forget(chunk);
    return { task: "abandoned", lane: "alive" };
  }

  usage(): Promise<Usage> {
    // This thread's time is the caller's too; the trial that owns the process counts it.
    return Promise.resolve({ cpuMs: undefined, peakRssBytes: undefined });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
