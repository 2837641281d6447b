/**
 * What becomes of items that gave no value: they are tried again, or settled. Where a lane was lost, or a
 * task had to be stopped, so were others, which are run again or go elsewhere; blame.ts says which task
 * did it.
 */

import { inAsyncContext } from "../lanes/async_context.ts";
import {
  AbandonedError,
  CancelledError,
  CrashedError,
  RetryAfterError,
  TimeoutError,
} from "../lanes/errors.ts";
import type { Death, Forced, Report } from "../lanes/lane.ts";
import { type Task, titleOf } from "../lanes/task.ts";
import { type Span } from "../lanes/telemetry.ts";
import { clock } from "../lanes/timers.ts";
import type { Batch, Blame, ForcedEnd, History } from "./batch.ts";
import { Checker } from "./checker.ts";
import type { CheckedOptions, Filled, RetryIn, RetryOptions } from "./map_options.ts";
import { outcomeAt, type Rejected, type Settled } from "./output.ts";

const ANSWER = new Checker("try again");

/** A task that killed so many lanes is quarantined: it is not tried again. */
export const MOST_KILLS = 2;

/** The run or call whose items are settled. */
export interface Settling {
  readonly options: Pick<CheckedOptions, "retries" | "rerun">;
  /** The async context of who wants items run, and whose functions are called. */
  readonly context?: unknown;
  readonly span?: Pick<Span, "lost"> | undefined;
  /** Whether items may still be tried again. */
  readonly mayRetry: boolean;
  /** Has an item tried again after a wait; its key, or the run, starts nothing for `pauseMs`. */
  retryLater(batch: Batch, waitMs: number, pauseMs: number): void;
  /** Takes items that are to be sent before all others. */
  putBack(batch: Batch): void;
  onSettled(settled: Settled): void;
  fail(error: unknown): void;
}

/** Whether and when an item was started that ended without a report of its lane, and what is to be different next time. */
type Unreported = Partial<History> & { readonly started?: boolean; readonly sinceMs?: number };

type Rejection = NonNullable<Settled["rejection"]>;

/** An item of which an attempt gave no value. */
type Attempted = Settled & { readonly rejection: Rejection };

/** What its next attempt is to go by. */
interface Next {
  /** How long whoever answers the task asked to be left alone, in milliseconds. */
  readonly askedMs?: number | undefined;
  /** What is to be different at it. */
  readonly changes?: Partial<History>;
}

/** What all runs of a pool have in common. */
export interface LossOptions {
  /** How long a task that was asked to stop may go on before it is made to, in milliseconds. */
  readonly graceMs: number;
  /** Told of each item that ended more than one lane, and isn't tried again. */
  readonly onQuarantined?: ((item: QuarantinedItem) => void) | undefined;
}

/** Settles each of a run's items that gave no value exactly once. */
export class Settler {
  constructor(private readonly run: Settling, private readonly options: LossOptions) {}

  /** Settles the next items of a batch, of which so many had been reported before. */
  report(batch: Batch, report: Report, base: number): void {
    const isStarted = report.unsent !== true;
    const part = <Of extends Settled["rejection"]>(from: number, to: number, rejection: Of) => {
      const items = { batch, from: base + from, count: to - from, rejection, isStarted };
      return { ...items, report, reportFrom: from };
    };
    let from = 0;
    for (const { offset, ended, reason, retryAfterMs: askedMs } of report.failures ?? []) {
      if (offset > from) this.run.onSettled(part(from, offset, undefined));
      from = offset + 1;
      const attempted = part(offset, from, { ended, reason });
      this.#retryOrSettle(attempted, isStarted, { askedMs });
    }
    if (report.count > from) this.run.onSettled(part(from, report.count, undefined));
  }

  /** An item ended without a report of its lane: it is tried again, if that is allowed, else settled. */
  reject(batch: Batch, offset: number, how: Rejection, known: Unreported = {}): void {
    const { started: isStarted = true, sinceMs, ...changes } = known;
    const items = { batch, from: offset, count: 1, rejection: how, isStarted };
    this.#retryOrSettle({ ...unreported(items, sinceMs), rejection: how }, true, { changes });
  }

  #retryOrSettle(attempted: Attempted, mayRetry: boolean, next: Next): void {
    const rejection = mayRetry ? this.#retry(attempted, next) : attempted.rejection;
    if (rejection !== undefined) this.run.onSettled({ ...attempted, rejection });
  }

  /** Settles items that were never started, or not again, because the run was cancelled. */
  cancel(batch: Batch, cause: unknown): void {
    const { task, firstIndex, items } = batch;
    if (items.length === 0) return;
    const title = titleOf(task);
    const which = items.length === 1
      ? `Item ${firstIndex} of ${title} was`
      : `Items of ${title} from ${firstIndex} on were`;
    const reason = new CancelledError(`${which} cancelled`, { cause });
    const rejection: Rejection = { ended: "cancelled", reason };
    const all = { batch, from: 0, count: items.length, rejection, isStarted: false };
    this.run.onSettled(unreported(all));
  }

  /** Has an item tried again; if that isn't to be, returns how it ended. */
  #retry(attempted: Attempted, { askedMs = 0, changes = {} }: Next): Rejection | undefined {
    const { batch, from: offset, isStarted, rejection } = attempted;
    const { run } = this;
    const { retries } = run.options;
    const { attempt, reruns } = batch.history;
    if (attempt - reruns > retries.limit || !run.mayRetry) return rejection;
    if ((changes.kills ?? 0) >= MOST_KILLS) return rejection;
    const allowed = this.#allows(outcomeAt(attempted, 0) as Rejected);
    if (!allowed) return rejection;
    // One that never started uses up a retry all the same.
    const next = isStarted ? { attempt: attempt + 1 } : { reruns: reruns - 1 };
    const again = batch.part(offset, offset + 1, { ...changes, ...next });
    if (allowed !== true) {
      run.retryLater(again, allowed.afterMs, allowed.pauseMs ?? 0);
      return undefined;
    }
    const { ended, reason } = rejection;
    const tooLong = asksTooLong(itemOf(batch, offset), retries, askedMs, reason);
    if (tooLong !== undefined) return { ended, reason: tooLong };
    // A server that says when to come back needs no doubling waits on top of that.
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
      // The caller may have stopped the run while it was asked.
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

  /** A lane died with a batch of this run. */
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

  /** An attempt's lane can't end its span any more. */
  #endSpan(batch: Batch, offset: number, sinceMs: number, error: unknown): void {
    this.run.span?.lost(batch.firstIndex + offset, batch.attempt, sinceMs, error);
  }

  /** Items that may have run, or did and whose results are lost, run again if that is allowed. */
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

  /** Items that were on the lane, but not started, go elsewhere, unless they are what ends lanes. */
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
    // If more than its lane was lost, it was blamed only since that had happened to it before.
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
   * A task went on after it was asked to stop.
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
      // The one that was asked had ended by then.
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
    // Those behind it ran too, perhaps.
    if (!isKnown) this.#again(batch, offset + 1, sentCount, death);
    this.#again(batch, reported, offset, death);
  }
}

const ERRORS = { abandoned: AbandonedError, "timed-out": TimeoutError, cancelled: CancelledError };

/** Then the task ends by itself, and so does its span. */
const GOES_ON: readonly Forced[] = ["goes on", "goes on for now"];

/** One of a batch's items, in messages. */
function itemOf({ task, firstIndex }: Batch, offset: number): string {
  return `Item ${firstIndex + offset} of ${titleOf(task)}`;
}

/** Items that ended just now, without a report of their lane. */
function unreported(items: Omit<Settled, "report" | "reportFrom">, startedAtMs = NaN): Settled {
  const report = { values: undefined, startedAtMs, endedAtMs: clock.now(), times: undefined };
  return { ...items, report, reportFrom: 0 };
}

/** How waits are counted, if there are retries. */
type Waits = Filled<Pick<RetryOptions, "baseMs" | "maxMs" | "jitter">>;

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

/** An item that lost so many lanes before it was started, the last of them alone, ends them itself. */
const MOST_LOSSES = 3;

/** An item that ended more than one lane. */
export interface QuarantinedItem {
  readonly task: Task;
  readonly index: number;
  readonly item: unknown;
  readonly reason: CrashedError;
}

/** What is told of an item whose task went on after it was asked to stop: no more than is known. */
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

/** How an item ended that was lost with its lane. */
function crashOf(batch: Batch, offset: number, what: string, death: Death, more = "") {
  const text = `${itemOf(batch, offset)} ${what}: the lane ${death.how}${more}`;
  const cause = "error" in death ? { cause: death.error } : undefined;
  return { ended: "crashed", reason: new CrashedError(text, cause) } as const;
}

/** A task that can't be loaded so many times in a row never can. */
export const MOST_LOAD_FAILURES = 3;
