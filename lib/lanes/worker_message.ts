/**
 * What a worker lane and its thread say to each other.
 *
 * @module
 */

import type { Envelope } from "./envelope.ts";
import type { AskReason, Chunk, Failure, Report } from "./lane.ts";
import type { Packed } from "./packing.ts";

/** A failure whose error is in an envelope. */
export interface SealedFailure extends Omit<Failure, "reason"> {
  readonly reason: Envelope;
}

/** Parent to worker. */
export type ToWorker =
  | { readonly kind: "open"; readonly slots: number; readonly cells: SharedArrayBuffer }
  | {
    readonly kind: "chunk";
    readonly chunk: Omit<Chunk, "items">;
    readonly items: Packed;
    readonly count: number;
  }
  | { readonly kind: "ask"; readonly chunkId: number; readonly why: AskReason }
  | { readonly kind: "usage" };

/** Worker to parent. */
export type FromWorker =
  /** `timeOriginMs` aligns the two clocks: `performance.now()` counts from it. */
  | { readonly kind: "ready"; readonly timeOriginMs: number }
  | {
    readonly kind: "report";
    readonly chunkId: number;
    readonly values: Packed;
    readonly failures: readonly SealedFailure[] | undefined;
    readonly report: Pick<Report, "count" | "startedAtMs" | "endedAtMs" | "times" | "then">;
  }
  /** An `ask` has been read: this thread's event loop turns. */
  | { readonly kind: "asked"; readonly chunkId: number }
  | { readonly kind: "usage"; readonly cpuMs: number }
  /** The thread is about to end, or something was thrown outside every task. */
  | { readonly kind: "dying"; readonly how: string; readonly error?: Envelope };
