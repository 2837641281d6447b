/**
 * Items that ended together, kept as they came from the lane: turning each into an object of its own
 * before somebody asks for it would cost more than a tiny task does.
 *
 * @module
 */

import type { Ending, Outcome } from "./outcome.ts";

/** What became of items that follow on each other in the input. */
export interface Segment {
  readonly firstIndex: number;
  readonly count: number;
  /** Their values; undefined if each is undefined. */
  readonly values: ArrayLike<unknown> | undefined;
  /** If they gave no value: how they ended, each in the same way. */
  readonly rejection: { readonly ended: Ending; readonly reason: unknown } | undefined;
  readonly lane: number;
  readonly attempts: number;
  readonly queuedAtMs: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Start and end of each, alternating, from `timesFrom` on; else all share the segment's. */
  readonly times: Float64Array | undefined;
  readonly timesFrom: number;
}

/**
 * One item's value.
 *
 * @param segment A segment of fulfilled items.
 * @param offset The item's place in it.
 */
export function valueAt(segment: Segment, offset: number): unknown {
  return segment.values === undefined ? undefined : segment.values[offset];
}

/**
 * One item's outcome.
 *
 * @param segment A segment.
 * @param offset The item's place in it.
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
