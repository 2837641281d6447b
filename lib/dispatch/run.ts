/** One `map` or `mapSettled` under way: it sends batches, takes reports, and ends once all items settled. */

import { isThenable } from "../lanes/attempt.ts";
import { CancelledError } from "../lanes/errors.ts";
import type { Death, Report } from "../lanes/lane.ts";
import { asyncContext, inAsyncContext } from "../lanes/async_context.ts";
import { emptyBuffers } from "../lanes/remote/buffers.ts";
import type { Task } from "../lanes/task.ts";
import { beginSpan, type Span } from "../lanes/telemetry.ts";
import { Alarm, clock } from "../lanes/timers.ts";
import type { Batch, BatchSettings, Blame, ForcedEnd } from "./batch.ts";
import { BatchSize } from "./batch_size.ts";
import type { LanePool } from "./lane_pool.ts";
import {
  type CheckedOptions,
  checkedTask,
  checkOptions,
  type Items,
  type MapOptions,
  mayRetry,
  type Progress,
  settingsOf,
} from "./map_options.ts";
import {
  outcomeAt,
  Output,
  type OutputRun,
  type Results,
  type Settled,
  type UnusedResults,
  valueAt,
} from "./output.ts";
import { Queue, type QueueRun } from "./queue.ts";
import { MOST_LOAD_FAILURES, Settler, type Settling } from "./settler.ts";
import { Source, type SourceEvents } from "./source.ts";
import { aborts } from "./aborts.ts";

export interface MapCall {
  /** Named by module and export, or a plain function where lanes are this event loop. */
  readonly task: unknown;
  readonly items: Items<unknown>;
  readonly options: MapOptions<never> | undefined;
  /** Whether the first item that gives no value ends the run. */
  readonly failFast: boolean;
}

/**
 * Prepares a run, which starts when its first result is requested.
 *
 * @throws {RangeError} If an option is out of its range.
 * @throws {TypeError} If `items` can't be iterated, or `task` is not named by module and export.
 */
export function startMap(pool: LanePool, unused: UnusedResults, call: MapCall): Results<unknown> {
  const task = checkedTask(call.task, "map", pool.options.remote);
  const run = new Run(pool, task, checkOptions(call.options), call);
  run.onUsed = unused.watch(run.output, call.failFast ? "map" : "mapSettled");
  return run.output;
}

/**
 * How long after its last task ended, in milliseconds, a run that nobody waits for stops keeping the program
 * alive; it also checks this often whether its signal has aborted.
 */
const REST_MS = 100;

class Run implements QueueRun, OutputRun, Settling, SourceEvents {
  readonly settings: BatchSettings;
  isReady = false;
  bagIndex = -1;
  rests = false;
  readonly context: unknown = asyncContext();
  span: Span | undefined;
  readonly output: Output<unknown>;
  /** Called when the consumer asks for results or leaves: they no longer count as unused. */
  onUsed: () => void = () => {};
  /** Whether nothing depends on exact start times, so that a reused clock reading is enough. */
  readonly #isUntimed: boolean;
  #inFlight = 0;
  readonly #source: Source;
  readonly #size: BatchSize;
  readonly #queue: Queue;
  readonly #settler: Settler;
  readonly #callbacks = new Callbacks(this);
  readonly #ended = Promise.withResolvers<void>();
  /** `stopping` once a stop was requested, `draining` once queued items are dropped. */
  #state: "idle" | "running" | "stopping" | "draining" | "ended" = "idle";
  #stopReason: unknown;
  #failure: { readonly error: unknown } | undefined;
  readonly #left = new CancelledError("The consumer left the loop");
  /** An error from closing the input, or from the input after the run was stopped. */
  #closeFailure: { readonly error: unknown } | undefined;
  /** How many times in a row the task's module failed to load. */
  #loadFailures = 0;
  /** Doesn't keep the program alive: unread results are no reason to go on. */
  readonly #rest = new Alarm(() => this.#lookAtRest(), false);
  #isClosing = false;
  /** Why the run ends if the executor was closed under it: whoever takes its results hasn't asked for that. */
  #closed: { readonly error: unknown } | undefined;

  constructor(
    private readonly pool: LanePool,
    readonly task: Task,
    readonly options: CheckedOptions,
    private readonly call: MapCall,
  ) {
    const { items, failFast } = call;
    const { onProgress, onOutcome, rate, perKey, retries, timeoutMs } = options;
    this.#isUntimed = failFast && timeoutMs === Infinity && retries.limit === 0 &&
      (onProgress ?? onOutcome ?? rate ?? perKey) === undefined;
    this.output = new Output(this, options.order, failFast ? valueAt : outcomeAt);
    this.#size = new BatchSize(options.chunk, pool.options.batches);
    const { mostBytes, giveBackMs } = this.#size;
    const settings = settingsOf(options, pool.options);
    // A caller that sees single outcomes sees their times, so lanes must report each item's own.
    const timed = !failFast || onOutcome !== undefined || retries.retryIf !== mayRetry;
    this.settings = { ...settings, timed, mostBytes, giveBackMs };
    this.#source = new Source(items, this);
    this.#queue = new Queue(this, pool, this.#source, this.#size);
    this.#settler = new Settler(this, pool.options);
  }

  leftOut(firstIndex: number, count: number): void {
    this.#queue.consumed += count;
    this.output.skip(firstIndex, count);
  }

  arrived(): void {
    this.onMore();
    this.mayBeOver();
  }

  inputFailed(error: unknown): void {
    // Set at once, not in `pool.do`: earlier items may all end first, and the run must not end without this.
    this.#failure ??= { error };
    // If the consumer has left meanwhile, `leave` throws the error, as it does one from closing the input.
    if (this.#state !== "running") this.#closeFailure ??= { error };
    this.pool.do(() => this.fail(error));
  }

  onMore(): void {
    this.pool.wake(this);
  }

  mayBeOver(): void {
    this.pool.do(() => this.#endIfDone());
  }

  get mayRetry(): boolean {
    return this.#state === "running";
  }

  retryLater(batch: Batch, waitMs: number, pauseMs: number): void {
    if (pauseMs > 0) this.#queue.pause(batch, pauseMs);
    this.#queue.later(batch, waitMs);
  }

  /** Adds the run to the pool; the output calls this when the first result is requested. */
  start(collecting: boolean): void {
    const { signal, buffer } = this.options;
    this.onUsed();
    this.span = beginSpan("map", this.task, this.context);
    if (collecting && buffer === "auto") this.#queue.unbounded = true;
    this.#state = "running";
    if (signal?.aborted) return void this.stop(signal.reason);
    if (signal !== undefined) aborts.add(signal, this);
    this.pool.do(() => {
      try {
        this.pool.add(this);
      } catch (error) {
        this.fail(error);
      }
      this.#endIfDone();
    });
  }

  awaited(): void {
    if (!this.rests) return;
    this.pool.rest(this, false);
    const { signal } = this.options;
    if (signal?.aborted) void this.stop(signal.reason);
    else if (signal !== undefined) aborts.add(signal, this);
  }

  #lookAtRest(): void {
    if (!this.#isIdle) return;
    this.pool.rest(this, true);
    const { signal } = this.options;
    if (signal === undefined) return;
    // While it has a listener, the timer of an AbortSignal.timeout() keeps the program alive.
    aborts.delete(signal, this);
    if (signal.aborted) void this.stop(signal.reason);
    else this.#rest.within(REST_MS);
  }

  taken(count: number): void {
    this.#queue.consumed += count;
    if (this.#state === "running") this.pool.wake(this);
  }

  async leave(): Promise<void> {
    this.onUsed();
    if (this.#state === "idle") {
      this.#state = "ended";
      this.#ended.resolve();
    } else await this.stop(this.#left);
    // Only the first call throws it.
    const failure = this.#closeFailure;
    this.#closeFailure = undefined;
    if (failure !== undefined) throw failure.error;
  }

  get ahead(): number {
    return this.settings.movesItems || this.#queue.isCounted
      ? 0
      : this.#size.ahead(this.pool.isShared);
  }

  get remaining(): number | undefined {
    return this.#source.remaining;
  }

  get awaitsItems(): boolean {
    return this.#source.isAwaited;
  }

  peek(): { readonly alone: boolean } | undefined {
    return this.#state === "running" ? this.#queue.peek() : undefined;
  }

  now(): number {
    return this.#isUntimed ? this.pool.now() : clock.now();
  }

  take(): Batch | undefined {
    const batch = this.#queue.take();
    if (batch === undefined || this.#state === "running") return batch;
    // The caller's input or key function stopped the run during this pull.
    this.onLeave(batch, NaN);
    this.putBack(batch);
    return undefined;
  }

  putBack(batch: Batch): void {
    // A batch that was on a lane holds that lane's state, so its items go into a new one.
    const again = batch.openLane === undefined ? batch : batch.part(0, batch.items.length);
    if (this.#state === "running") {
      this.#queue.putBack(again);
      this.onMore();
    } else this.#settler.cancel(again, this.#stopReason);
  }

  onLeave(batch: Batch, startedAtMs: number): void {
    if (batch.openLane !== undefined) this.#inFlight--;
    this.#queue.leave(batch, startedAtMs);
  }

  onSend(batch: Batch): void {
    if (this.rests) this.awaited();
    batch.tellsStarts = this.settings.timeoutMs !== Infinity || batch.alone || this.#size.isLong;
    batch.sentAtMs = this.#queue.takenAtMs;
    this.#inFlight++;
  }

  onSent(batch: Batch): void {
    if (!this.pool.staysHere) this.#size.weighItems(batch.sentCount, batch.sentBytes);
    this.#queue.sent(batch);
  }

  onReport(batch: Batch, report: Report): void {
    const base = batch.reported;
    batch.reported += report.count;
    this.#loadFailures = 0;
    if (!this.pool.staysHere) {
      this.#size.learn(report.count, report.endedAtMs - report.startedAtMs);
      this.#size.weighValues(report.count, report.bytes ?? 0);
    }
    if (report.failures !== undefined) this.#settler.report(batch, report, base);
    else {
      // Not by way of the settler, which would cost each item in this event loop 5 % more.
      const { count } = report;
      this.onSettled({
        batch,
        from: base,
        count,
        rejection: undefined,
        isStarted: true,
        report,
        reportFrom: 0,
      });
    }
    if (report.last && batch.reported < batch.items.length) {
      this.putBack(batch.part(batch.reported, batch.items.length));
    }
    this.#onChange();
  }

  onUnloadable(batch: Batch, error: Error, isKnown: boolean): void {
    if (isKnown) this.putBack(batch);
    else {
      for (let offset = 0; offset < batch.items.length; offset++) {
        this.#settler.reject(batch, offset, { ended: "failed", reason: error });
      }
      if (++this.#loadFailures === MOST_LOAD_FAILURES) this.fail(error);
    }
    this.#onChange();
  }

  onLost(batch: Batch, blame: Blame, death: Death): void {
    this.#settler.onLost(batch, blame, death);
    this.#onChange();
  }

  onForced(batch: Batch, end: ForcedEnd): void {
    this.#settler.onForced(batch, end, this.#stopReason);
    this.#onChange();
  }

  #onChange(): void {
    this.#callbacks.tellProgress(this.#source);
    this.pool.wake(this);
    this.#endIfDone();
    if (this.#isIdle) this.#rest.within(REST_MS);
  }

  /** Whether no task of the run is in flight and nobody waits for a result. */
  get #isIdle(): boolean {
    return this.#state === "running" && this.#inFlight === 0 && !this.output.isAwaited;
  }

  onSettled(settled: Settled): void {
    const { batch, from, count, rejection, isStarted } = settled;
    if (this.settings.emptiesItems && isStarted) {
      for (let at = from; at < from + count; at++) emptyBuffers(batch.items[at]);
    }
    if (rejection !== undefined && this.call.failFast) this.fail(rejection.reason);
    else {
      if (rejection !== undefined && rejection.ended !== "cancelled") {
        this.span?.note(rejection.reason);
      }
      this.output.push(settled);
    }
    this.#callbacks.onSettled(settled);
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    void this.stop(error);
  }

  /** Drops queued items, asks running tasks to stop, and resolves when the run has ended. */
  stop(reason: unknown): Promise<void> {
    if (this.#state === "running") {
      // Changed at once, so that nothing more is sent; the rest follows after the pool's current action.
      this.#state = "stopping";
      this.#stopReason = reason;
      this.#source.halt();
      if (this.call.failFast) this.#failure ??= { error: reason };
      this.pool.do(() => this.#stop());
    }
    return this.#state === "idle" ? Promise.resolve() : this.#ended.promise;
  }

  close(reason: unknown): Promise<void> {
    this.#isClosing = true;
    if (this.#state === "ended") this.#source.leaveAfter(this.pool.options.graceMs);
    if (this.#state === "running") this.#closed = { error: reason };
    return this.stop(reason);
  }

  #stop(): void {
    // Waiting batches are taken back first, or a lane would start one in the slot of a task that stops.
    const { inFlight } = this.pool;
    for (const batch of inFlight.batchesOf(this)) inFlight.takeBack(batch);
    // A batch that can't be taken back may wait behind an earlier one, so the latest is asked to stop first.
    for (const batch of inFlight.batchesOf(this).reverse()) {
      inFlight.ask(batch, "cancel", this.#stopReason);
    }
    this.#cancelQueued();
    this.#state = "draining";
    this.#endIfDone();
  }

  #cancelQueued(): void {
    for (const batch of this.#queue.drop()) this.#settler.cancel(batch, this.#stopReason);
  }

  #endIfDone(): void {
    if (this.#inFlight > 0) return;
    const isDone = this.#state === "draining" ||
      (this.#state === "running" && this.#queue.isEmpty && this.#callbacks.unanswered === 0);
    if (isDone) this.#finish();
  }

  #finish(): void {
    this.#state = "ended";
    this.#queue.close();
    this.#rest.stop();
    const { signal } = this.options;
    if (signal !== undefined) aborts.delete(signal, this);
    // Cancelled items come without a report, so `onProgress` may not have been called for the last ones.
    this.#callbacks.tellProgress(this.#source);
    if (this.#source.hasEnded) return this.#end();
    if (this.#isClosing) this.#source.leaveAfter(this.pool.options.graceMs);
    void this.#source.close(this.pool.options.graceMs).catch((error) => {
      this.#closeFailure = { error };
      this.#failure ??= { error };
    }).finally(() =>
      this.pool.do(() => {
        // An item that was on its way from the input when the run was stopped may have arrived meanwhile.
        this.#cancelQueued();
        this.#callbacks.tellProgress(this.#source);
        // Items that were never pulled have no outcomes, so the results must not end as if they were whole.
        if (!this.#source.hasEnded) this.#failure ??= this.#closed;
        this.#end();
      })
    );
  }

  #end(): void {
    this.pool.remove(this);
    // Leaving the loop early doesn't make the span a failed one.
    this.span?.end(this.#failure?.error === this.#left ? undefined : this.#failure);
    this.output.end(this.#failure);
    this.#ended.resolve();
  }
}

/**
 * Calls the caller's functions as items end, `onProgress` and `onOutcome`: their promises are awaited, and their
 * errors fail the run.
 */
export class Callbacks {
  /** How many promises of callbacks are pending. */
  unanswered = 0;
  /** How many items have settled, and how many of them gave no value. */
  #settled = 0;
  #rejected = 0;
  /** How many items had settled when `onProgress` was last called. */
  #toldOf = 0;

  constructor(private readonly run: Pick<Run, "options" | "context" | "mayBeOver" | "fail">) {}

  onSettled(settled: Settled): void {
    this.#settled += settled.count;
    if (settled.rejection !== undefined) this.#rejected += settled.count;
    const { onOutcome } = this.run.options;
    if (onOutcome === undefined) return;
    for (let at = 0; at < settled.count; at++) this.#call(onOutcome, outcomeAt(settled, at));
  }

  /** Calls `onProgress` if more items have settled since its last call. */
  tellProgress({ pulled, total }: Pick<Progress, "pulled" | "total">): void {
    const { onProgress } = this.run.options;
    if (onProgress === undefined || this.#settled === this.#toldOf) return;
    this.#toldOf = this.#settled;
    this.#call(onProgress, { pulled, settled: this.#settled, rejected: this.#rejected, total });
  }

  #call<What>(fn: (what: What) => unknown, what: What): void {
    const { run } = this;
    try {
      const answer = inAsyncContext(run.context, () => fn(what));
      if (!isThenable(answer)) return;
      this.unanswered++;
      Promise.resolve(answer).catch((error) => run.fail(error)).finally(() => {
        if (--this.unanswered === 0) run.mayBeOver();
      });
    } catch (error) {
      run.fail(error);
    }
  }
}
