/**
 * Runs a batch's items one after another inside a lane. All kinds of lane share this, so that
 * deadlines, cancelling and failures mean the same in every model.
 */

import { httpSigns } from "../tasks/http_signs.ts";
import { asyncContext, enterAsyncContext } from "./async_context.ts";
import { attempt, isThenable, OwnPromise } from "./attempt.ts";
import { CancelledError, TimeoutError } from "./errors.ts";
import type { AskReason, ItemFailure, LaneBatch, LaneSettings, Report } from "./lane.ts";
import { type Given, NOTHING } from "./lane_tasks.ts";
import { type TaskContext, type TaskFunction, titleOf } from "./task.ts";

/**
 * Calls a task whose code stays apart from the caller's.
 *
 * Called directly in a loop, a task is compiled into the loop, with all that it calls itself. Whether
 * that comes out as fast as the task alone is luck: of twenty runs of a 25 µs task in two threads, seven
 * took 42 or 57 µs in one thread or both for the whole run. A call site that has seen several functions
 * isn't inlined (V8's call feedback is then megamorphic), so the task is compiled as it would be in the
 * program's own loop.
 */
export function callApart(fn: TaskFunction, item: unknown, context: TaskContext): unknown {
  return fn(item, context);
}

// V8 begins to note what a call site sees only after some hundred bytes of code.
const CALLS = 500;
const others: readonly TaskFunction[] = [() => 0, () => 1, () => 2];
// None of these looks at its context, and to make a signal takes half a millisecond of a lane's start.
const context = {} as TaskContext;
for (let i = 0; i < CALLS; i++) callApart(others[i % others.length]!, undefined, context);

// Taken before any task is loaded: a module that sets up fake timers must not stop our clock.
const now = performance.now.bind(performance);
const { then } = OwnPromise.prototype;

/**
 * A number that came as a double is made whole if it is: a task's loops up to it count in doubles else,
 * and take a third longer.
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

/** A batch under way, as its lane sees it. */
export interface LaneRun<B extends RunnableBatch = RunnableBatch> {
  readonly batch: B;
  /** How many of its items have ended, without a gap. */
  readonly offset: number;
  /** The item that runs, or the first of those that do, counted from the batch's start. */
  readonly current: number;
  /** When it started, on this isolate's clock. */
  readonly sinceMs: number;
  /** Whether it has been started and has not ended yet. */
  readonly running: boolean;
  /** How many items run at once. */
  readonly together: number;
  /** What its tasks are given besides their items, where they are functions. */
  readonly given?: Given;
  /** Whether code of the task's module is being called just now, where that is known. */
  readonly isCalling?: boolean;
  start(): void;
  ask(why: AskReason, reason?: unknown): void;
  /** Reports what has ended so far, while the next item runs. */
  reportEnded(): void;
}

/** What the lane does for a batch that runs on it. */
export interface BatchHost<B extends RunnableBatch> {
  /** Takes what became of the next items. */
  report(run: LaneRun<B>, report: Report): void;
  /** Notes which item starts, for whoever watches the lane from outside; true if it is not to. */
  starting?(run: LaneRun<B>): boolean;
  /** Notes that the item's task waits, so that it can't be what keeps the lane busy. */
  waiting?(run: LaneRun<B>): void;
  /** A result as it is to be sent later, though the next task may write to its buffer again. */
  keep?(result: unknown, run: LaneRun<B>): unknown;
  /** Whether the batch was cancelled, for a loop that never yields: read from shared memory. */
  isCancelled?(batch: B): boolean;
}

/** Above this many items a batch's tasks are so short that the clock is read only now and then. */
const SELDOM_TIMED_ITEMS = 1000;
/** After so many of them, a power of two: to read it takes longer than a tiny task. */
const CLOCK_PERIOD = 64;

/** Above this many, a task is over sooner than a call that isn't compiled together with it. */
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
    /** What its tasks are given besides their items. */
    readonly given: Given = NOTHING,
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

  /** Unless an item waits, all is reported before this returns. */
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
        // What the one before has put into its storage by enterWith() isn't there for the next.
        enterAsyncContext(this.#asyncContext);
        value = shortest ? fn(item, context) : callApart(fn, item, context);
        if (isThenable(value)) {
          // As await does it: a promise's own `then` isn't called, which may call back twice.
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
      // A value that comes after the deadline is late whether or not the task was told in time.
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

  /** What the task of an item is told as its place. */
  indexOf(offset: number): number {
    const index = this.batch.firstIndex + offset;
    const { places } = this.given;
    // Items that begin anew are in the same places again.
    return places === undefined ? index : places[index % places.length]!;
  }

  /** The one that runs, in messages. */
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

  /** Reports what has ended so far, while the next item runs. */
  reportEnded(): void {
    if (this.offset === this.#from) return;
    const report = this.#take(false);
    this.#values = new Array(this.batch.items.length - this.offset);
    if (this.#times !== undefined) this.#times = new Float64Array(2 * this.#values.length);
    this.host.report(this, report);
  }

  /** Whether the batch is to be given up; true also in a loop that never yields. */
  isCancelled(): boolean {
    return this.#asked === "cancel" || (this.host.isCancelled?.(this.batch) ?? false);
  }

  /** Whether the running task is to stop, for whichever reason. */
  isStopping(): boolean {
    if (this.#asked !== undefined || this.isCancelled()) return true;
    const { timeoutMs } = this.batch.settings;
    return timeoutMs !== Infinity && now() - this.sinceMs > timeoutMs;
  }

  /** Asks the running task to stop; what ended before it is reported at once. */
  ask(why: AskReason, reason?: unknown): void {
    if (this.#asked !== "cancel") this.#asked = why;
    if (why === "cancel") this.#cancelReason = reason;
    this.#controller?.abort(this.#abortReason());
    if (this.running) this.reportEnded();
  }

  /** Lets go of a task that can't be stopped: whatever it gives is not reported. */
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

  /** The signal of the running task, made when it is first asked for: most tasks never do. */
  signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.isStopping()) this.#controller.abort(this.#abortReason());
    }
    return this.#controller.signal;
  }
}

/** The context of one task; it speaks of that task only, however long it is kept. */
class Context implements TaskContext {
  // Private, all of them: it may be copied, and is to have nothing of its own then.
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
    // A context kept beyond its task must not watch over the next one.
    return this.#signal ??= this.#isCurrent() ? this.#run.signal() : AbortSignal.abort();
  }

  /** A function that needs no `this`, for a task may take its context apart. */
  get cancelled(): () => boolean {
    return this.#cancelled ??= () => !this.#isCurrent() || this.#run.isStopping();
  }

  #isCurrent(): boolean {
    return this.#run.running && this.#run.offset === this.#offset;
  }
}
