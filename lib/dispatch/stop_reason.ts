/**
 * What is told of a task that had to be stopped.
 *
 * @module
 */

import { AbandonedError, CancelledError, TimeoutError } from "../lanes/errors.ts";
import type { Ending } from "./outcome.ts";
import type { Sent } from "./sent.ts";

/**
 * The error for the outcome of a task that had to be stopped.
 *
 * @param sent Its chunk.
 * @param offset Its item's place in the chunk.
 * @param ended How it ended.
 * @returns An error that says which item, and what its task ignored.
 *
 * @example
 * ```ts
 * import { stopReason } from "./stop_reason.ts";
 *
 * const sent = {
 *   piece: { firstIndex: 40 },
 *   timeoutMs: 300,
 *   asked: { why: "timeout" as const },
 * };
 * console.log(stopReason(sent, 2, "timed-out").message);
 * // Item 42 was stopped: its task ignored its deadline of 300 ms
 * ```
 */
export function stopReason(
  sent: {
    readonly piece: Pick<Sent["piece"], "firstIndex">;
    readonly timeoutMs: number;
    readonly asked: Pick<NonNullable<Sent["asked"]>, "why"> | undefined;
  },
  offset: number,
  ended: Ending,
): Error {
  const index = sent.piece.firstIndex + offset;
  const deadline = `its deadline of ${sent.timeoutMs} ms`;
  if (ended === "timed-out") {
    return new TimeoutError(`Item ${index} was stopped: its task ignored ${deadline}`);
  }
  if (ended === "cancelled") {
    return new CancelledError(
      `Item ${index} was stopped: its task ignored that it was cancelled`,
    );
  }
  const what = sent.asked?.why === "timeout" ? deadline : "its cancelling";
  return new AbandonedError(
    `Item ${index} was abandoned: its task ignored ${what} and goes on where nothing can stop it`,
  );
}
