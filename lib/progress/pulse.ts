/** How a run stands at one moment, for whoever watches it. */

import type { LanesNow } from "../timing/lane_watch.ts";

/** One look at a run. */
export interface Pulse extends LanesNow {
  /** Which part of the whole it is of, where there are several. */
  readonly part?: string;
  /** Since its begin, in milliseconds. */
  readonly atMs: number;
  readonly settled: number;
  readonly failed: number;
  /** Items that there are; null if that isn't known. */
  readonly total: number | null;
  readonly perSecond: number;
  /** Why items failed, the most frequent reason first. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
}
