/**
 * What a task is told of its run.
 *
 * @module
 */

import type { Chunk } from "./lane.ts";
import type { TaskContext } from "./task.ts";

/** As much of a run as a context asks. */
export interface AskedRun {
  /** The items and how to run them. */
  readonly chunk: Chunk;
  /** The item that runs, counted from the chunk's start. */
  readonly offset: number;
  /** Whether its function has been called and has not ended yet. */
  readonly running: boolean;
  /** The signal of the running task. */
  signal(): AbortSignal;
  /** Whether the running task is to stop. */
  isStopping(): boolean;
}

/** The context of one task; it speaks of that task only, however long it is kept. */
export class Context implements TaskContext {
  /** The item's place in the input. */
  readonly index: number;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  readonly #run: AskedRun;
  readonly #offset: number;
  #signal: AbortSignal | undefined;

  /**
   * Makes the context of the run's current item.
   *
   * @param run The run.
   */
  constructor(run: AskedRun) {
    this.#run = run;
    this.#offset = run.offset;
    this.index = run.chunk.firstIndex + run.offset;
    this.attempt = run.chunk.attempt;
  }

  /** Aborted when the task is to stop. */
  get signal(): AbortSignal {
    // A context kept beyond its task must not watch over the next one.
    return this.#signal ??= this.#isCurrent() ? this.#run.signal() : AbortSignal.abort();
  }

  /** Whether the task is to stop; true also in a loop that never yields. */
  cancelled(): boolean {
    return !this.#isCurrent() || this.#run.isStopping();
  }

  #isCurrent(): boolean {
    return this.#run.running && this.#run.offset === this.#offset;
  }
}
