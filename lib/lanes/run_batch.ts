/**
 * Runs a batch's items one after another inside a lane. All kinds of lane share this, so that
 * deadlines, cancelling and failures mean the same in every model.
 */

import { httpSigns } from "../tasks/http_signs.ts";
import { asyncContext, enterAsyncContext } from "./async_context.ts";
import { attempt, isThenable, OwnPromise } from "./attempt.ts";
import { CancelledError, TimeoutError } from "./errors.ts";
import type { AskReason, ItemFailure, LaneBatch, LaneSettings, Report } from "./lane.ts";
import { type Given, GIVEN_NOTHING } from "./lane_tasks.ts";
import { type TaskContext, type TaskFunction, titleOf } from "./task.ts";

/**
 * Calls a task so that V8 doesn't inline it into the caller.
 *
 * A task that is called directly in a loop is compiled into the loop, with everything that it calls. Whether
 * that is as fast as the task alone is luck: of twenty runs of a 25 µs task in two threads, seven took 42 or 57
 * µs in one thread or both for the whole run. A call site that has seen several functions isn't inlined (V8's
 * call feedback is then megamorphic), so the task is compiled as it would be in the program's own loop.
 */
export function callApart(fn: TaskFunction, item: unknown, context: TaskContext): unknown {
  return fn(item, context);
}

// V8 records which functions a call site calls only after the caller has run some hundred bytes of code.
const CALLS = 500;
const others: readonly TaskFunction[] = [() => 0, () => 1, () => 2];
// None of these reads its context, and making a signal takes half a millisecond of a lane's start.
const context = {} as TaskContext;
for (let i = 0; i < CALLS; i++) callApart(others[i % others.length]!, undefined, context);

// Bound before any task is loaded, because a module that installs fake timers must not stop this clock.
const now = performance.now.bind(performance);
const { then } = OwnPromise.prototype;

/**
 * Makes a double a small integer if it is whole: a task's loops up to a double would count in doubles and take
 * a third longer.
 */
function asWhole(item: unknown): unknown {
  if (typeof item !== "number") return item;
  const whole = item | 0;
  return whole === item && (whole !== 0 || 1 / item > 0) ? whole : item;
}

export interface RunnableBatch
  extends Pick<LaneBatch, "task" | "firstIndex" | "items" | "attempt"> {
  readonly settings: Pick<LaneSettings, "timeoutMs" | "timed" | "giveBackMs">;
}

export interface LaneRun<B extends RunnableBatch = RunnableBatch> {
  readonly batch: B;
  /** How many of the batch's items have ended; all items before this offset have. */
  readonly offset: number;
  /** The offset of the item that runs, or of the first if several do, counted from the batch's start. */
  readonly current: number;
  /** When the current item started, on this isolate's clock, in milliseconds. */
  readonly sinceMs: number;
  /** Whether an item has started and not ended yet. */
  readonly running: boolean;
  /** How many items run at once. */
  readonly together: number;
  /** The values that the tasks get besides their items, if they are functions. */
  readonly given?: Given;
  start(): void;
  ask(why: AskReason, reason?: unknown): void;
  reportEnded(): void;
}

/** The lane's part in running a batch. */
export interface BatchHost<B extends RunnableBatch> {
  /** Receives the outcomes of the next items. */
  report(run: LaneRun<B>, report: Report): void;
  /** Records which item starts, for the caller's side to see; true if the item must not start. */
  starting?(run: LaneRun<B>): boolean;
  /** Records that the item's task waits, so it can't be what keeps the lane busy. */
  waiting?(run: LaneRun<B>): void;
  /** Returns a result to be sent later, copied if the next task may write to its buffer again. */
  keep?(result: unknown, run: LaneRun<B>): unknown;
  /** Whether the batch was cancelled, read from shared memory so that a loop that never yields sees it. */
  isCancelled?(batch: B): boolean;
}

/** In batches above this size tasks are so short that the clock is read only now and then. */
const SELDOM_TIMED_ITEMS = 1000;
/** There the clock is read once in this many items, a power of two: a reading takes longer than a tiny task. */
const CLOCK_PERIOD = 64;

/** In batches above this size a task takes less time than a call that isn't inlined. */
const SHORTEST_ITEMS = 4000;

export class BatchRun<B extends RunnableBatch = RunnableBatch> implements LaneRun<B> {
  offset = 0;
  sinceMs = 0;
  running = false;
  readonly together = 1;
  readonly #clockMask: number;
  readonly #keep: BatchHost<B>["keep"];
  #asked: AskReason | undefined;
  #cancelReason: unknown;
  #controller: AbortController | undefined;
  #forgotten = false;
  #asyncContext: unknown;
  // Since the last report:
  #from = 0;
  #fromMs = 0;
  #values: unknown[];
  #failures: ItemFailure[] | undefined;
  #times: Float64Array | undefined;

  constructor(
    readonly batch: B,
    private readonly fn: TaskFunction,
    private readonly host: BatchHost<B>,
    readonly given: Given = GIVEN_NOTHING,
  ) {
    const { items: { length: count }, settings: { timed, timeoutMs } } = batch;
    this.#keep = count > 1 ? host.keep : undefined;
    this.#values = new Array(count);
    this.#times = timed && count > 1 ? new Float64Array(2 * count) : undefined;
    const everyItem = timed || timeoutMs !== Infinity || count <= SELDOM_TIMED_ITEMS;
    this.#clockMask = everyItem ? 0 : CLOCK_PERIOD - 1;
  }

  get current(): number {
    return this.offset;
  }

  /** Runs the items until one waits; if none does, everything is reported before this returns. */
  start(nowMs: number = now()): void {
    this.sinceMs = this.#fromMs = nowMs;
    this.#asyncContext = asyncContext();
    this.#loop();
  }

  #loop(): void {
    const { items, settings: { giveBackMs } } = this.batch;
    const fn = this.fn;
    const shortest = items.length > SHORTEST_ITEMS;
    while (this.offset < items.length) {
      if (this.sinceMs - this.#fromMs > giveBackMs && this.offset > this.#from) {
        return this.#finish();
      }
      if (this.#asked === "cancel" || this.host.starting?.(this) === true) return this.#finish();
      this.running = true;
      let value: unknown;
      try {
        const item = shortest ? items[this.offset] : asWhole(items[this.offset]);
        const context = new Context(this);
        // Storage that the item before has set by enterWith() must not reach the next one.
        enterAsyncContext(this.#asyncContext);
        value = shortest ? fn(item, context) : callApart(fn, item, context);
        if (isThenable(value)) {
          // As `await` does, this avoids calling a promise's own `then`, which may call back twice.
          then.call(
            OwnPromise.resolve(value),
            (value) => this.#resume(true, value),
            (error) => this.#resume(false, error),
          );
          this.host.waiting?.(this);
          return;
        }
      } catch (error) {
        this.#end(false, error);
        continue;
      }
      this.#end(true, value);
    }
    this.#finish();
  }

  #resume(fulfilled: boolean, result: unknown): void {
    if (this.#forgotten) return;
    this.#end(fulfilled, result, true);
    this.#loop();
  }

  #end(fulfilled: boolean, result: unknown, waited = false): void {
    const { batch, offset } = this;
    const position = offset - this.#from;
    const startedMs = this.sinceMs;
    if (waited || (offset & this.#clockMask) === 0 || offset === batch.items.length - 1) {
      this.sinceMs = now();
    }
    this.running = false;
    if (this.#times !== undefined) {
      this.#times[2 * position] = startedMs;
      this.#times[2 * position + 1] = this.sinceMs;
    }
    const late = this.#asked === "timeout" || this.sinceMs - startedMs > batch.settings.timeoutMs;
    if (late) {
      // A value after the deadline is late whether or not the task was told to stop in time.
      this.#fail(position, "timed-out", this.#timeoutError(fulfilled ? undefined : result));
    } else if (fulfilled) {
      this.#values[position] = typeof result === "object" && this.#keep !== undefined
        ? this.#keep(result, this)
        : result;
    } else if (this.isCancelled()) {
      this.#fail(position, "cancelled", result);
    } else {
      this.#fail(position, "failed", result);
    }
    if (this.#asked === "timeout") this.#asked = undefined;
    this.#controller = undefined;
    this.offset++;
  }

  #fail(offset: number, ended: ItemFailure["ended"], reason: unknown): void {
    const { retryAfterMs } = httpSigns(reason);
    (this.#failures ??= []).push({ offset, ended, reason, retryAfterMs });
  }

  /** The index that an item's task sees. */
  indexOf(offset: number): number {
    const index = this.batch.firstIndex + offset;
    const { places } = this.given;
    // Items may repeat from the first; each repetition has the same places.
    return places === undefined ? index : places[index % places.length]!;
  }

  /** How messages name the current item. */
  get #item(): string {
    return `Item ${this.indexOf(this.offset)} of ${titleOf(this.batch.task)}`;
  }

  #timeoutError(thrown: unknown): TimeoutError {
    const { timeoutMs } = this.batch.settings;
    const own = thrown === undefined || attempt(() => thrown instanceof TimeoutError, false);
    const text = `${this.#item} was stopped at its deadline of ${timeoutMs} ms`;
    return new TimeoutError(text, own ? undefined : { cause: thrown });
  }

  #take(last: boolean): Report {
    const count = this.offset - this.#from;
    const whole = count === this.batch.items.length;
    const report: Report = {
      count,
      values: whole ? this.#values : this.#values.slice(0, count),
      failures: this.#failures,
      startedAtMs: this.#fromMs,
      endedAtMs: this.sinceMs,
      times: whole ? this.#times : this.#times?.slice(0, 2 * count),
      last,
    };
    this.#from = this.offset;
    this.#fromMs = this.sinceMs;
    this.#failures = undefined;
    return report;
  }

  #finish(): void {
    this.host.report(this, this.#take(true));
  }

  /** Reports the items that have ended so far, while the next one runs. */
  reportEnded(): void {
    if (this.offset === this.#from) return;
    const report = this.#take(false);
    this.#values = new Array(this.batch.items.length - this.offset);
    if (this.#times !== undefined) this.#times = new Float64Array(2 * this.#values.length);
    this.host.report(this, report);
  }

  /** Whether the batch was cancelled; works in a loop that never yields, too. */
  isCancelled(): boolean {
    return this.#asked === "cancel" || (this.host.isCancelled?.(this.batch) ?? false);
  }

  /** Whether the running task must stop, for any reason. */
  isStopping(): boolean {
    if (this.#asked !== undefined || this.isCancelled()) return true;
    const { timeoutMs } = this.batch.settings;
    return timeoutMs !== Infinity && now() - this.sinceMs > timeoutMs;
  }

  /** Asks the running task to stop, and reports at once the items that ended before it. */
  ask(why: AskReason, reason?: unknown): void {
    if (this.#asked !== "cancel") this.#asked = why;
    if (why === "cancel") this.#cancelReason = reason;
    this.#controller?.abort(this.#abortReason());
    if (this.running) this.reportEnded();
  }

  /** Drops a task that can't be stopped: its result is not reported. */
  forget(): void {
    this.#forgotten = true;
  }

  #abortReason(): unknown {
    if (this.#asked === "timeout" || !this.isCancelled()) {
      return new TimeoutError(
        `${this.#item} reached its deadline of ${this.batch.settings.timeoutMs} ms`,
      );
    }
    return this.#cancelReason === undefined
      ? new CancelledError(`${this.#item} was cancelled`)
      : this.#cancelReason;
  }

  /** The running task's signal, made on first use because most tasks never ask for it. */
  signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.isStopping()) this.#controller.abort(this.#abortReason());
    }
    return this.#controller.signal;
  }
}

/** The context of one task. If it is kept longer than the task runs, it never stands for the next task. */
class Context implements TaskContext {
  // All fields are private, so that a copy by `{ ...context }` is empty.
  readonly #run: BatchRun;
  readonly #offset: number;
  #signal: AbortSignal | undefined;
  #cancelled: (() => boolean) | undefined;

  constructor(run: BatchRun) {
    this.#run = run;
    this.#offset = run.offset;
  }

  get index(): number {
    return this.#run.indexOf(this.#offset);
  }

  get attempt(): number {
    return this.#run.batch.attempt;
  }

  get resource(): unknown {
    return this.#run.given.resource;
  }

  get shared(): unknown {
    return this.#run.given.shared;
  }

  get signal(): AbortSignal {
    // A context kept beyond its task must not follow the next task's signal.
    return this.#signal ??= this.#isCurrent() ? this.#run.signal() : AbortSignal.abort();
  }

  /** Returns a function that needs no `this`, because a task may destructure its context. */
  get cancelled(): () => boolean {
    return this.#cancelled ??= () => !this.#isCurrent() || this.#run.isStopping();
  }

  #isCurrent(): boolean {
    return this.#run.running && this.#run.offset === this.#offset;
  }
}
