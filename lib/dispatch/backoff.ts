/**
 * How long to wait before a retry.
 *
 * @module
 */

import type { RetryOptions } from "./options.ts";
import { reasonProperty } from "./reason_property.ts";

/**
 * Exponential backoff with full jitter: a wait drawn evenly between 0 and a bound that doubles with
 * each attempt, so that tasks which failed together don't come back together (Marc Brooker,
 * "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).
 *
 * @param attempt The attempt that failed, from 1.
 * @param options The first bound and the last, in milliseconds, and whether to draw.
 * @param reason What was thrown: a number `retryAfterMs` on it is a wait that the server asked for,
 * and is never shortened.
 * @param random Draws from 0 to below 1; `Math.random` unless given.
 * @returns The wait in milliseconds.
 *
 * @example
 * ```ts
 * import { backoffMs } from "./backoff.ts";
 *
 * console.log(backoffMs(3, { baseMs: 100, maxMs: 30_000, jitter: false })); // 400
 * ```
 */
export function backoffMs(
  attempt: number,
  options: Required<Pick<RetryOptions, "baseMs" | "maxMs" | "jitter">>,
  reason?: unknown,
  random: () => number = Math.random,
): number {
  const bound = Math.min(options.maxMs, options.baseMs * 2 ** (attempt - 1));
  const waitMs = options.jitter ? random() * bound : bound;
  const asked = reasonProperty(reason, "retryAfterMs");
  return typeof asked === "number" && asked > 0 ? asked + waitMs : waitMs;
}
