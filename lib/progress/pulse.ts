/** How a run stands at one moment, for whoever watches it. */

/** One look at a run. */
export interface Pulse {
  /** Since its begin, in milliseconds. */
  readonly atMs: number;
  readonly settled: number;
  readonly failed: number;
  /** Items that there are; null if that isn't known. */
  readonly total: number | null;
  readonly perSecond: number;
  /** Tasks that run on each lane. */
  readonly lanes: readonly number[];
  /** Slots on each lane; null where all items are in flight at once. */
  readonly slots: number | null;
  /** How long the tasks took that ended since the last look; null if none did. */
  readonly latencyMs: { readonly median: number; readonly most: number } | null;
  /** Why items failed, the most frequent reason first. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
}
