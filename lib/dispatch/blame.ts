/**
 * Finds out which task was running when a lane died, as far as that can be known.
 *
 * @module
 */

import type { Sent } from "./sent.ts";

/** What is known of a lost chunk. */
export type Blame =
  /** Its next item had not been started. */
  | { readonly kind: "innocent" }
  /** The item at this offset was the only one running. */
  | { readonly kind: "culprit"; readonly offset: number; readonly sinceMs: number }
  /** The item at this offset was running, among others: any of them may have killed the lane. */
  | { readonly kind: "suspect"; readonly offset: number; readonly sinceMs: number }
  /** One of the unreported items was running. */
  | { readonly kind: "suspects" };

/**
 * Judges all the chunks that were on a lane when it died.
 *
 * @param lost The chunks.
 * @returns A judgement for each, in the same order.
 *
 * @example
 * ```ts
 * import { EventLoopLane } from "../lanes/event_loop.ts";
 * import { blame } from "./blame.ts";
 * import type { Sent } from "./sent.ts";
 *
 * const lane = new EventLoopLane({ report() {}, died() {} });
 * const waiting = { lane, items: [1, 2], reported: 0, note: undefined } as unknown as Sent;
 * console.log(blame([waiting])); // [{ kind: "innocent" }]
 * ```
 */
export function blame(lost: readonly Sent[]): Blame[] {
  const progress = lost.map((sent) => {
    const at = sent.lane.progress(sent);
    // The only item left is the one that ran, even where the lane can't tell.
    const single = at.state === "unknown" && sent.items.length - sent.reported === 1;
    return single ? { state: "running", offset: sent.reported, sinceMs: NaN } as const : at;
  });
  const active = progress.filter(({ state }) => state !== "waiting").length;
  return progress.map((at): Blame => {
    if (at.state === "waiting") return { kind: "innocent" };
    if (at.state === "unknown") return { kind: "suspects" };
    const { offset, sinceMs } = at;
    return { kind: active === 1 ? "culprit" : "suspect", offset, sinceMs };
  });
}
