/**
 * One item, one promise: what a call of `run` is to the lanes.
 *
 * It does for its item what a `Run` does for many, without an input, an order or a consumer; what only
 * an item needs that does not simply give its value is made when it is needed.
 */

import { emptyBuffers } from "../lanes/remote/buffers.ts";
import { asyncContext } from "../lanes/async_context.ts";
import type { BatchProgress, Death, Forced, Report } from "../lanes/lane.ts";
import type { Task } from "../lanes/task.ts";
import { beginSpan, type Span, type SpanPlace } from "../lanes/telemetry.ts";
import { Batch, type BatchSettings, type Blame, type PoolRun, unsent } from "./batch.ts";
import { MOST_TIMER_MS } from "./deadlines.ts";
import type { LanePool } from "./lane_pool.ts";
import type { CheckedOptions } from "./options.ts";
import type { Settled } from "./outcome.ts";
import { Recovery } from "./recovery.ts";
import { Settler } from "./settler.ts";

/** What a call needs of the other calls of its executor. */
export interface CallHost {
  readonly pool: LanePool;
  /** Calls that have not ended. */
  open: number;
  /** Those of them that are with a lane. */
  onLanes: number;
  /** Sees to it that a batch that is with a lane keeps its deadlines. */
  watch(batch: Batch): void;
  /** Asks the task of a batch that is with a lane to stop. */
  cancel(batch: Batch, reason: unknown): void;
  /** A batch is with its lane no more. */
  leave(batch: Batch): void;
  /** A call has ended. */
  ended(call: Call): void;
}

/** What was never sent may share its lane. */
const NEW = { alone: false };

/** One call of `run`. */
export class Call implements PoolRun, BatchSettings {
  readonly task: Task;
  readonly options: CheckedOptions;
  readonly context: unknown = asyncContext();
  isReady = false;
  readonly #host: CallHost;
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
    host: CallHost,
    task: Task,
    item: unknown,
    options: CheckedOptions,
    resolve: (value: unknown) => void,
    reject: (reason: unknown) => void,
  ) {
    this.task = task;
    this.options = options;
    this.#host = host;
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
    return this.options.transfer && this.#host.pool.options.moves;
  }

  get movesItems(): boolean {
    return this.transfer && this.#host.pool.options.slots === 1 && this.options.retries.limit === 0;
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
    const { pool } = this.#host;
    this.#host.open++;
    if (pool.isCrowded) this.#join();
    else pool.do(() => this.#join());
  }

  #join(): void {
    try {
      this.#host.pool.add(this, "run");
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
    if (this.#state === "running") this.#host.pool.wake(this);
    else this.#drop();
  }

  onSend(batch: Batch): void {
    batch.mark = this.timeoutMs !== Infinity || batch.alone;
    batch.sentAtMs = performance.now();
    this.#sent = batch;
    this.#host.onLanes++;
  }

  onSent(batch: Batch): void {
    if (this.#sent !== batch) return; // it never waited, and has ended already
    if (batch.sentCount === 0 || this.timeoutMs !== Infinity) this.#host.watch(batch);
  }

  #leaveLane(): void {
    if (this.#sent === undefined) return;
    this.#host.leave(this.#sent);
    this.#host.onLanes--;
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
      graceMs: this.#host.pool.options.graceMs,
      onQuarantined: this.#host.pool.options.onQuarantined,
      putBack: (batch) => this.putBack(batch),
    });
  }

  #care(): Settler {
    return this.#settler ??= new Settler({
      options: { retries: this.options.retries, onProgress: undefined },
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
    this.#host.pool.remove(this);
    this.#host.open--;
    this.#host.ended(this);
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
    this.#host.pool.do(() => this.#stop());
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
    if (this.#host.pool.recall(batch)) this.putBack(batch);
    else this.#host.cancel(batch, this.#failure!.error);
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
