/**
 * Items on a schedule: one every so often, whatever becomes of those before.
 *
 * @module
 */

/** Time, so that tests can have their own. */
export interface Clock {
  /** Milliseconds on any scale. */
  now(): number;
  /** Resolves at a time of that scale or as soon as it can afterwards. */
  until(atMs: number): Promise<void>;
}

/** How items are paced. */
export interface Pace {
  /** Items a second, evenly spaced. */
  readonly ratePerSecond: number;
  /** How many in all; the items begin anew when there are fewer. */
  readonly count: number;
  /** Default: `performance.now` and a timer. */
  readonly clock?: Clock;
  /** Told when the schedule begins, on the clock's scale. */
  readonly onStart?: (startMs: number) => void;
  /** Ends the schedule early. */
  readonly signal?: AbortSignal;
}

const REAL: Clock = {
  now: () => performance.now(),
  until: (atMs) =>
    new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - performance.now()))),
};

/**
 * When an item is meant to start.
 *
 * @param index Which item, from 0.
 * @returns Milliseconds from the schedule's begin.
 */
export function intendedMs(index: number, ratePerSecond: number): number {
  return index / ratePerSecond * 1000;
}

/**
 * Gives items at even intervals: item k not before k/rate after the first was asked for. Whoever asks
 * too late gets the items that are due at once, without a pause: the schedule doesn't wait.
 *
 * @throws {RangeError} If there are no items.
 */
export async function* paced<T>(items: readonly T[], pace: Pace): AsyncGenerator<T, void> {
  if (items.length === 0) throw new RangeError("Cannot pace items: there are none");
  const { ratePerSecond, count, clock = REAL, onStart, signal } = pace;
  const startMs = clock.now();
  onStart?.(startMs);
  for (let index = 0; index < count && !signal?.aborted; index++) {
    const dueMs = startMs + intendedMs(index, ratePerSecond);
    if (clock.now() < dueMs) await clock.until(dueMs);
    yield items[index % items.length]!;
  }
}
