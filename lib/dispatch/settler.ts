/**
 * Settles items: turns what lanes report into segments for the consumer, or has an item tried again.
 *
 * @module
 */

import { CancelledError } from "../lanes/errors.ts";
import type { Report } from "../lanes/lane.ts";
import { backoffMs } from "./backoff.ts";
import { MAX_KILLS } from "./crash.ts";
import type { Intake } from "./intake.ts";
import type { Ending, Rejected } from "./outcome.ts";
import { part, type Piece } from "./piece.ts";
import type { Sent } from "./sent.ts";
import { outcomeAt, type Segment } from "./segment.ts";
import type { SettledOptions } from "./settled_options.ts";
import type { Source } from "./source.ts";

/** What the settler needs of its run. */
export interface SettlerParts {
  /** How the run goes. */
  readonly options: SettledOptions;
  /** Takes items that are tried again. */
  readonly intake: Intake;
  /** Whether items may still be tried again. */
  readonly mayRetry: () => boolean;
  /** Items have ended for good. */
  readonly onSettled: (segment: Segment) => void;
}

/** Settles each of a run's items exactly once. */
export class Settler {
  /** How many items have ended for good, in whichever way. */
  settled = 0;
  /** Of these, the ones that gave no value. */
  rejected = 0;
  readonly #parts: SettlerParts;

  /**
   * Has settled nothing yet.
   *
   * @param parts What it is made of.
   */
  constructor(parts: SettlerParts) {
    this.#parts = parts;
  }

  /**
   * Settles what a lane reports.
   *
   * @param sent The chunk.
   * @param report What became of its next items.
   * @param base How many of its items had been reported before.
   */
  report(sent: Sent, report: Report, base: number): void {
    if (report.failures === undefined) return this.#fulfil(sent, report, base, 0, report.count);
    let from = 0;
    for (const { offset, ended, reason } of report.failures) {
      this.#fulfil(sent, report, base, from, offset);
      if (!this.retry(sent, base + offset, ended, reason)) {
        const rejection = { ended, reason };
        this.#settle(segmentOf(sent, base + offset, 1, report, offset, undefined, rejection));
      }
      from = offset + 1;
    }
    this.#fulfil(sent, report, base, from, report.count);
  }

  #fulfil(sent: Sent, report: Report, base: number, from: number, to: number): void {
    if (to <= from) return;
    const { values } = report;
    const whole = values === undefined || (from === 0 && values.length === to);
    const part = whole ? values : Array.prototype.slice.call(values, from, to);
    this.#settle(segmentOf(sent, base + from, to - from, report, from, part, undefined));
  }

  /**
   * Has an item tried again, if that is allowed.
   *
   * @param sent The chunk that it came with.
   * @param offset Its place in the chunk.
   * @param ended How this try ended.
   * @param reason What was thrown, or what befell it.
   * @param changes What is to be different at the next try; nothing unless given.
   * @returns Whether it will be; if not, it must be settled.
   */
  retry(
    { piece, seat }: Sent,
    offset: number,
    ended: Ending,
    reason: unknown,
    changes: Partial<Pick<Piece, "kills" | "alone">> = {},
  ): boolean {
    const { options: { retries }, intake, mayRetry } = this.#parts;
    if (piece.attempt > retries.limit || !mayRetry()) return false;
    if ((changes.kills ?? 0) >= MAX_KILLS) return false;
    const one = part(piece, offset, offset + 1);
    const rejected = outcomeAt(lostSegment(one, seat.number, { ended, reason }), 0) as Rejected;
    // The caller may have stopped the run while it was asked.
    if (!retries.retryIf(rejected) || !mayRetry()) return false;
    const again = part(one, 0, 1, { ...changes, attempt: piece.attempt + 1 });
    intake.later(again, backoffMs(piece.attempt, retries, reason));
    return true;
  }

  /**
   * Settles an item that its lane can't report any more.
   *
   * @param sent The chunk that it came with.
   * @param offset Its place in the chunk.
   * @param ended How it ended.
   * @param reason What befell it.
   * @param sinceMs When it started; NaN if that isn't known.
   */
  reject(
    { piece, seat }: Sent,
    offset: number,
    ended: Ending,
    reason: unknown,
    sinceMs: number,
  ): void {
    const one = part(piece, offset, offset + 1);
    this.#settle(lostSegment(one, seat.number, { ended, reason }, sinceMs));
  }

  /**
   * Settles items that were never started, or not again, because the run was cancelled.
   *
   * @param piece The items; none is fine.
   * @param cause Why the run was cancelled.
   */
  cancel(piece: Piece, cause: unknown): void {
    if (piece.items.length === 0) return;
    const { firstIndex, items } = piece;
    const which = items.length === 1
      ? `Item ${firstIndex} was`
      : `Items from ${firstIndex} on were`;
    const reason = new CancelledError(`${which} cancelled`, { cause });
    this.#settle(lostSegment(piece, -1, { ended: "cancelled", reason }));
  }

  /**
   * Tells the caller how the run stands.
   *
   * @param source The run's input.
   * @throws What `onProgress` throws.
   */
  tellProgress({ pulled, total }: Pick<Source, "pulled" | "total">): void {
    const { settled, rejected } = this;
    this.#parts.options.onProgress?.({ pulled, settled, rejected, total });
  }

  #settle(segment: Segment): void {
    this.settled += segment.count;
    if (segment.rejection !== undefined) this.rejected += segment.count;
    this.#parts.onSettled(segment);
  }
}

function segmentOf(
  { piece, seat }: Sent,
  offset: number,
  count: number,
  report: Report,
  timesFrom: number,
  values: Segment["values"],
  rejection: Segment["rejection"],
): Segment {
  return {
    firstIndex: piece.firstIndex + offset,
    count,
    values,
    rejection,
    lane: seat.number,
    attempts: piece.attempt,
    queuedAtMs: piece.queuedAtMs,
    startedAtMs: report.startedAtMs,
    endedAtMs: report.endedAtMs,
    times: report.times,
    timesFrom,
  };
}

/** Items without a report; `lane` is −1 if they did not run. */
function lostSegment(
  piece: Piece,
  lane: number,
  rejection: Segment["rejection"],
  startedAtMs = NaN,
): Segment {
  return {
    firstIndex: piece.firstIndex,
    count: piece.items.length,
    values: undefined,
    rejection,
    lane,
    attempts: lane < 0 ? piece.attempt - 1 : piece.attempt,
    queuedAtMs: piece.queuedAtMs,
    startedAtMs,
    endedAtMs: performance.now(),
    times: undefined,
    timesFrom: 0,
  };
}
