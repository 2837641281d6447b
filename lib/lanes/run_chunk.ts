/**
 * Runs a chunk's items one after another inside a lane. All kinds of lane share this, so that
 * deadlines, cancelling and failures mean the same in every model.
 *
 * @module
 */

import { callApart } from "./call_apart.ts";
import { Context } from "./context.ts";
import { CancelledError, TimeoutError } from "./errors.ts";
import type { AskReason, Chunk, Failure, Report } from "./lane.ts";
import type { TaskFunction } from "./task.ts";

/** What the lane does for a chunk that runs on it. */
export interface ChunkHost {
  /** Takes what became of the next items. */
  report(run: ChunkRun, report: Report): void;
  /** Notes which item starts, for whoever watches the lane from outside. */
  starting?(run: ChunkRun): void;
  /** Whether the chunk was cancelled, for a loop that never yields: read from shared memory. */
  isCancelled?(chunkId: number): boolean;
}

/** Above this many items a chunk's tasks are so short that the clock is read only now and then. */
const SELDOM_TIMED_ITEMS = 1000;

/** Above this many, a task is over sooner than a call that isn't compiled together with it. */
const SHORTEST_ITEMS = 4000;

/** One chunk under way. */
export class ChunkRun {
  /** The item that runs, counted from the chunk's start. */
  offset = 0;
  /** When it started, on this isolate's clock. */
  sinceMs = 0;
  /** Whether its function has been called and has not ended yet. */
  running = false;
  /** The items and how to run them. */
  readonly chunk: Chunk;
  readonly #fn: TaskFunction;
  readonly #host: ChunkHost;
  readonly #clockPeriod: number;
  #asked: AskReason | undefined;
  #controller: AbortController | undefined;
  #forgotten = false;
  // Since the last report:
  #from = 0;
  #fromMs = 0;
  #values: unknown[];
  #failures: Failure[] | undefined;
  #times: Float64Array | undefined;

  /**
   * Runs nothing yet.
   *
   * @param chunk The items and how to run them.
   * @param fn The task's function.
   * @param host Told of starts and ends.
   */
  constructor(chunk: Chunk, fn: TaskFunction, host: ChunkHost) {
    this.chunk = chunk;
    this.#fn = fn;
    this.#host = host;
    const count = chunk.items.length;
    this.#values = new Array(count);
    this.#times = chunk.timed && count > 1 ? new Float64Array(2 * count) : undefined;
    const everyItem = chunk.timed || chunk.timeoutMs !== Infinity || count <= SELDOM_TIMED_ITEMS;
    this.#clockPeriod = everyItem ? 1 : 16;
  }

  /**
   * Runs all items; the host's `report` is called before this returns if none of them waits.
   *
   * @param nowMs The time, if the caller has just read the clock.
   */
  start(nowMs: number = performance.now()): void {
    this.sinceMs = this.#fromMs = nowMs;
    this.#loop();
  }

  #loop(): void {
    const { items, giveBackMs } = this.chunk;
    const fn = this.#fn;
    const shortest = items.length > SHORTEST_ITEMS;
    while (this.offset < items.length) {
      if (this.isCancelled()) return this.#finish();
      if (this.sinceMs - this.#fromMs > giveBackMs && this.offset > this.#from) {
        return this.#finish();
      }
      this.running = true;
      this.#host.starting?.(this);
      let value: unknown;
      try {
        const item = items[this.offset];
        const context = new Context(this);
        value = shortest ? fn(item, context) : callApart(fn, item, context);
        if (isThenable(value)) {
          const promise = value instanceof Promise ? value : Promise.resolve(value);
          promise.then((value) => this.#resume(true, value), (error) => this.#resume(false, error));
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
    const { chunk, offset } = this;
    const position = offset - this.#from;
    const startedMs = this.sinceMs;
    if (waited || offset % this.#clockPeriod === 0 || offset === chunk.items.length - 1) {
      this.sinceMs = performance.now();
    }
    this.running = false;
    if (this.#times !== undefined) {
      this.#times[2 * position] = startedMs;
      this.#times[2 * position + 1] = this.sinceMs;
    }
    const late = this.#asked === "timeout" || this.sinceMs - startedMs > chunk.timeoutMs;
    if (late) {
      // A value that comes after the deadline is late whether or not the task was told in time.
      this.#fail(position, "timed-out", this.#timeoutError(fulfilled ? undefined : result));
    } else if (fulfilled) {
      this.#values[position] = result;
    } else if (this.isCancelled()) {
      this.#fail(position, "cancelled", result);
    } else {
      this.#fail(position, "failed", result);
    }
    if (this.#asked === "timeout") this.#asked = undefined;
    this.#controller = undefined;
    this.offset++;
  }

  #fail(offset: number, ended: Failure["ended"], reason: unknown): void {
    (this.#failures ??= []).push({ offset, ended, reason });
  }

  #timeoutError(thrown: unknown): TimeoutError {
    const { firstIndex, timeoutMs } = this.chunk;
    const own = thrown === undefined || thrown instanceof TimeoutError;
    return new TimeoutError(
      `Task of item ${firstIndex + this.offset} was stopped at its deadline of ${timeoutMs} ms`,
      own ? undefined : { cause: thrown },
    );
  }

  #take(then: Report["then"]): Report {
    const count = this.offset - this.#from;
    const whole = count === this.chunk.items.length;
    const report: Report = {
      count,
      values: whole ? this.#values : this.#values.slice(0, count),
      failures: this.#failures,
      startedAtMs: this.#fromMs,
      endedAtMs: this.sinceMs,
      times: whole ? this.#times : this.#times?.slice(0, 2 * count),
      then,
    };
    this.#from = this.offset;
    this.#fromMs = this.sinceMs;
    this.#failures = undefined;
    return report;
  }

  #finish(): void {
    this.#host.report(this, this.#take("end"));
  }

  /** Whether the chunk is to be given up; true also in a loop that never yields. */
  isCancelled(): boolean {
    return this.#asked === "cancel" || (this.#host.isCancelled?.(this.chunk.id) ?? false);
  }

  /** Whether the running task is to stop, for whichever reason. */
  isStopping(): boolean {
    if (this.#asked !== undefined || this.isCancelled()) return true;
    const { timeoutMs } = this.chunk;
    return timeoutMs !== Infinity && performance.now() - this.sinceMs > timeoutMs;
  }

  /** Asks the running task to stop; what ended before it is reported at once. */
  ask(why: AskReason): void {
    if (this.#asked !== "cancel") this.#asked = why;
    this.#controller?.abort(this.#abortReason());
    if (this.running && this.offset > this.#from) {
      const report = this.#take("more");
      this.#values = new Array(this.chunk.items.length - this.offset);
      if (this.#times !== undefined) this.#times = new Float64Array(2 * this.#values.length);
      this.#host.report(this, report);
    }
  }

  /** Lets go of a task that can't be stopped: whatever it gives is not reported. */
  forget(): void {
    this.#forgotten = true;
  }

  #abortReason(): Error {
    const index = this.chunk.firstIndex + this.offset;
    return this.#asked === "timeout" || !this.isCancelled()
      ? new TimeoutError(`Task of item ${index} reached its deadline of ${this.chunk.timeoutMs} ms`)
      : new CancelledError(`Task of item ${index} was cancelled`);
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

/** Whether `await` would wait for it; throws what a getter `then` throws. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" && typeof value !== "function") return false;
  return typeof (value as { then?: unknown } | null)?.then === "function";
}
