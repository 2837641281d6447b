/**
 * Checks the options of `map` and fills in what wasn't given.
 *
 * @module
 */

import type { MapOptions, RetryOptions } from "./options.ts";
import type { Rejected } from "./outcome.ts";
import { reasonProperty } from "./reason_property.ts";

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
  return RETRYABLE.has(ended) && reasonProperty(reason, "retryable") !== false;
}

/**
 * Checks options and fills in defaults.
 *
 * @param options As the caller gave them.
 * @returns All of them.
 * @throws {RangeError} If one is out of its range or of another kind; the message names it and its
 * value.
 *
 * @example
 * ```ts
 * import { settleOptions } from "./settled_options.ts";
 *
 * console.log(settleOptions({ retries: 2 }).retries.baseMs); // 100
 * ```
 */
export function settleOptions(options: MapOptions = {}): SettledOptions {
  const retries = typeof options.retries === "object" && options.retries !== null
    ? options.retries
    : { limit: options.retries ?? 0 };
  const { baseMs = 100, maxMs = 30_000, jitter = true, retryIf = mayRetry } = retries;
  const { order = "input", timeoutMs = Infinity, chunk = "auto", buffer = "auto" } = options;
  const { signal, onProgress } = options;
  check("order", order, order === "input" || order === "completion", '"input" or "completion"');
  check("signal", signal, signal instanceof AbortSignal || signal === undefined, "an AbortSignal");
  const isTimeout = isTime(timeoutMs) && timeoutMs > 0;
  check("timeoutMs", timeoutMs, isTimeout, "a number of milliseconds above 0");
  check("retries", retries.limit, isCount(retries.limit, 0), "a whole number from 0");
  check("retries.baseMs", baseMs, isTime(baseMs), "a number of milliseconds from 0");
  check("retries.maxMs", maxMs, isTime(maxMs), "a number of milliseconds from 0");
  check("retries.retryIf", retryIf, typeof retryIf === "function", "a function");
  check("chunk", chunk, chunk === "auto" || isCount(chunk, 1), '"auto" or a whole number from 1');
  check(
    "buffer",
    buffer,
    buffer === "auto" || isCount(buffer, 0),
    '"auto" or a whole number from 0',
  );
  const isTold = onProgress === undefined || typeof onProgress === "function";
  check("onProgress", onProgress, isTold, "a function");
  return {
    order,
    signal,
    timeoutMs,
    retries: { limit: retries.limit, baseMs, maxMs, jitter, retryIf },
    chunk,
    buffer,
    transfer: options.transfer ?? false,
    onProgress,
  };
}

function isTime(value: number): boolean {
  return typeof value === "number" && value >= 0;
}

function isCount(value: number, least: number): boolean {
  return value === Infinity || (Number.isSafeInteger(value) && value >= least);
}

function check(name: string, value: unknown, holds: boolean, wanted: string): void {
  if (!holds) {
    throw new RangeError(`Cannot map: ${name} must be ${wanted}, but is ${String(value)}`);
  }
}
