/**
 * Settles items: turns what lanes report into results for the consumer, or has an item tried again.
 */

import { CancelledError, RetryAfterError } from "../lanes/errors.ts";
import type { Report } from "../lanes/lane.ts";
import type { Batch, History } from "./batch.ts";
import {
  type CheckedOptions,
  isTime,
  type Progress,
  type RetryIn,
  type RetryOptions,
  shown,
} from "./options.ts";
import { type Ending, outcomeAt, type Rejected, type Settled } from "./output.ts";

/** A task that killed so many lanes is quarantined: it is not tried again. */
export const MOST_KILLS = 2;

/** The run or call whose items are settled. */
export interface Settling {
  readonly options: Pick<CheckedOptions, "retries" | "onProgress" | "onOutcome">;
  /** Whether items may still be tried again. */
  readonly mayRetry: boolean;
  /** Has an item tried again after a wait; its key, or the run, starts nothing for `pauseMs`. */
  retryLater(batch: Batch, waitMs: number, pauseMs: number): void;
  /** Items have ended for good. */
  onSettled(settled: Settled, batch: Batch): void;
  /** Functions of the caller's that were waited for have all answered. */
  mayBeOver(): void;
  /** A function of the caller's threw. */
  fail(error: unknown): void;
}

/** How an item ended without a report of its lane, and what is to be different at the next try. */
interface Rejecting extends History {
  readonly started: boolean;
  /** When it was started; NaN if that isn't known. */
  readonly sinceMs: number;
}

type Rejection = NonNullable<Settled["rejection"]>;

/** Settles each of a run's items exactly once. */
export class Settler {
  /** How many items have ended for good, in whichever way. */
  settled = 0;
  /** Of these, the ones that gave no value. */
  rejected = 0;
  /** How many calls of an async `onProgress` have not answered yet. */
  unanswered = 0;

  constructor(private readonly run: Settling) {}

  /** Settles the next items of a batch, of which so many had been reported before. */
  report(batch: Batch, report: Report, base: number): void {
    let from = 0;
    for (const { offset, ended, reason, retryAfterMs } of report.failures ?? []) {
      this.#fulfil(batch, report, base, from, offset);
      const rejection = { ended, reason };
      const final = report.unsent
        ? rejection
        : this.#retry(batch, base + offset, rejection, retryAfterMs);
      if (final !== undefined) this.#settleReported(batch, report, base, offset, 1, final);
      from = offset + 1;
    }
    this.#fulfil(batch, report, base, from, report.count);
  }

  #fulfil(batch: Batch, report: Report, base: number, from: number, to: number): void {
    if (to > from) this.#settleReported(batch, report, base, from, to - from, undefined);
  }

  #settleReported(
    batch: Batch,
    { values, startedAtMs, endedAtMs, times, unsent }: Report,
    base: number,
    from: number,
    count: number,
    rejection: Rejection | undefined,
  ): void {
    const settled = settledOf(batch, base + from, count, rejection, unsent);
    const whole = values === undefined || (from === 0 && values.length === count);
    settled.values = whole ? values : Array.prototype.slice.call(values, from, from + count);
    settled.startedAtMs = startedAtMs;
    settled.endedAtMs = endedAtMs;
    settled.times = times;
    settled.timesFrom = from;
    this.#settle(settled, batch);
  }

  /** An item ended without a report of its lane: it is tried again, if that is allowed, else settled. */
  reject(
    batch: Batch,
    offset: number,
    ended: Ending,
    reason: unknown,
    { started = true, sinceMs = NaN, ...changes }: Partial<Rejecting> = {},
  ): void {
    const final = this.#retry(batch, offset, { ended, reason }, 0, !started, changes);
    if (final === undefined) return;
    const settled = settledOf(batch, offset, 1, final, !started);
    settled.startedAtMs = sinceMs;
    this.#settle(settled, batch);
  }

  /** Settles items that were never started, or not again, because the run was cancelled. */
  cancel(batch: Batch, cause: unknown): void {
    const { firstIndex, items } = batch;
    if (items.length === 0) return;
    const which = items.length === 1
      ? `Item ${firstIndex} was`
      : `Items from ${firstIndex} on were`;
    const reason = new CancelledError(`${which} cancelled`, { cause });
    this.#settle(settledOf(batch, 0, items.length, { ended: "cancelled", reason }, true), batch);
  }

  /** Has an item tried again; if that isn't to be, returns how it ended. */
  #retry(
    batch: Batch,
    offset: number,
    rejection: Rejection,
    askedMs = 0,
    unstarted = false,
    changes: Partial<History> = {},
  ): Rejection | undefined {
    const { run } = this;
    const { retries } = run.options;
    const { attempt, reruns } = batch.history;
    if (attempt - reruns > retries.limit || !run.mayRetry) return rejection;
    if ((changes.kills ?? 0) >= MOST_KILLS) return rejection;
    const rejected = outcomeAt(settledOf(batch, offset, 1, rejection, unstarted), 0) as Rejected;
    const allowed = this.#allows(rejected);
    if (!allowed) return rejection;
    // A try that never started is a try, but no attempt.
    const next = unstarted ? { reruns: reruns - 1 } : { attempt: attempt + 1 };
    const again = batch.part(offset, offset + 1, { ...changes, ...next });
    if (allowed !== true) {
      run.retryLater(again, allowed.afterMs, allowed.pauseMs ?? 0);
      return undefined;
    }
    const { ended, reason } = rejection;
    const tooLong = asksTooLong(batch.firstIndex + offset, retries, askedMs, reason);
    if (tooLong !== undefined) return { ended, reason: tooLong };
    // A server that says when to come back needs no doubling waits on top of that.
    const failures = askedMs > 0 ? 1 : attempt - reruns;
    run.retryLater(again, askedMs + backoffMs(failures, retries), askedMs);
    return undefined;
  }

  /** Asks the caller. */
  #allows(rejected: Rejected): boolean | RetryIn {
    const { run } = this;
    try {
      const allowed: unknown = run.options.retries.retryIf(rejected);
      if (allowed instanceof Promise) {
        allowed.then(undefined, (error) => run.fail(error));
        throw new TypeError("Cannot try again: retries.retryIf must return true or false at once");
      }
      // The caller may have stopped the run while it was asked.
      if (!allowed || !run.mayRetry) return false;
      if (typeof allowed !== "object") return true;
      const { afterMs, pauseMs = 0 } = allowed as RetryIn;
      for (const [name, ms] of Object.entries({ afterMs, pauseMs })) {
        if (isTime(ms)) continue;
        throw new TypeError(
          `Cannot try again: ${name} must be a number of milliseconds from 0, but is ${shown(ms)}`,
        );
      }
      return allowed as RetryIn;
    } catch (error) {
      run.fail(error);
      return false;
    }
  }

  /** Tells the caller how the run stands. */
  tellProgress({ pulled, total }: Pick<Progress, "pulled" | "total">): void {
    const { settled, rejected, run } = this;
    try {
      const told: unknown = run.options.onProgress?.({ pulled, settled, rejected, total });
      if (!(told instanceof Promise)) return;
      this.unanswered++;
      told.catch((error) => run.fail(error)).finally(() => {
        if (--this.unanswered === 0) run.mayBeOver();
      });
    } catch (error) {
      run.fail(error);
    }
  }

  #settle(settled: Settled, batch: Batch): void {
    this.settled += settled.count;
    if (settled.rejection !== undefined) this.rejected += settled.count;
    this.run.onSettled(settled, batch);
    const { onOutcome } = this.run.options;
    if (onOutcome === undefined) return;
    try {
      for (let at = 0; at < settled.count; at++) onOutcome(outcomeAt(settled, at));
    } catch (error) {
      this.run.fail(error);
    }
  }
}

/** Some of a batch's items, which ended just now; unless they were started, nowhere. */
function settledOf(
  { firstIndex, items, history: { attempt, queuedAtMs }, on }: Batch,
  offset: number,
  count: number,
  rejection: Rejection | undefined,
  unstarted = false,
): Writable<Settled> {
  return {
    firstIndex: firstIndex + offset,
    count,
    items,
    itemsFrom: offset,
    values: undefined,
    rejection,
    lane: unstarted || on === undefined ? -1 : on.number,
    attempts: unstarted ? attempt - 1 : attempt,
    queuedAtMs,
    startedAtMs: NaN,
    endedAtMs: rejection === undefined ? 0 : performance.now(),
    times: undefined,
    timesFrom: 0,
  };
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Options of which only the limit may be left out of account. */
type Waits = Required<Pick<RetryOptions, "baseMs" | "maxMs" | "jitter">>;

/**
 * How long to wait before the next try, in milliseconds.
 *
 * Exponential backoff with full jitter: a wait drawn evenly between 0 and a bound that doubles with
 * each attempt, so that tasks which failed together don't come back together (Marc Brooker,
 * "Exponential Backoff and Jitter", AWS Architecture Blog, 2015). A wait that the server asked for comes
 * before it, is never shortened, and makes it that of a first attempt.
 *
 * @param attempt The attempt that failed, from 1.
 * @param random Draws from 0 to below 1.
 */
export function backoffMs(
  attempt: number,
  { baseMs, maxMs, jitter }: Waits,
  random: () => number = Math.random,
): number {
  const bound = Math.min(maxMs, baseMs * 2 ** (attempt - 1));
  return jitter ? random() * bound : bound;
}

/** What to tell of an item that asks for a longer wait than the caller allows; undefined if it doesn't. */
export function asksTooLong(
  index: number,
  { maxMs }: Pick<Waits, "maxMs">,
  retryAfterMs: number,
  cause: unknown,
): RetryAfterError | undefined {
  if (retryAfterMs <= maxMs) return undefined;
  const error = new RetryAfterError(
    `Item ${index} is not tried again: it asks for a wait of ${retryAfterMs} ms, and ` +
      `retries.maxMs allows ${maxMs} ms`,
    { cause },
  );
  error.retryAfterMs = retryAfterMs;
  return error;
}
