/**
 * The calls of `run` on one executor: in the order in which they come, and no more than may wait.
 */

import { QueueFullError } from "../lanes/errors.ts";
import { AbortWatch } from "./abort_watch.ts";
import { type Batch, BatchList } from "./batch.ts";
import { Call, type CallHost } from "./call.ts";
import { checkedTask } from "./checked_task.ts";
import { Deadlines } from "./deadlines.ts";
import type { LanePool } from "./lane_pool.ts";
import { type CheckedOptions, checkOptions, type RunOptions } from "./options.ts";
import { loadsTooLong } from "./places.ts";

const DEFAULTS: CheckedOptions = checkOptions({}, "run");

/** Starts calls, and keeps what they share. */
export class Calls implements CallHost {
  readonly pool: LanePool;
  open = 0;
  onLanes = 0;
  readonly #maxQueued: number;
  readonly #aborts = new AbortWatch();
  /** Those with a deadline, loading, or asked to stop. */
  readonly #watched = new BatchList("runPlace");
  readonly #deadlines: Deadlines;

  /** @param maxQueued How many calls may wait for a slot; Infinity for no limit. */
  constructor(pool: LanePool, maxQueued: number) {
    this.pool = pool;
    this.#maxQueued = maxQueued;
    this.#deadlines = new Deadlines({
      inFlight: this.#watched,
      graceMs: pool.options.graceMs,
      force: (batch) => pool.force(batch),
      loadsTooLong: (batch) => this.#giveUpLoading(batch),
      do: (action) => pool.do(action),
    });
  }

  /** Runs a task on one item; whatever is wrong, its promise rejects. */
  run(given: unknown, item: unknown, options: RunOptions | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const task = checkedTask(given, "run", this.pool.options.remote);
      const checked = options === undefined ? DEFAULTS : checkOptions(options, "run");
      const { signal } = checked;
      if (signal?.aborted) return reject(signal.reason);
      if (this.#isFull) {
        throw new QueueFullError(
          `Cannot run: no slot is free, and as many calls wait as maxQueued allows, which is ` +
            `${this.#maxQueued}`,
        );
      }
      const call = new Call(this, task, item, checked, resolve, reject);
      if (signal !== undefined) this.#aborts.add(signal, call);
      call.start();
    });
  }

  /** Whether one more call would have to wait, and as many wait as may. */
  get #isFull(): boolean {
    const waiting = this.open - this.onLanes;
    return waiting >= this.#maxQueued && waiting >= this.#maxQueued + this.pool.freeSlots;
  }

  watch(batch: Batch): void {
    if (!this.#watched.has(batch)) this.#watched.add(batch);
    const { sentCount, loadTimeoutMs, timeoutMs } = batch;
    this.#deadlines.lookIn(sentCount === 0 ? Math.min(loadTimeoutMs, timeoutMs) : timeoutMs);
  }

  cancel(batch: Batch, reason: unknown): void {
    if (!this.#watched.has(batch)) this.#watched.add(batch);
    this.#deadlines.ask(batch, "cancel", reason);
  }

  leave(batch: Batch): void {
    if (!this.#watched.has(batch)) return;
    this.#watched.delete(batch);
    if (this.#watched.size === 0) this.#deadlines.stop();
  }

  ended(call: Call): void {
    const { signal } = call.options;
    if (signal !== undefined) this.#aborts.delete(signal, call);
  }

  #giveUpLoading(batch: Batch): void {
    const { task, loadTimeoutMs, run } = batch;
    const inSetup = batch.on!.lane.isSettingUp(task);
    this.pool.giveUpLoading(batch);
    run.onUnloadable(batch, loadsTooLong(task, loadTimeoutMs, inSetup));
  }
}
