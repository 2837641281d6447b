/** Whether an item is tried again, and when. */

import { RetryAfterError } from "../lanes/errors.ts";
import type { RetryOptions } from "./options.ts";

/** Options of which only the limit may be left out of account. */
type Waits = Required<Pick<RetryOptions, "baseMs" | "maxMs" | "jitter">>;

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
  index: number,
  { maxMs }: Pick<Waits, "maxMs">,
  retryAfterMs: number,
  cause: unknown,
): RetryAfterError | undefined {
  if (retryAfterMs <= maxMs) return undefined;
  const error = new RetryAfterError(
    `Item ${index} is not tried again: it asks for a wait of ${retryAfterMs} ms, and ` +
      `retries.maxMs allows ${maxMs} ms`,
    { cause },
  );
  error.retryAfterMs = retryAfterMs;
  return error;
}
