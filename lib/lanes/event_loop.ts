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

/** Runs chunks in this event loop. */
export class EventLoopLane implements Lane {
  readonly ready: Promise<number> = Promise.resolve(0);
  readonly remote = false;
  readonly takesAhead = false;
  readonly #events: LaneEvents;
  readonly #runs = new Map<number, ChunkRun>();
  /** Chunks cancelled while their task was still being loaded. */
  readonly #dropped = new Set<number>();
  readonly #host: ChunkHost = {
    report: (run, report) => {
      if (report.then === "end") this.#runs.delete(run.chunk.id);
      this.#events.report(run.chunk, report);
    },
  };

  /** @param events Told of every chunk's end. */
  constructor(events: LaneEvents) {
    this.#events = events;
  }

  accepts(): boolean {
    return true;
  }

  send(chunk: Chunk): void {
    const fn = loadTask(chunk.task);
    if (typeof fn === "function") return this.#start(new ChunkRun(chunk, fn, this.#host));
    fn.then(
      (fn) => this.#start(new ChunkRun(chunk, fn, this.#host)),
      (error) => {
        this.#start(
          new ChunkRun(chunk, () => {
            throw error;
          }, this.#host),
        );
      },
    );
  }

  #start(run: ChunkRun): void {
    this.#runs.set(run.chunk.id, run);
    if (this.#dropped.delete(run.chunk.id)) run.ask("cancel");
    run.start();
  }

  ask(chunk: Chunk, why: AskReason): void {
    const run = this.#runs.get(chunk.id);
    if (run !== undefined) run.ask(why);
    else if (why === "cancel") this.#dropped.add(chunk.id);
  }

  progress(chunk: Chunk): ChunkProgress {
    const run = this.#runs.get(chunk.id);
    if (run === undefined || !run.running) return { state: "waiting" };
    return { state: "running", offset: run.offset, sinceMs: run.sinceMs };
  }

  forget(chunk: Chunk): void {
    this.#runs.get(chunk.id)?.forget();
    this.#runs.delete(chunk.id);
    this.#dropped.delete(chunk.id);
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
    for (const run of this.#runs.values()) run.forget();
    this.#runs.clear();
    return Promise.resolve();
  }
}
