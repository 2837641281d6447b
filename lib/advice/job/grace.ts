/**
 * How long lanes get to take down what a job's module set up.
 *
 * @module
 */

import type { Probed } from "../probe/probe.ts";

/** A teardown that takes longer than this is slow: an executor gives it 250 ms unless told. */
export const SLOW_TEARDOWN_MS = 150;
/** Lanes are taken down beside each other, and perhaps on a busy machine: they get so many times as long. */
const AMPLE = 3;
/** What a teardown gets that didn't end in the sample. */
const ENDLESS_MS = 5_000;

/** The grace time that a job's teardown needs; undefined if the usual one is enough. */
export function graceFor({ teardownMs = 0 }: Pick<Probed, "teardownMs">): number | undefined {
  if (teardownMs <= SLOW_TEARDOWN_MS) return undefined;
  if (teardownMs === Infinity) return ENDLESS_MS;
  return 100 * Math.ceil(AMPLE * teardownMs / 100);
}
