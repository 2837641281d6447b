/**
 * Items that gave no value are tried again or settled here. When a lane is lost or a task is stopped by force,
 * other items are affected too: they run again or go to other lanes. blame.ts judges which task was the cause.
 */

import { inAsyncContext } from "../lanes/async_context.ts";
import {
  AbandonedError,
  CancelledError,
  CrashedError,
  RetryAfterError,
  TimeoutError,
} from "../lanes/errors.ts";
import type { Death, Forced, QuarantinedItem, Report } from "../lanes/lane.ts";
import { titleOf } from "../lanes/task.ts";
import { type Span } from "../lanes/telemetry.ts";
import { clock } from "../lanes/timers.ts";
import type { Batch, Blame, ForcedEnd, History } from "./batch.ts";
import { Checker } from "./checker.ts";
import type { CheckedOptions, Filled, RetryIn, RetryOptions } from "./map_options.ts";
import { outcomeAt, type Rejected, type Settled } from "./output.ts";

const ANSWER = new Checker("try again");

/** An item that ended this many lanes is quarantined: it is not tried again. */
export const MOST_KILLS = 2;

/** The run or call whose items are settled. */
export interface Settling {
  readonly options: Pick<CheckedOptions, "retries" | "rerun">;
  /** The async context of the caller, whose functions are called. */
  readonly context?: unknown;
  readonly span?: Pick<Span, "lost"> | undefined;
  /** Whether items may still be tried again. */
  readonly mayRetry: boolean;
  /** Retries an item after a wait in milliseconds; its key, or the run, starts nothing for `pauseMs`. */
  retryLater(batch: Batch, waitMs: number, pauseMs: number): void;
  /** Puts items back that are sent before all others. */
  putBack(batch: Batch): void;
  onSettled(settled: Settled): void;
  fail(error: unknown): void;
}

/** Facts about an item that ended without a report: whether and when it started, and its new history. */
type Unreported = Partial<History> & { readonly started?: boolean; readonly sinceMs?: number };

type Rejection = NonNullable<Settled["rejection"]>;

/** An item whose attempt gave no value. */
type Attempted = Settled & { readonly rejection: Rejection };

/** How a pool handles tasks that don't stop and items that end lanes. */
export interface LossOptions {
  /** How long a task may go on after it was asked to stop, in milliseconds, before it is forced to. */
  readonly graceMs: number;
  /** Called with each item that ended more than one lane and isn't tried again. */
  readonly onQuarantined?: ((item: QuarantinedItem) => void) | undefined;
}

/** Settles items that gave no value, each exactly once, unless they are tried again. */
export class Settler {
  constructor(private readonly run: Settling, private readonly options: LossOptions) {}

  /** Settles the reported items of a batch; `base` is how many of its items were reported before. */
  report(batch: Batch, report: Report, base: number): void {
    const isStarted = report.unsent !== true;
    const part = <Of extends Settled["rejection"]>(from: number, to: number, rejection: Of) => (
      { batch, from: base + from, count: to - from, rejection, isStarted, report, reportFrom: from }
    );
    let from = 0;
    for (const { offset, ended, reason, retryAfterMs: askedMs } of report.failures ?? []) {
      if (offset > from) this.run.onSettled(part(from, offset, undefined));
      from = offset + 1;
      const attempted = part(offset, from, { ended, reason });
      if (isStarted) this.#retryOrSettle(attempted, {}, askedMs);
      else this.run.onSettled(attempted);
    }
    if (report.count > from) this.run.onSettled(part(from, report.count, undefined));
  }

  /** Retries or settles an item that ended without a report from its lane. */
  reject(batch: Batch, offset: number, how: Rejection, known: Unreported = {}): void {
    const { started: isStarted = true, sinceMs, ...changes } = known;
    const items = { batch, from: offset, count: 1, rejection: how, isStarted };
    this.#retryOrSettle(unreported(items, sinceMs), changes);
  }

  /**
   * @param changes Changes to the item's history.
   * @param askedMs The wait that the task's server asked for, in milliseconds.
   */
  #retryOrSettle(attempted: Attempted, changes: Partial<History>, askedMs?: number): void {
    const rejection = this.#retry(attempted, changes, askedMs);
    if (rejection !== undefined) this.run.onSettled({ ...attempted, rejection });
  }

  /** Settles items that don't start, or not again, because the run was cancelled. */
  cancel(batch: Batch, cause: unknown): void {
    const { task, firstIndex, items } = batch;
    if (items.length === 0) return;
    const title = titleOf(task);
    const which = items.length === 1
      ? `Item ${firstIndex} of ${title} was`
      : `Items of ${title} from ${firstIndex} on were`;
    const reason = new CancelledError(`${which} cancelled`, { cause });
    const rejection = { ended: "cancelled", reason } as const;
    this.run.onSettled(
      unreported({ batch, from: 0, count: items.length, rejection, isStarted: false }),
    );
  }

  /** Retries an item; if that isn't allowed, returns how it ended. */
  #retry(attempted: Attempted, changes: Partial<History>, askedMs = 0): Rejection | undefined {
    const { batch, from: offset, isStarted, rejection } = attempted;
    const { run } = this;
    const { retries } = run.options;
    const { attempt, reruns } = batch.history;
    if (attempt - reruns > retries.limit || !run.mayRetry) return rejection;
    if ((changes.kills ?? 0) >= MOST_KILLS) return rejection;
    const allowed = this.#allows(outcomeAt(attempted, 0) as Rejected);
    if (!allowed) return rejection;
    // An attempt that never started uses up a retry, too.
    const next = isStarted ? { attempt: attempt + 1 } : { reruns: reruns - 1 };
    const again = batch.part(offset, offset + 1, { ...changes, ...next });
    if (allowed !== true) {
      run.retryLater(again, allowed.afterMs, allowed.pauseMs ?? 0);
      return undefined;
    }
    const { ended, reason } = rejection;
    const tooLong = asksTooLong(itemOf(batch, offset), retries, askedMs, reason);
    if (tooLong !== undefined) return { ended, reason: tooLong };
    // If the server asked for a wait, the random wait after it doesn't grow with each attempt.
    const failures = askedMs > 0 ? 1 : attempt - reruns;
    run.retryLater(again, askedMs + backoffMs(failures, retries), askedMs);
    return undefined;
  }

  #allows(rejected: Rejected): boolean | RetryIn {
    const { run } = this;
    try {
      const { retryIf } = run.options.retries;
      const allowed: unknown = inAsyncContext(run.context, () => retryIf(rejected));
      if (allowed instanceof Promise) {
        allowed.then(undefined, (error) => run.fail(error));
        throw new TypeError("Cannot try again: retries.retryIf must return true or false at once");
      }
      // The caller's `retryIf` may have stopped the run.
      if (!allowed || !run.mayRetry) return false;
      if (typeof allowed !== "object") return true;
      const { afterMs, pauseMs = 0 } = allowed as RetryIn;
      ANSWER.known(allowed, ["afterMs", "pauseMs"]);
      ANSWER.time("afterMs", afterMs);
      ANSWER.time("pauseMs", pauseMs);
      return allowed as RetryIn;
    } catch (error) {
      run.fail(error);
      return false;
    }
  }

  /** Decides for each item of a batch whose lane died: rerun it, send it elsewhere, or let it crash. */
  onLost(batch: Batch, { at, fault }: Blame, death: Death): void {
    const { reported, sentCount, items } = batch;
    if (at.state !== "running") {
      this.run.putBack(batch.part(sentCount, items.length));
      const mayKill = fault !== "none" || batch.nextSinceMs < Infinity;
      if (at.state !== "unknown") return this.#unstarted(batch, death, mayKill);
      return this.#again(batch, reported, sentCount, death, fault !== "none");
    }
    const { offset, sinceMs } = at;
    this.#endSpan(batch, offset, sinceMs, `the lane ${death.how}`);
    this.run.putBack(batch.part(offset + 1, items.length));
    if (fault === "certain") this.#crash(batch, offset, sinceMs, death);
    else this.#again(batch, offset, offset + 1, death, fault === "perhaps", sinceMs);
    this.#again(batch, reported, offset, death);
  }

  /** Ends the span of an attempt, because its lane can't any more. */
  #endSpan(batch: Batch, offset: number, sinceMs: number, error: unknown): void {
    this.run.span?.lost(batch.firstIndex + offset, batch.attempt, sinceMs, error);
  }

  /** Reruns items that may have run, or whose results were lost, if that is allowed. */
  #again(batch: Batch, from: number, to: number, death: Death, alone = false, sinceMs = NaN): void {
    const { moved, history: { attempt, reruns } } = batch;
    if (this.run.options.rerun && !moved) {
      const history = { attempt: attempt + 1, reruns: reruns + 1, ...(alone && { alone }) };
      return this.run.putBack(batch.part(from, to, history));
    }
    const why = moved ? "its buffers had moved there" : "it may have run, and rerun is false";
    const what = `lost its lane, perhaps through another's fault, and isn't run again, for ${why}`;
    for (let offset = from; offset < to; offset++) {
      const crash = crashOf(batch, offset, what, death);
      this.reject(batch, offset, crash, { sinceMs, ...(alone && { alone }) });
    }
  }

  /** Sends items that hadn't started to other lanes, unless they are what ends lanes. */
  #unstarted(batch: Batch, death: Death, mayKill: boolean): void {
    const { reported, sentCount, moved, alone } = batch;
    const losses = batch.history.losses + Number(mayKill);
    if (!moved && (!alone || losses < MOST_LOSSES)) {
      const history = { losses, ...(losses >= MOST_LOSSES - 1 && { alone: true }) };
      return this.run.putBack(batch.part(reported, sentCount, history));
    }
    const what = moved
      ? "lost its lane before its task could start, and its buffers, which had moved there"
      : `lost ${losses} lanes before its task could start`;
    for (let offset = reported; offset < sentCount; offset++) {
      this.reject(batch, offset, crashOf(batch, offset, what, death), { started: false, losses });
    }
  }

  #crash(batch: Batch, offset: number, sinceMs: number, death: Death): void {
    // When a whole machine was lost, an item is blamed only if that happened to it before: it counts twice.
    const kills = batch.history.kills + (death.suspicion === undefined ? 1 : 2);
    const more = kills >= MOST_KILLS ? `; it killed ${kills} lanes and is quarantined` : "";
    const crash = crashOf(batch, offset, "lost its lane while its task ran", death, more);
    const { reason } = crash;
    reason.retryable = kills < MOST_KILLS;
    if (!reason.retryable) {
      const { task, items, firstIndex } = batch;
      const index = firstIndex + offset;
      this.options.onQuarantined?.({ task, index, item: items[offset], reason });
    }
    this.reject(batch, offset, crash, { sinceMs, kills, alone: true });
  }

  /**
   * Settles an item whose task went on after it was asked to stop.
   *
   * @param cause Why the run was cancelled, if it was.
   */
  onForced(batch: Batch, { at, forced, hadOthers }: ForcedEnd, cause?: unknown): void {
    const { graceMs } = this.options;
    const { reported, items, asked, settings: { timeoutMs }, sentCount } = batch;
    if (at.state === "waiting" || at.state === "loading") {
      return this.run.putBack(batch.part(reported, items.length));
    }
    const isKnown = at.state === "running";
    const how = "had to be ended";
    if (isKnown && asked!.why === "timeout" && at.offset !== asked!.offset) {
      // The item that was asked to stop had ended by then.
      return this.onLost(batch, { at, fault: "none" }, { how, starting: false });
    }
    const offset = isKnown ? at.offset : reported;
    const sinceMs = isKnown ? at.sinceMs : NaN;
    this.run.putBack(batch.part(isKnown ? offset + 1 : sentCount, items.length));
    const isTimeout = asked!.why === "timeout";
    const stopped = isTimeout ? "timed-out" : "cancelled";
    const ended = forced === "abandoned" ? forced : stopped;
    const what = isTimeout ? `its deadline of ${timeoutMs} ms passed` : "it was cancelled";
    const text = `${itemOf(batch, offset)} ${fate(forced, what, graceMs, hadOthers)}`;
    const reason = new ERRORS[ended](text, isTimeout ? undefined : { cause });
    if (isKnown && !GOES_ON.includes(forced)) this.#endSpan(batch, offset, sinceMs, reason);
    this.reject(batch, offset, { ended, reason }, { sinceMs });
    const death = { how, starting: false };
    // The items after it may have run, too.
    if (!isKnown) this.#again(batch, offset + 1, sentCount, death);
    this.#again(batch, reported, offset, death);
  }
}

const ERRORS = { abandoned: AbandonedError, "timed-out": TimeoutError, cancelled: CancelledError };

/** After these the task still runs, and its lane ends its span. */
const GOES_ON: readonly Forced[] = ["goes on", "goes on for now"];

/** Names one of a batch's items, for messages. */
function itemOf({ task, firstIndex }: Batch, offset: number): string {
  return `Item ${firstIndex + offset} of ${titleOf(task)}`;
}

/** Items that ended just now, without a report from their lane. */
function unreported(items: Omit<Attempted, "report" | "reportFrom">, startedAtMs = NaN): Attempted {
  const report = { values: undefined, startedAtMs, endedAtMs: clock.now(), times: undefined };
  return { ...items, report, reportFrom: 0 };
}

/** The options that set how long to wait before a retry. */
type Waits = Filled<Pick<RetryOptions, "baseMs" | "maxMs" | "jitter">>;

/**
 * How long to wait before the next attempt, in milliseconds.
 *
 * Exponential backoff with full jitter: a wait drawn evenly between 0 and a bound that doubles with each
 * attempt, so that tasks that failed together don't come back together (Marc Brooker, "Exponential Backoff and
 * Jitter", AWS Architecture Blog, 2015). A wait that the server asked for is added in full; the bound is then
 * that of a first attempt.
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

/** The error of an item that asks for a longer wait than the caller allows; undefined if it doesn't. */
export function asksTooLong(
  item: string,
  { maxMs }: Pick<Waits, "maxMs">,
  retryAfterMs: number,
  cause: unknown,
): RetryAfterError | undefined {
  if (retryAfterMs <= maxMs) return undefined;
  const text = `${item} is not tried again: it asks for a wait of ${retryAfterMs} ms, and ` +
    `retries.maxMs allows ${maxMs} ms`;
  return Object.assign(new RetryAfterError(text, { cause }), { retryAfterMs });
}

/** An item that lost this many lanes before it started, the last of them alone, is held to end them. */
const MOST_LOSSES = 3;

/** The message for an item whose task went on after it was asked to stop; it says only what is known. */
function fate(forced: Forced, what: string, graceMs: number, hadOthers: boolean): string {
  switch (forced) {
    case "ends":
    case "stopped":
      return `was stopped with its lane: ${what}, and ${graceMs} ms later ` +
        (hadOthers ? "the lane had not answered" : "it had not ended");
    case "goes on":
      return `is not waited for: ${what}, and its task goes on`;
    case "goes on for now":
      return `is not waited for: ${what}, and its task goes on until the others on its lane have ended`;
    case "abandoned":
      return `was abandoned: ${what}, and its ` +
        (hadOthers ? "lane does not answer; this task or another one there" : "task") +
        " goes on where nothing can stop it";
  }
}

/** The ending of an item that was lost with its lane. */
function crashOf(batch: Batch, offset: number, what: string, death: Death, more = "") {
  const text = `${itemOf(batch, offset)} ${what}: the lane ${death.how}${more}`;
  const cause = "error" in death ? { cause: death.error } : undefined;
  return { ended: "crashed", reason: new CrashedError(text, cause) } as const;
}

/** After this many failed loads in a row, a run fails and a call isn't tried again. */
export const MOST_LOAD_FAILURES = 3;
