/**
 * The options that every model's `map` takes.
 *
 * @module
 */

import type { Rejected } from "./outcome.ts";

/** Items from anywhere: an array, a generator, a stream; endless ones too. */
export type Items<Item> = Iterable<Item> | AsyncIterable<Item>;

/** How a run stands, told to `onProgress`. */
export interface Progress {
  /** Items pulled from the input. */
  readonly pulled: number;
  /** Items that ended, in whichever way. */
  readonly settled: number;
  /** Of these, the ones that gave no value. */
  readonly rejected: number;
  /** How many items there will be, where the input tells its length. */
  readonly total: number | undefined;
}

/** When and how often a task that gave no value is tried again. */
export interface RetryOptions {
  /** Retries after the first attempt. */
  readonly limit: number;
  /** The longest wait before the first retry, in milliseconds; default 100. Doubles with each. */
  readonly baseMs?: number;
  /** The longest wait before any retry, in milliseconds; default 30,000. */
  readonly maxMs?: number;
  /** Whether waits are drawn at random between 0 and their bound ("full jitter"); default true. */
  readonly jitter?: boolean;
  /**
   * Whether this rejection may be tried again; by default those that `failed`, `timed-out` or
   * `crashed`, except errors with a property `retryable: false`.
   */
  readonly retryIf?: (rejected: Rejected) => boolean;
}

/** Options of `map` and `mapSettled`, the same in every model. */
export interface MapOptions {
  /** In which order results come: as the items did, or as they end. Default `"input"`. */
  readonly order?: "input" | "completion";
  /** Stops the run: what is queued is dropped, what runs is asked to stop, then stopped. */
  readonly signal?: AbortSignal;
  /** How long a task may take from its own start, in milliseconds; unlimited by default. */
  readonly timeoutMs?: number;
  /** Retries of a task that gave no value: a count, or how and when. Default 0. */
  readonly retries?: number | RetryOptions;
  /** Items that travel to a lane together; `"auto"`, the default, follows the measured task time. */
  readonly chunk?: "auto" | number;
  /**
   * Items pulled beyond the slots, at most: those waiting for a slot and those that ended but wait
   * for the consumer. `"auto"`, the default, is two chunks a slot.
   */
  readonly buffer?: "auto" | number;
  /**
   * Whether the ArrayBuffers in items and results are moved to and from worker threads instead of
   * being copied; a moved item is empty afterwards in the caller. Default false.
   */
  readonly transfer?: boolean;
  /** Told how the run stands, after each chunk that ends. */
  readonly onProgress?: (progress: Progress) => void;
}
