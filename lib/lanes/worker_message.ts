/**
 * What a worker lane and its thread say to each other: short arrays, for every key of an object is
 * cloned as a string of its own, and a message is sent for every chunk.
 *
 * @module
 */

import type { Envelope } from "./envelope.ts";
import type { AskReason, Failure, Report } from "./lane.ts";

/** A failure whose error is in an envelope. */
export interface SealedFailure extends Omit<Failure, "reason"> {
  /** What was thrown, as plain data. */
  readonly reason: Envelope;
}

/** Parent to worker: what a message is about. */
export const ToWorkerKind = { open: 0, task: 1, chunk: 2, ask: 3, usage: 4 } as const;

/** Parent to worker. */
export type ToWorker =
  | readonly [kind: typeof ToWorkerKind.open, slots: number, cells: SharedArrayBuffer, life: string]
  | readonly [kind: typeof ToWorkerKind.task, number: number, module: string, name: string]
  | readonly [
    kind: typeof ToWorkerKind.chunk,
    head: readonly number[],
    items: ArrayLike<unknown> | undefined,
    transfer: boolean,
  ]
  | readonly [kind: typeof ToWorkerKind.ask, chunkId: number, why: AskReason]
  | readonly [kind: typeof ToWorkerKind.usage];

/** Worker to parent: what a message is about. */
export const FromWorkerKind = { ready: 0, report: 1, asked: 2, usage: 3, dying: 4 } as const;

/** Worker to parent. */
export type FromWorker =
  /** `timeOriginMs` aligns the two clocks: `performance.now()` counts from it. */
  | readonly [kind: typeof FromWorkerKind.ready, timeOriginMs: number]
  | readonly [
    kind: typeof FromWorkerKind.report,
    chunkId: number,
    count: number,
    startedAtMs: number,
    endedAtMs: number,
    then: Report["then"],
    values: ArrayLike<unknown> | undefined,
    failures: readonly SealedFailure[] | undefined,
    times: Float64Array | undefined,
  ]
  /** An `ask` has been read: this thread's event loop turns. */
  | readonly [kind: typeof FromWorkerKind.asked, chunkId: number]
  | readonly [kind: typeof FromWorkerKind.usage, cpuMs: number]
  /** The thread is about to end, or something was thrown outside every task. */
  | readonly [kind: typeof FromWorkerKind.dying, how: string, error?: Envelope];
