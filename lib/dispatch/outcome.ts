/** How an item ended. */

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
  /** The first item's place in the input, from 0. */
  readonly firstIndex: number;
  readonly count: number;
  /** The batch that they were in, and the first one's place in it. */
  readonly items: readonly unknown[];
  readonly itemsFrom: number;
  /** Their values; undefined if each is undefined. */
  readonly values: ArrayLike<unknown> | undefined;
  /** If they gave no value: how they ended, each in the same way. */
  readonly rejection: { readonly ended: Ending; readonly reason: unknown } | undefined;
  /** The lane they ran on, from 0; −1 if they never started. */
  readonly lane: number;
  /** How many times each was started. */
  readonly attempts: number;
  readonly queuedAtMs: number;
  /** When the first of them started; NaN if that isn't known. */
  readonly startedAtMs: number;
  /** When the last of them ended. */
  readonly endedAtMs: number;
  /** Start and end of each, alternating, from `timesFrom` on; else all share these. */
  readonly times: Float64Array | undefined;
  /** The first item's place in `times`, counted in items. */
  readonly timesFrom: number;
}

/** One item's value. */
export function valueAt({ values }: Settled, offset: number): unknown {
  return values === undefined ? undefined : values[offset];
}

/** One item's outcome, made anew. */
export function outcomeAt(settled: Settled, offset: number): Outcome<unknown> {
  const { lane, attempts, queuedAtMs, times, timesFrom, rejection } = settled;
  const at = 2 * (timesFrom + offset);
  const settlement = {
    index: settled.firstIndex + offset,
    item: settled.items[settled.itemsFrom + offset],
    lane,
    attempts,
    queuedAtMs,
    startedAtMs: times === undefined ? settled.startedAtMs : times[at]!,
    endedAtMs: times === undefined ? settled.endedAtMs : times[at + 1]!,
  };
  return rejection === undefined
    ? { status: "fulfilled", value: valueAt(settled, offset), ...settlement }
    : { status: "rejected", ...rejection, ...settlement };
}
