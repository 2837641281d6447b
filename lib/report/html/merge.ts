/**
 * Joins the bars of one row that no eye could tell apart.
 *
 * @module
 */

/** One bar: a task in flight, or a run of them. */
export interface Bar {
  /** Where it begins, in milliseconds. */
  readonly fromMs: number;
  /** Where it ends, in milliseconds. */
  readonly toMs: number;
  /** How the task ended; the same for all of a run. */
  readonly status: string;
  /** The first task's index among the items. */
  readonly index: number;
  /** How long the first task waited for a slot, in milliseconds. */
  readonly queuedForMs: number;
  /** How many tasks it stands for. */
  readonly tasks: number;
}

/**
 * Joins neighbours that ended alike, are each narrower than about a pixel, and have less than half
 * a pixel between them. A bar wide enough to be seen stays itself.
 *
 * @param pixelMs How many milliseconds a pixel is wide.
 * @param longestPixels No run becomes wider than this; Infinity for no bound.
 */
export function mergeBars(bars: readonly Bar[], pixelMs: number, longestPixels: number): Bar[] {
  const merged: Bar[] = [];
  const thin = (bar: Bar) => bar.toMs - bar.fromMs < pixelMs * 1.5;
  for (const bar of bars) {
    const run = merged.at(-1);
    if (
      run !== undefined && run.status === bar.status && thin(bar) && (run.tasks > 1 || thin(run)) &&
      bar.fromMs - run.toMs < pixelMs / 2 && bar.toMs - run.fromMs <= pixelMs * longestPixels
    ) {
      merged[merged.length - 1] = {
        ...run,
        toMs: Math.max(run.toMs, bar.toMs),
        tasks: run.tasks + bar.tasks,
      };
    } else merged.push(bar);
  }
  return merged;
}
