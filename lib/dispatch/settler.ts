/**
 * Settles items: turns what lanes report into results for the consumer, or has an item tried again.
 */

import { CancelledError } from "../lanes/errors.ts";
import type { Report } from "../lanes/lane.ts";
import type { Batch, History } from "./batch.ts";
import { type CheckedOptions, isTime, type Progress, type RetryIn, shown } from "./options.ts";
import { type Ending, outcomeAt, type Rejected, type Settled } from "./outcome.ts";
import { asksTooLong, backoffMs } from "./retry.ts";

/** A task that killed so many lanes is quarantined: it is not tried again. */
export const MOST_KILLS = 2;

/** What the settler needs of its run. */
export interface SettlerOptions {
  readonly options: Pick<CheckedOptions, "retries" | "onProgress" | "onOutcome">;
  /** Whether items may still be tried again. */
  readonly mayRetry: () => boolean;
  /** Has an item tried again after a wait; its key, or the run, starts nothing for `pauseMs`. */
  readonly retryLater: (batch: Batch, waitMs: number, pauseMs: number) => void;
  /** Items have ended for good. */
  readonly onSettled: (settled: Settled, batch: Batch) => void;
  /** A function of the caller's threw. */
  readonly onError: (error: unknown) => void;
  /** Functions of the caller's that were waited for have all answered. */
  readonly onAnswered: () => void;
}

/** How an item ended without a report of its lane, and what is to be different at the next try. */
interface Rejecting extends History {
  readonly started: boolean;
  readonly sinceMs: number;
}

/** Settles each of a run's items exactly once. */
export class Settler {
  /** How many items have ended for good, in whichever way. */
  settled = 0;
  /** Of these, the ones that gave no value. */
  rejected = 0;
  /** How many calls of an async `onProgress` have not answered yet. */
  unanswered = 0;
  readonly #of: SettlerOptions;

  constructor(options: SettlerOptions) {
    this.#of = options;
  }

  /** Settles the next items of a batch, of which so many had been reported before. */
  report(batch: Batch, report: Report, base: number): void {
    let from = 0;
    for (const { offset, ended, reason, retryAfterMs } of report.failures ?? []) {
      this.#fulfil(batch, report, base, from, offset);
      const at = base + offset;
      const unsent = report.unsent === true;
      const final = unsent
        ? { ended, reason }
        : this.#retry(batch, at, ended, reason, retryAfterMs);
      if (final !== undefined) {
        const settled = settledOf(batch, at, 1, final, unsent);
        settled.startedAtMs = report.startedAtMs;
        settled.endedAtMs = report.endedAtMs;
        settled.times = report.times;
        settled.timesFrom = offset;
        this.#settle(settled, batch);
      }
      from = offset + 1;
    }
    this.#fulfil(batch, report, base, from, report.count);
  }

  #fulfil(batch: Batch, report: Report, base: number, from: number, to: number): void {
    if (to <= from) return;
    const { values } = report;
    const whole = values === undefined || (from === 0 && values.length === to);
    const settled = settledOf(batch, base + from, to - from, undefined);
    settled.values = whole ? values : Array.prototype.slice.call(values, from, to);
    settled.startedAtMs = report.startedAtMs;
    settled.endedAtMs = report.endedAtMs;
    settled.times = report.times;
    settled.timesFrom = from;
    this.#settle(settled, batch);
  }

  /**
   * An item ended without a report of its lane: it is tried again, if that is allowed, else settled.
   *
   * @param sinceMs When; NaN if that isn't known.
   */
  reject(
    batch: Batch,
    offset: number,
    ended: Ending,
    reason: unknown,
    { started = true, sinceMs = NaN, ...changes }: Partial<Rejecting> = {},
  ): void {
    const final = this.#retry(batch, offset, ended, reason, 0, !started, changes);
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
    const rejection = { ended: "cancelled", reason } as const;
    this.#settle(settledOf(batch, 0, items.length, rejection, true), batch);
  }

  /** Has an item tried again; if that isn't to be, returns how it ended. */
  #retry(
    batch: Batch,
    offset: number,
    ended: Ending,
    reason: unknown,
    askedMs = 0,
    unstarted = false,
    changes: Partial<History> = {},
  ): Settled["rejection"] {
    const { options: { retries }, mayRetry, retryLater } = this.#of;
    const rejection = { ended, reason };
    if (batch.attempt - batch.reruns > retries.limit || !mayRetry()) return rejection;
    if ((changes.kills ?? 0) >= MOST_KILLS) return rejection;
    const rejected = outcomeAt(settledOf(batch, offset, 1, rejection, unstarted), 0) as Rejected;
    const allowed = this.#allows(rejected);
    if (!allowed) return rejection;
    // A try that never started is a try, but no attempt.
    const { attempt, reruns } = batch;
    const next = unstarted ? { reruns: reruns - 1 } : { attempt: attempt + 1 };
    const again = batch.part(offset, offset + 1, { ...changes, ...next });
    if (allowed !== true) {
      retryLater(again, allowed.afterMs, allowed.pauseMs ?? 0);
      return undefined;
    }
    const tooLong = asksTooLong(batch.firstIndex + offset, retries, askedMs, reason);
    if (tooLong !== undefined) return { ended, reason: tooLong };
    // A server that says when to come back needs no doubling waits on top of that.
    const failures = askedMs > 0 ? 1 : attempt - reruns;
    retryLater(again, askedMs + backoffMs(failures, retries), askedMs);
    return undefined;
  }

  /** Asks the caller. */
  #allows(rejected: Rejected): boolean | RetryIn {
    const { options: { retries }, mayRetry, onError } = this.#of;
    try {
      const allowed: unknown = retries.retryIf(rejected);
      if (isPromise(allowed)) {
        allowed.then(undefined, onError);
        throw new TypeError("Cannot try again: retries.retryIf must return true or false at once");
      }
      // The caller may have stopped the run while it was asked.
      if (!allowed || !mayRetry()) return false;
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
      onError(error);
      return false;
    }
  }

  /** Tells the caller how the run stands. */
  tellProgress({ pulled, total }: Pick<Progress, "pulled" | "total">): void {
    const { options: { onProgress }, onError, onAnswered } = this.#of;
    if (onProgress === undefined) return;
    const { settled, rejected } = this;
    try {
      const told: unknown = onProgress({ pulled, settled, rejected, total });
      if (!isPromise(told)) return;
      this.unanswered++;
      told.catch(onError).finally(() => {
        if (--this.unanswered === 0) onAnswered();
      });
    } catch (error) {
      onError(error);
    }
  }

  #settle(settled: Settled, batch: Batch): void {
    this.settled += settled.count;
    if (settled.rejection !== undefined) this.rejected += settled.count;
    this.#of.onSettled(settled, batch);
    const { options: { onOutcome }, onError } = this.#of;
    if (onOutcome === undefined) return;
    try {
      for (let at = 0; at < settled.count; at++) onOutcome(outcomeAt(settled, at));
    } catch (error) {
      onError(error);
    }
  }
}

/** Some of a batch's items, which ended just now; unless they were started, nowhere. */
function settledOf(
  { firstIndex, items, attempt, queuedAtMs, on }: Batch,
  offset: number,
  count: number,
  rejection: Settled["rejection"],
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

function isPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise;
}
