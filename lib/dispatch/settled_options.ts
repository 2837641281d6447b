/**
 * Checks the options of `map` and fills in what wasn't given.
 *
 * @module
 */

import type { MapOptions, RetryOptions } from "./options.ts";
import type { Rejected } from "./outcome.ts";

/** Options with every default filled in. */
export interface SettledOptions {
  /** In which order results come; `"input"` unless given. */
  readonly order: "input" | "completion";
  /** Stops the run; undefined for nothing that does. */
  readonly signal: AbortSignal | undefined;
  /** Deadline of a task from its own start, in milliseconds; Infinity unless given. */
  readonly timeoutMs: number;
  /** When and how often a task that gave no value is tried again; never unless given. */
  readonly retries: Required<RetryOptions>;
  /** Items that travel together; `"auto"` unless given. */
  readonly chunk: "auto" | number;
  /** Items pulled beyond the slots, at most; `"auto"` unless given. */
  readonly buffer: "auto" | number;
  /** Whether ArrayBuffers move instead of being copied; false unless given. */
  readonly transfer: boolean;
  /** Told how the run stands, if the caller wants to know. */
  readonly onProgress: MapOptions["onProgress"];
}

const RETRYABLE = new Set<Rejected["ended"]>(["failed", "timed-out", "crashed"]);

function mayRetry({ ended, reason }: Rejected): boolean {
  if (!RETRYABLE.has(ended)) return false;
  return !(typeof reason === "object" && reason !== null && "retryable" in reason &&
    reason.retryable === false);
}

/**
 * Checks options and fills in defaults.
 *
 * @param options As the caller gave them.
 * @returns All of them.
 * @throws {RangeError} If one is out of its range; the message names it and its value.
 *
 * @example
 * ```ts
 * import { settleOptions } from "./settled_options.ts";
 *
 * console.log(settleOptions({ retries: 2 }).retries.baseMs); // 100
 * ```
 */
export function settleOptions(options: MapOptions = {}): SettledOptions {
  const retries = typeof options.retries === "object"
    ? options.retries
    : { limit: options.retries ?? 0 };
  const { baseMs = 100, maxMs = 30_000, jitter = true, retryIf = mayRetry } = retries;
  const { order = "input", timeoutMs = Infinity, chunk = "auto", buffer = "auto" } = options;
  check("order", order, order === "input" || order === "completion", '"input" or "completion"');
  check("timeoutMs", timeoutMs, timeoutMs > 0, "a number of milliseconds above 0");
  check("retries", retries.limit, isCount(retries.limit, 0), "a whole number from 0");
  check("retries.baseMs", baseMs, baseMs >= 0, "a number of milliseconds from 0");
  check("retries.maxMs", maxMs, maxMs >= 0, "a number of milliseconds from 0");
  check("chunk", chunk, chunk === "auto" || isCount(chunk, 1), '"auto" or a whole number from 1');
  check(
    "buffer",
    buffer,
    buffer === "auto" || isCount(buffer, 0),
    '"auto" or a whole number from 0',
  );
  return {
    order,
    signal: options.signal,
    timeoutMs,
    retries: { limit: retries.limit, baseMs, maxMs, jitter, retryIf },
    chunk,
    buffer,
    transfer: options.transfer ?? false,
    onProgress: options.onProgress,
  };
}

function isCount(value: number, least: number): boolean {
  return value === Infinity || (Number.isSafeInteger(value) && value >= least);
}

function check(name: string, value: unknown, holds: boolean, wanted: string): void {
  if (!holds) throw new RangeError(`Cannot map: ${name} must be ${wanted}, but is ${value}`);
}
