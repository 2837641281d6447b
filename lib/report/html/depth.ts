/**
 * How many tasks were somewhere at once, over time, in buckets no wider than the eye can tell apart.
 *
 * @module
 */

/** A stretch of time in which the count stayed the same. */
export interface Depth {
  /** Where it begins, in milliseconds. */
  readonly fromMs: number;
  /** Where it ends, in milliseconds. */
  readonly toMs: number;
  /** The most at any moment of it. */
  readonly depth: number;
  /** How many ended in it. */
  readonly ended: number;
}

/**
 * Counts spans in flight over time. Neighbouring buckets of the same depth become one.
 *
 * @param fromMs Where each span begins, in milliseconds.
 */
export function depthOverTime(
  fromMs: readonly number[],
  toMs: readonly number[],
  endMs: number,
  buckets: number,
): Depth[] {
  const starts = Float64Array.from(fromMs).sort();
  const ends = Float64Array.from(toMs).sort();
  const stretches: Depth[] = [];
  let started = 0, over = 0;
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = endMs * bucket / buckets, to = endMs * (bucket + 1) / buckets;
    let depth = started - over;
    const overBefore = over;
    const last = bucket === buckets - 1;
    // Ends count before starts at the same moment: a slot that is handed on is one slot.
    for (;;) {
      const start = starts[started] ?? Infinity, end = ends[over] ?? Infinity;
      if (end <= start && over < started) {
        if (end > to) break;
        over++;
      } else {
        if (start >= to && !(last && start === to)) break;
        started++;
      }
      depth = Math.max(depth, started - over);
    }
    const ended = over - overBefore;
    const previous = stretches.at(-1);
    if (depth === 0) continue;
    if (previous !== undefined && previous.depth === depth && previous.toMs === from) {
      stretches[stretches.length - 1] = { ...previous, toMs: to, ended: previous.ended + ended };
    } else stretches.push({ fromMs: from, toMs: to, depth, ended });
  }
  return stretches;
}
