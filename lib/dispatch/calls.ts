/**
 * The calls of `run` on one executor: started in the order in which they come, with a limit on how many wait.
 *
 * A call does for one item what a `Run` does for many, without an input, an order or a consumer. Objects that
 * are needed only if the task doesn't simply give its value are made only then.
 */

import { asyncContext } from "../lanes/async_context.ts";
import { QueueFullError } from "../lanes/errors.ts";
import type { Death, Report } from "../lanes/lane.ts";
import { emptyBuffers } from "../lanes/remote/buffers.ts";
import { type Task, taskName } from "../lanes/task.ts";
import { beginSpan, type Span } from "../lanes/telemetry.ts";
import { after, clock } from "../lanes/timers.ts";
import {
  Batch,
  type BatchSettings,
  type Blame,
  type ForcedEnd,
  type PoolRun,
  UNSENT,
} from "./batch.ts";
import type { LanePool } from "./lane_pool.ts";
import {
  type CheckedOptions,
  checkedTask,
  checkOptions,
  type RunOptions,
  settingsOf,
} from "./map_options.ts";
import type { Settled } from "./output.ts";
import { MOST_LOAD_FAILURES, Settler, type Settling } from "./settler.ts";
import { aborts } from "./aborts.ts";

const DEFAULTS: CheckedOptions = checkOptions({}, "run");

/** Starts calls and keeps the state that they share. */
export class Calls {
  /** How many calls haven't ended, and how many of those are with a lane. */
  open = 0;
  onLanes = 0;
  readonly usual: BatchSettings;
  /** How many times each task failed to load since it last ran, by the task's name. */
  readonly #loadFailures = new Map<string, number>();

  /** @param maxQueued How many calls may wait for a slot; Infinity for no limit. */
  constructor(readonly pool: LanePool, private readonly maxQueued: number) {
    this.usual = settingsOf(DEFAULTS, pool.options);
  }

  /** Runs a task on one item; every error, of the arguments too, rejects the promise. */
  run(given: unknown, item: unknown, options: RunOptions | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const task = checkedTask(given, "run", this.pool.options.remote);
      const checked = options === undefined ? DEFAULTS : checkOptions(options, "run");
      const { signal } = checked;
      if (signal?.aborted) return reject(signal.reason);
      if (this.#isFull) {
        throw new QueueFullError(
          `Cannot run: no slot is free, and as many calls wait as maxQueued allows, which is ` +
            `${this.maxQueued}`,
        );
      }
      const call = new Call(this, task, item, checked, resolve, reject);
      if (signal !== undefined) aborts.add(signal, call);
      call.start();
    });
  }

  /** Whether one more call would have to wait and `maxQueued` calls wait already. */
  get #isFull(): boolean {
    const waiting = this.open - this.onLanes;
    return waiting >= this.maxQueued && waiting >= this.maxQueued + this.pool.freeSlots;
  }

  /** Counts a failed load and returns whether the call is tried again. */
  mayLoadAgain(task: Task, isKnown: boolean): boolean {
    const name = taskName(task);
    const failures = (this.#loadFailures.get(name) ?? 0) + Number(!isKnown);
    this.#loadFailures.set(name, failures);
    return isKnown && failures < MOST_LOAD_FAILURES;
  }

  loaded(task: Task): void {
    if (this.#loadFailures.size > 0) this.#loadFailures.delete(taskName(task));
  }
}

class Call implements PoolRun, Settling {
  readonly context: unknown = asyncContext();
  readonly settings: BatchSettings;
  readonly span: Span | undefined;
  readonly isCall = true;
  /** Calls aren't sent ahead: another lane might run one sooner. */
  readonly ahead = 0;
  isReady = false;
  bagIndex = -1;
  /** When the call was made, if `retryIf` may see it: reading the clock is much of what a call costs. */
  readonly #queuedAtMs: number;
  /** The batch that waits for a slot, or "new" until it is taken: thousands of calls may wait. */
  #next: Batch | "new" | undefined = "new";
  #sent: Batch | undefined = undefined;
  /** The batch that waits for a retry, and the function that cancels its wait. */
  #delayed: { readonly batch: Batch; readonly forget: () => void } | undefined = undefined;
  /** Why the call is stopped: its promise rejects with this. */
  #failure: { readonly error: unknown } | undefined = undefined;
  #lazySettler: Settler | undefined = undefined;
  #whenEnded: PromiseWithResolvers<void> | undefined = undefined;

  constructor(
    private readonly calls: Calls,
    readonly task: Task,
    private readonly item: unknown,
    readonly options: CheckedOptions,
    private readonly resolve: (value: unknown) => void,
    private readonly reject: (reason: unknown) => void,
  ) {
    this.settings = options === DEFAULTS ? calls.usual : settingsOf(options, calls.pool.options);
    this.span = beginSpan("run", task, this.context);
    this.#queuedAtMs = options.retries.limit > 0 ? clock.now() : NaN;
  }

  get remaining(): number {
    return Number(this.#next !== undefined);
  }

  start(): void {
    const { pool } = this.calls;
    this.calls.open++;
    if (pool.isCrowded) this.#join();
    else pool.do(() => this.#join());
  }

  #join(): void {
    try {
      this.calls.pool.add(this, "run");
    } catch (error) {
      this.fail(error);
    }
  }

  peek(): { readonly alone: boolean } | undefined {
    if (this.#failure !== undefined) return undefined;
    return this.#next === "new" ? UNSENT : this.#next;
  }

  take(): Batch | undefined {
    const next = this.#next;
    this.#next = undefined;
    return next === "new" ? new Batch(this, 0, [this.item], this.#queuedAtMs) : next;
  }

  putBack(batch: Batch): void {
    if (batch.items.length > 0) this.#wait(batch, true);
  }

  /** @param isNext Whether it is sent before the calls that wait, because it was its turn before. */
  #wait(batch: Batch, isNext: boolean): void {
    // A batch that was on a lane holds that lane's state, so its item goes into a new one.
    this.#next = batch.openLane === undefined ? batch : batch.part(0, 1);
    if (this.#failure === undefined) this.calls.pool.wake(this, isNext);
    else this.#drop();
  }

  onSend(batch: Batch): void {
    batch.tellsStarts = this.settings.timeoutMs !== Infinity || batch.alone;
    // The exact start time is used only for a deadline and for `retryIf`.
    const isUntimed = this.settings.timeoutMs === Infinity && this.options.retries.limit === 0;
    batch.sentAtMs = isUntimed ? this.calls.pool.now() : clock.now();
    this.#sent = batch;
    this.calls.onLanes++;
  }

  onLeave(): void {
    if (this.#sent === undefined) return;
    this.calls.onLanes--;
    this.#sent = undefined;
  }

  onReport(batch: Batch, report: Report): void {
    const base = batch.reported;
    batch.reported += report.count;
    this.calls.loaded(this.task);
    if (report.count === 0) {
      if (report.last) this.putBack(batch);
    } else if (report.failures !== undefined) this.#settler.report(batch, report, base);
    else this.#fulfil(report.values?.[0], batch);
  }

  onUnloadable(batch: Batch, error: Error, isKnown: boolean): void {
    if (this.calls.mayLoadAgain(this.task, isKnown)) this.putBack(batch);
    else this.#settler.reject(batch, 0, { ended: "failed", reason: error });
  }

  onLost(batch: Batch, blame: Blame, death: Death): void {
    this.#settler.onLost(batch, blame, death);
  }

  onForced(batch: Batch, end: ForcedEnd): void {
    this.#settler.onForced(batch, end);
  }

  get #settler(): Settler {
    return this.#lazySettler ??= new Settler(this, this.calls.pool.options);
  }

  get mayRetry(): boolean {
    return this.#failure === undefined;
  }

  retryLater(batch: Batch, waitMs: number): void {
    const forget = after(waitMs, () => {
      this.#delayed = undefined;
      this.#wait(batch, false);
    });
    this.#delayed = { batch, forget };
  }

  onSettled({ batch, isStarted, rejection }: Settled): void {
    if (this.settings.emptiesItems && isStarted) emptyBuffers(batch.items[0]);
    const failure = this.#failure ?? { error: rejection!.reason };
    this.#end(failure);
    this.reject(failure.error);
  }

  #fulfil(value: unknown, batch: Batch): void {
    if (this.settings.emptiesItems) emptyBuffers(batch.items[0]);
    this.#end();
    this.resolve(value);
  }

  #end(failure?: { readonly error: unknown }): void {
    this.span?.end(failure);
    this.calls.pool.remove(this);
    this.calls.open--;
    const { signal } = this.options;
    if (signal !== undefined) aborts.delete(signal, this);
    this.#whenEnded?.resolve();
  }

  fail(error: unknown): void {
    this.stop(error);
  }

  /** Drops the call if it waits, or asks its task to stop; its promise settles when that has ended. */
  stop(reason: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error: reason };
    this.calls.pool.do(() => this.#stop());
  }

  close(reason: unknown): Promise<void> {
    this.stop(reason);
    // This isn't the call's own promise: that one may reject, and only the caller handles it.
    this.#whenEnded ??= Promise.withResolvers();
    return this.#whenEnded.promise;
  }

  #stop(): void {
    const batch = this.#sent;
    if (batch === undefined) return this.#drop();
    const { inFlight } = this.calls.pool;
    if (!inFlight.takeBack(batch)) inFlight.ask(batch, "cancel", this.#failure!.error);
  }

  /** Settles a stopped call whose batch waits and never starts. */
  #drop(): void {
    const batch = this.take() ?? this.#delayed?.batch;
    if (batch === undefined) return; // the call has ended
    this.#delayed?.forget();
    this.#delayed = undefined;
    this.#settler.cancel(batch, this.#failure!.error);
  }
}
