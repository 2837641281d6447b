/**
 * How an item ended.
 *
 * @module
 */

/** How an item that gave no value ended. */
export type Ending = "failed" | "timed-out" | "cancelled" | "crashed" | "abandoned";

/** What every outcome tells, whether its task gave a value or not. */
export interface Settlement {
  /** The item's place in the input, from 0. */
  readonly index: number;
  /** The lane it ran on, from 0; −1 if it never started. */
  readonly lane: number;
  /** How many times its task was started; 0 if it never was. */
  readonly attempts: number;
  /** When the dispatcher pulled it from the input, on the caller's `performance.now()` clock. */
  readonly queuedAtMs: number;
  /** When its last attempt started, on the caller's `performance.now()` clock; NaN if none did. */
  readonly startedAtMs: number;
  /** When it ended, on the same clock. */
  readonly endedAtMs: number;
}

/** An item whose task gave a value. */
export interface Fulfilled<Result> extends Settlement {
  /** The task gave a value. */
  readonly status: "fulfilled";
  /** What it gave. */
  readonly value: Result;
}

/** An item whose task gave none. */
export interface Rejected extends Settlement {
  /** The task gave no value. */
  readonly status: "rejected";
  /** How it ended: the task threw, ran past its deadline, was cancelled, lost its lane, or goes on unstoppably. */
  readonly ended: Ending;
  /** What the task threw, or an error that says what befell it. */
  readonly reason: unknown;
}

/** What became of one item: a `PromiseSettledResult` that also says where, when and how. */
export type Outcome<Result> = Fulfilled<Result> | Rejected;
