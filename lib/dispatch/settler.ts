/**
 * Settles items: turns what lanes report into results for the consumer, or has an item tried again.
 */

import { shown } from "../lanes/attempt.ts";
import { CancelledError, RetryAfterError } from "../lanes/errors.ts";
import type { Report } from "../lanes/lane.ts";
import type { Batch, History } from "./batch.ts";
import {
  type CheckedOptions,
  isTime,
  type Progress,
  type RetryIn,
  type RetryOptions,
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
  onSettled(settled: Settled): void;
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
    const isStarted = report.unsent !== true;
    const settle = (from: number, count: number, rejection?: Rejection) => {
      if (count === 0) return;
      this.#settle(settledOf(batch, base + from, count, rejection, isStarted, report, from));
    };
    let from = 0;
    for (const { offset, ended, reason, retryAfterMs } of report.failures ?? []) {
      settle(from, offset - from);
      const rejection = { ended, reason };
      const final = isStarted
        ? this.#retry(batch, base + offset, rejection, isStarted, retryAfterMs)
        : rejection;
      if (final !== undefined) settle(offset, 1, final);
      from = offset + 1;
    }
    settle(from, report.count - from);
  }

  /** An item ended without a report of its lane: it is tried again, if that is allowed, else settled. */
  reject(
    batch: Batch,
    offset: number,
    ended: Ending,
    reason: unknown,
    { started = true, sinceMs = NaN, ...changes }: Partial<Rejecting> = {},
  ): void {
    const final = this.#retry(batch, offset, { ended, reason }, started, 0, changes);
    if (final !== undefined) {
      this.#settle(settledOf(batch, offset, 1, final, started, untold(sinceMs)));
    }
  }

  /** Settles items that were never started, or not again, because the run was cancelled. */
  cancel(batch: Batch, cause: unknown): void {
    const { firstIndex, items } = batch;
    if (items.length === 0) return;
    const which = items.length === 1
      ? `Item ${firstIndex} was`
      : `Items from ${firstIndex} on were`;
    const reason = new CancelledError(`${which} cancelled`, { cause });
    this.#settle(settledOf(batch, 0, items.length, { ended: "cancelled", reason }, false));
  }

  /** Has an item tried again; if that isn't to be, returns how it ended. */
  #retry(
    batch: Batch,
    offset: number,
    rejection: Rejection,
    isStarted: boolean,
    askedMs = 0,
    changes: Partial<History> = {},
  ): Rejection | undefined {
    const { run } = this;
    const { retries } = run.options;
    const { attempt, reruns } = batch.history;
    if (attempt - reruns > retries.limit || !run.mayRetry) return rejection;
    if ((changes.kills ?? 0) >= MOST_KILLS) return rejection;
    const rejected = outcomeAt(settledOf(batch, offset, 1, rejection, isStarted), 0) as Rejected;
    const allowed = this.#allows(rejected);
    if (!allowed) return rejection;
    // A try that never started is a try, but no attempt.
    const next = isStarted ? { attempt: attempt + 1 } : { reruns: reruns - 1 };
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

  #settle(settled: Settled): void {
    this.settled += settled.count;
    if (settled.rejection !== undefined) this.rejected += settled.count;
    this.run.onSettled(settled);
    const { onOutcome } = this.run.options;
    if (onOutcome === undefined) return;
    try {
      for (let at = 0; at < settled.count; at++) onOutcome(outcomeAt(settled, at));
    } catch (error) {
      this.run.fail(error);
    }
  }
}

/** Items of a batch, from one on, and where they are in what was told of them. */
function settledOf(
  batch: Batch,
  from: number,
  count: number,
  rejection: Rejection | undefined,
  isStarted: boolean,
  report: Settled["report"] = untold(NaN),
  reportFrom = 0,
): Settled {
  const firstIndex = batch.firstIndex + from;
  return { batch, from, firstIndex, count, rejection, isStarted, report, reportFrom };
}

/** What stands for a report of items that ended just now without one. */
function untold(startedAtMs: number): Settled["report"] {
  return { values: undefined, startedAtMs, endedAtMs: performance.now(), times: undefined };
}

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
