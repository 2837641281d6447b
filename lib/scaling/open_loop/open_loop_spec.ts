/**
 * What an open-loop trial is told, and what it finds: plain data, sent between processes.
 *
 * @module
 */

import type { JobSpec, ModelSpec } from "../../timing/spec.ts";

/** One rate, one round. */
export interface OpenLoopTrial extends ModelSpec {
  /** What is requested. */
  readonly job: JobSpec;
  /** Requests a second, evenly spaced. */
  readonly ratePerSecond: number;
  /** How long requests are scheduled for, in milliseconds. */
  readonly durationMs: number;
  /** How long answers are waited for after that, in milliseconds. */
  readonly drainMs: number;
  /** Items run beforehand and not counted. */
  readonly warmup: number;
}

/** Every request of a trial, column by column, by its place in the schedule. */
export interface OpenLoopTrace {
  /** When each was really started, in milliseconds from the schedule's begin; null if it wasn't. */
  readonly startedMs: readonly (number | null)[];
  /** When each was answered; null if it wasn't. */
  readonly endedMs: readonly (number | null)[];
  /** Indexes of those that were answered with a failure. */
  readonly failed: readonly number[];
  /** How often each plain reason for a failure was seen. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Of each reason one example: its item, and what its error said. */
  readonly examples?: Readonly<Record<string, string>> | undefined;
  /** When the trial was over: all answered, or cut off. */
  readonly endMs: number;
}

/**
 * How many requests a trial schedules.
 *
 * @param durationMs For how long, in milliseconds.
 */
export function scheduledCount(ratePerSecond: number, durationMs: number): number {
  return Math.max(1, Math.round(ratePerSecond * durationMs / 1000));
}
