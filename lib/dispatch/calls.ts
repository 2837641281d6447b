/**
 * The calls of `run` on one executor: in the order in which they come, and no more than may wait.
 *
 * A call does for its item what a `Run` does for many, without an input, an order or a consumer; what
 * only an item needs that does not simply give its value is made when it is needed.
 */

import { emptyBuffers } from "../lanes/remote/buffers.ts";
import { asyncContext } from "../lanes/async_context.ts";
import { QueueFullError } from "../lanes/errors.ts";
import type { BatchProgress, Death, Forced, Report } from "../lanes/lane.ts";
import type { Task } from "../lanes/task.ts";
import { beginSpan, type Span, type SpanPlace } from "../lanes/telemetry.ts";
import { AbortWatch } from "./abort_watch.ts";
import { Batch, BatchList, type BatchSettings, type Blame, type PoolRun, unsent } from "./batch.ts";
import { checkedTask } from "./checked_task.ts";
import { Deadlines, MOST_TIMER_MS } from "./deadlines.ts";
import type { LanePool } from "./lane_pool.ts";
import { type CheckedOptions, checkOptions, type RunOptions } from "./options.ts";
import type { Settled } from "./outcome.ts";
import { Recovery } from "./recovery.ts";
import { Settler } from "./settler.ts";

const DEFAULTS: CheckedOptions = checkOptions({}, "run");

/** Starts calls, and keeps what they share. */
export class Calls {
  readonly pool: LanePool;
  /** Calls that have not ended, and those of them that are with a lane. */
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
    this.#deadlines = new Deadlines(pool, this.#watched);
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

  /** Sees to it that a batch that is with a lane keeps its deadlines. */
  watch(batch: Batch): void {
    if (!this.#watched.has(batch)) this.#watched.add(batch);
    const { sentCount, loadTimeoutMs, timeoutMs } = batch;
    this.#deadlines.lookIn(sentCount === 0 ? Math.min(loadTimeoutMs, timeoutMs) : timeoutMs);
  }

  /** Asks the task of a batch that is with a lane to stop. */
  cancel(batch: Batch, reason: unknown): void {
    if (!this.#watched.has(batch)) this.#watched.add(batch);
    this.#deadlines.ask(batch, "cancel", reason);
  }

  /** A batch is with its lane no more. */
  leave(batch: Batch): void {
    if (!this.#watched.has(batch)) return;
    this.#watched.delete(batch);
    if (this.#watched.size === 0) this.#deadlines.stop();
  }

  ended(call: Call): void {
    const { signal } = call.options;
    if (signal !== undefined) this.#aborts.delete(signal, call);
  }
}

/** What was never sent may share its lane. */
const NEW = { alone: false };

/** One call of `run`. */
class Call implements PoolRun, BatchSettings {
  readonly task: Task;
  readonly options: CheckedOptions;
  readonly context: unknown = asyncContext();
  isReady = false;
  readonly #calls: Calls;
  readonly #item: unknown;
  /** When it was made, if that is ever told: reading the clock is a good part of what a call costs. */
  readonly #queuedAtMs: number;
  readonly #span: Span | undefined;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (reason: unknown) => void;
  /** What waits for a slot; a batch is made when its time has come, for thousands may wait. */
  #next: Batch | "new" | undefined = "new";
  /** What is with a lane. */
  #sent: Batch | undefined = undefined;
  /** What waits for its next try. */
  #delayed: { readonly timer: ReturnType<typeof setTimeout>; readonly batch: Batch } | undefined =
    undefined;
  #state: "running" | "stopping" | "ended" = "running";
  /** Why it is stopped: what its promise rejects with. */
  #failure: { readonly error: unknown } | undefined = undefined;
  #settler: Settler | undefined = undefined;
  #recovery: Recovery | undefined = undefined;
  #whenEnded: PromiseWithResolvers<void> | undefined = undefined;

  constructor(
    calls: Calls,
    task: Task,
    item: unknown,
    options: CheckedOptions,
    resolve: (value: unknown) => void,
    reject: (reason: unknown) => void,
  ) {
    this.task = task;
    this.options = options;
    this.#calls = calls;
    this.#item = item;
    this.#span = beginSpan("run", task);
    this.#resolve = resolve;
    this.#reject = reject;
    this.#queuedAtMs = options.retries.limit > 0 ? performance.now() : NaN;
  }

  get isCall(): boolean {
    return true;
  }

  get run(): this {
    return this;
  }

  get timeoutMs(): number {
    return this.options.timeoutMs;
  }

  get loadTimeoutMs(): number {
    return this.options.loadTimeoutMs;
  }

  get transfer(): boolean {
    return this.options.transfer && this.#calls.pool.options.moves;
  }

  get movesItems(): boolean {
    return this.transfer && this.#calls.pool.options.slots === 1 &&
      this.options.retries.limit === 0;
  }

  get span(): SpanPlace | undefined {
    return this.#span?.place;
  }

  get timed(): boolean {
    return false;
  }

  get mostBytes(): number {
    return Infinity;
  }

  /** A call that waits on a lane might be done by another one sooner. */
  get ahead(): number {
    return 0;
  }

  get remaining(): number {
    return Number(this.#next !== undefined);
  }

  /** Joins the pool. */
  start(): void {
    const { pool } = this.#calls;
    this.#calls.open++;
    if (pool.isCrowded) this.#join();
    else pool.do(() => this.#join());
  }

  #join(): void {
    try {
      this.#calls.pool.add(this, "run");
    } catch (error) {
      this.fail(error);
    }
  }

  peek(): { readonly alone: boolean } | undefined {
    if (this.#state !== "running") return undefined;
    return this.#next === "new" ? NEW : this.#next;
  }

  take(): Batch | undefined {
    const next = this.#next;
    this.#next = undefined;
    return next === "new" ? new Batch(this, 0, [this.#item], unsent(this.#queuedAtMs)) : next;
  }

  putBack(batch: Batch): void {
    if (batch.items.length === 0) return;
    this.#leaveLane();
    // What was sent before has a history on its lane.
    this.#next = batch.on === undefined ? batch : batch.part(0, 1);
    if (this.#state === "running") this.#calls.pool.wake(this);
    else this.#drop();
  }

  onSend(batch: Batch): void {
    batch.mark = this.timeoutMs !== Infinity || batch.alone;
    batch.sentAtMs = performance.now();
    this.#sent = batch;
    this.#calls.onLanes++;
  }

  onSent(batch: Batch): void {
    if (this.#sent !== batch) return; // it never waited, and has ended already
    if (batch.sentCount === 0 || this.timeoutMs !== Infinity) this.#calls.watch(batch);
  }

  #leaveLane(): void {
    if (this.#sent === undefined) return;
    this.#calls.leave(this.#sent);
    this.#calls.onLanes--;
    this.#sent = undefined;
  }

  onReport(batch: Batch, report: Report): void {
    const base = batch.reported;
    batch.reported += report.count;
    if (report.last) this.#leaveLane();
    if (report.count === 0) {
      if (report.last) this.putBack(batch);
    } else if (report.failures !== undefined) this.#care().report(batch, report, base);
    else this.#fulfil(report.values?.[0], batch);
  }

  onUnloadable(batch: Batch, error: Error): void {
    this.#leaveLane();
    this.#care().reject(batch, 0, "failed", error);
  }

  onLost(batch: Batch, blame: Blame, death: Death): void {
    this.#leaveLane();
    this.#recover().onLost(batch, blame, death);
  }

  onForced(
    batch: Batch,
    forced: Forced,
    hadOthers: boolean,
    at: BatchProgress = batch.on!.lane.progress(batch),
  ): void {
    this.#leaveLane();
    this.#recover().onForced(batch, at, forced, hadOthers);
  }

  #recover(): Recovery {
    return this.#recovery ??= new Recovery({
      settler: this.#care(),
      rerun: this.options.rerun,
      graceMs: this.#calls.pool.options.graceMs,
      onQuarantined: this.#calls.pool.options.onQuarantined,
      putBack: (batch) => this.putBack(batch),
    });
  }

  #care(): Settler {
    return this.#settler ??= new Settler({
      options: { retries: this.options.retries, onProgress: undefined, onOutcome: undefined },
      mayRetry: () => this.#state === "running",
      retryLater: (batch, waitMs) => this.#later(batch, waitMs),
      onSettled: (settled, batch) => this.#onSettled(settled, batch),
      onError: (error) => this.fail(error),
      onAnswered: () => {},
    });
  }

  #later(batch: Batch, waitMs: number): void {
    const timer = setTimeout(() => {
      this.#delayed = undefined;
      if (waitMs > MOST_TIMER_MS) this.#later(batch, waitMs - MOST_TIMER_MS);
      else this.putBack(batch);
    }, Math.min(waitMs, MOST_TIMER_MS));
    this.#delayed = { timer, batch };
  }

  #onSettled({ lane, rejection }: Settled, batch: Batch): void {
    if (this.transfer && lane >= 0) emptyBuffers(batch.items[0]);
    const failure = this.#failure ?? { error: rejection!.reason };
    this.#end(failure);
    this.#reject(failure.error);
  }

  #fulfil(value: unknown, batch: Batch): void {
    if (this.transfer) emptyBuffers(batch.items[0]);
    this.#end();
    this.#resolve(value);
  }

  #end(failure?: { readonly error: unknown }): void {
    this.#state = "ended";
    this.#span?.end(failure);
    this.#calls.pool.remove(this);
    this.#calls.open--;
    this.#calls.ended(this);
    this.#whenEnded?.resolve();
  }

  fail(error: unknown): void {
    this.stop(error);
  }

  /** Drops it if it waits, or asks its task to stop; its promise settles when nothing of it goes on. */
  stop(reason: unknown): void {
    if (this.#state !== "running") return;
    this.#state = "stopping";
    this.#failure = { error: reason };
    this.#calls.pool.do(() => this.#stop());
  }

  close(reason: unknown): Promise<void> {
    this.stop(reason);
    if (this.#state === "ended") return Promise.resolve();
    // Not its own promise, for nobody has to look at that but the caller.
    this.#whenEnded ??= Promise.withResolvers();
    return this.#whenEnded.promise;
  }

  #stop(): void {
    const batch = this.#sent;
    if (batch === undefined) return this.#drop();
    if (this.#calls.pool.recall(batch)) this.putBack(batch);
    else this.#calls.cancel(batch, this.#failure!.error);
  }

  /** It is stopped, and what of it waits never starts. */
  #drop(): void {
    const batch = this.take() ?? this.#delayed?.batch;
    if (batch === undefined) return; // it has ended
    clearTimeout(this.#delayed?.timer);
    this.#delayed = undefined;
    this.#care().cancel(batch, this.#failure!.error);
  }
}
