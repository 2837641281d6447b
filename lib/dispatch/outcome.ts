/** What became of an item, as lanes told it and as it is told to the caller. */

import type { Report } from "../lanes/lane.ts";
import type { Batch } from "./batch.ts";

/** How an item that gave no value ended. */
export type Ending = "failed" | "timed-out" | "cancelled" | "crashed" | "abandoned";

/** What every outcome tells, whether its task gave a value or not. */
export interface Settlement<Item = unknown> {
  /** The item's place in the input, from 0. */
  readonly index: number;
  /** The item itself, as it was given. */
  readonly item: Item;
  /** The lane it ran on, from 0; −1 if it never started. */
  readonly lane: number;
  /**
   * How many times it was tried: its task was started, as far as that is known, or couldn't be loaded;
   * 0 if it was never tried.
   */
  readonly attempts: number;
  /** When the dispatcher pulled it from the input, on the caller's `performance.now()` clock. */
  readonly queuedAtMs: number;
  /**
   * When its last attempt started, on the caller's `performance.now()` clock; NaN if none did, or if its
   * lane was lost before it could say so.
   */
  readonly startedAtMs: number;
  /** When it ended, on the same clock. */
  readonly endedAtMs: number;
}

/** An item whose task gave a value. */
export interface Fulfilled<Result, Item = unknown> extends Settlement<Item> {
  /** The task gave a value. */
  readonly status: "fulfilled";
  /** What it gave. */
  readonly value: Result;
}

/** An item whose task gave none. */
export interface Rejected<Item = unknown> extends Settlement<Item> {
  /** The task gave no value. */
  readonly status: "rejected";
  /** How it ended: the task threw, ran past its deadline, was cancelled, lost its lane, or goes on unstoppably. */
  readonly ended: Ending;
  /** What the task threw, or an error that says what befell it. */
  readonly reason: unknown;
}

/** What became of one item: a `PromiseSettledResult` that also says where, when and how. */
export type Outcome<Result, Item = unknown> = Fulfilled<Result, Item> | Rejected<Item>;

/**
 * Items that follow on each other in the input and ended together, kept as they came from the lane:
 * turning each into an object of its own before somebody asks for it would cost more than a tiny task
 * does.
 */
export interface Settled {
  readonly batch: Batch;
  /** The first item's place in the batch, and in the input. */
  readonly from: number;
  readonly firstIndex: number;
  readonly count: number;
  /** If they gave no value: how they ended, each in the same way. */
  readonly rejection: { readonly ended: Ending; readonly reason: unknown } | undefined;
  /** Whether they were started, as far as that is known. */
  readonly isStarted: boolean;
  readonly report: Pick<Report, "values" | "startedAtMs" | "endedAtMs" | "times">;
  /** The first item's place in the report. */
  readonly reportFrom: number;
}

/** One item's value. */
export function valueAt({ report: { values }, reportFrom }: Settled, offset: number): unknown {
  return values === undefined ? undefined : values[reportFrom + offset];
}

/** One item's outcome, made anew. */
export function outcomeAt(settled: Settled, offset: number): Outcome<unknown> {
  const { batch, firstIndex, rejection, isStarted, report } = settled;
  const { times } = report;
  const at = 2 * (settled.reportFrom + offset);
  const settlement = {
    index: firstIndex + offset,
    item: batch.items[settled.from + offset],
    lane: isStarted && batch.on !== undefined ? batch.on.number : -1,
    attempts: isStarted ? batch.attempt : batch.attempt - 1,
    queuedAtMs: batch.history.queuedAtMs,
    startedAtMs: times === undefined ? report.startedAtMs : times[at]!,
    endedAtMs: times === undefined ? report.endedAtMs : times[at + 1]!,
  };
  return rejection === undefined
    ? { status: "fulfilled", value: valueAt(settled, offset), ...settlement }
    : { status: "rejected", ...rejection, ...settlement };
}
