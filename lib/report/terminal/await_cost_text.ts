/**
 * What awaiting every call costs, in words.
 *
 * @module
 */

import type { AwaitCost } from "../../tasks/calibrate.ts";
import { formatNumber } from "../../text/format.ts";

const NS_PER_MS = 1e6;

/** Says by how much, and why. */
export function awaitCostText({ plainMs, awaitedMs }: AwaitCost): string {
  const [plain, awaited] = [plainMs, awaitedMs].map((ms) => `${formatNumber(ms * NS_PER_MS)} ns`);
  const ratio = awaitedMs / plainMs;
  const times = ratio > 1.05 ? `${formatNumber(ratio)} times as long as` : "no longer than";
  return `Awaited, a call of this recursion takes ${times} a plain one: ${awaited} instead of ` +
    `${plain}, measured here. Each await makes a promise, saves the function and queues the rest of ` +
    "it, and nothing ever waits, so no slot gets that back. async is for what waits.";
}
