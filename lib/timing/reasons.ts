/**
 * Counts why tasks failed.
 *
 * @module
 */

import type { Outcome, Rejected } from "../dispatch/outcome.ts";

/** How a rejection is counted: its error's code, such as "refused", its name, or how it ended. */
function reasonOf({ ended, reason }: Rejected): string {
  if (ended !== "failed") return ended;
  if (!(reason instanceof Error)) return typeof reason === "string" ? reason : "failed";
  const { code } = reason as { code?: unknown };
  return typeof code === "string" && code !== "" ? code : reason.name;
}

/**
 * Counts why tasks failed.
 *
 * @param outcomes All outcomes.
 * @returns How many failed by reason: an error's code, its name, or how the task ended.
 *
 * @example
 * ```ts
 * import { countReasons } from "./reasons.ts";
 *
 * const at = { lane: 0, attempts: 1, queuedAtMs: 0, startedAtMs: 0, endedAtMs: 1 };
 * const reason = Object.assign(new Error("no answer"), { code: "refused" });
 * const outcome = { ...at, index: 0, status: "rejected", ended: "failed", reason } as const;
 * console.log(countReasons([outcome])); // { refused: 1 }
 * ```
 */
export function countReasons(outcomes: readonly Outcome<unknown>[]): Record<string, number> {
  // A map first: a reason called "__proto__" must not set one.
  const counts = new Map<string, number>();
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") continue;
    const reason = reasonOf(outcome);
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}
