/**
 * Items that ended together, kept as they came from the lane: turning each into an object of its own
 * before somebody asks for it would cost more than a tiny task does.
 *
 * @module
 */

import type { Ending, Outcome } from "./outcome.ts";

/** What became of items that follow on each other in the input. */
export interface Segment {
  /** The first item's place in the input, from 0. */
  readonly firstIndex: number;
  /** How many items. */
  readonly count: number;
  /** Their values; undefined if each is undefined. */
  readonly values: ArrayLike<unknown> | undefined;
  /** If they gave no value: how they ended, each in the same way. */
  readonly rejection: { readonly ended: Ending; readonly reason: unknown } | undefined;
  /** The lane they ran on, from 0; −1 if they never started. */
  readonly lane: number;
  /** How many times each was started. */
  readonly attempts: number;
  /** When they were pulled from the input. */
  readonly queuedAtMs: number;
  /** When the first of them started; NaN if that isn't known. */
  readonly startedAtMs: number;
  /** When the last of them ended. */
  readonly endedAtMs: number;
  /** Start and end of each, alternating, from `timesFrom` on; else all share the segment's. */
  readonly times: Float64Array | undefined;
  /** The first item's place in `times`, counted in items. */
  readonly timesFrom: number;
}

/**
 * One item's value.
 *
 * @param segment A segment of fulfilled items.
 * @param offset The item's place in it.
 * @returns What its task gave.
 *
 * @example
 * ```ts
 * import { type Segment, valueAt } from "./segment.ts";
 *
 * const segment = { firstIndex: 7, count: 2, values: ["a", "b"] } as unknown as Segment;
 * console.log(valueAt(segment, 1)); // "b"
 * ```
 */
export function valueAt(segment: Segment, offset: number): unknown {
  return segment.values === undefined ? undefined : segment.values[offset];
}

/**
 * One item's outcome.
 *
 * @param segment A segment.
 * @param offset The item's place in it.
 * @returns The item's own outcome, made anew.
 *
 * @example
 * ```ts
 * import { outcomeAt, type Segment } from "./segment.ts";
 *
 * const segment = { firstIndex: 7, count: 2, values: ["a", "b"] } as unknown as Segment;
 * console.log(outcomeAt(segment, 1).index); // 8
 * ```
 */
export function outcomeAt(segment: Segment, offset: number): Outcome<unknown> {
  const { lane, attempts, queuedAtMs, times, timesFrom, rejection } = segment;
  const at = 2 * (timesFrom + offset);
  const settlement = {
    index: segment.firstIndex + offset,
    lane,
    attempts,
    queuedAtMs,
    startedAtMs: times === undefined ? segment.startedAtMs : times[at]!,
    endedAtMs: times === undefined ? segment.endedAtMs : times[at + 1]!,
  };
  return rejection === undefined
    ? { status: "fulfilled", value: valueAt(segment, offset), ...settlement }
    : { status: "rejected", ...rejection, ...settlement };
}
