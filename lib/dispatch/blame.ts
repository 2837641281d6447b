/** Finds out which task was running when a lane died, as far as that can be known. */

import type { BatchProgress } from "../lanes/lane.ts";
import type { Batch, Blame } from "./batch.ts";

/** How far a lane is with a batch: the only item left is the one that runs, even where it can't tell. */
export function progressOf(batch: Batch): BatchProgress {
  const at = batch.on!.lane.progress(batch);
  const isSingle = at.state === "unknown" && !at.isHarmless &&
    batch.sentCount - batch.reported === 1;
  return isSingle ? { state: "running", offset: batch.reported, sinceMs: NaN } : at;
}

/**
 * Judges all the batches that were on a lane when it died, each in its turn.
 *
 * @param isKnown Whether something else is known to be to blame.
 * @param isElsewhere Whether more than the lane was lost, such as its machine. Tasks seldom do that, so
 * what ran is only suspected, and to blame if it happens to it again while it has a lane for itself.
 */
export function blame(lost: readonly Batch[], isKnown = false, isElsewhere = false): Blame[] {
  const progress = lost.map(progressOf);
  const active =
    progress.filter((at) => at.state === "running" || (at.state === "unknown" && !at.isHarmless))
      .length;
  return progress.map((at, index): Blame => {
    if (at.state === "unknown") {
      const isVictim = at.isHarmless || (isElsewhere && lost[index]!.reruns === 0);
      return { kind: isVictim ? "victims" : "suspects" };
    }
    if (at.state !== "running") {
      return { kind: isKnown || isElsewhere ? "innocent" : "unstarted" };
    }
    const { offset, sinceMs } = at;
    if (isKnown) return { kind: "victim", offset, sinceMs };
    const isCulprit = active === 1 && (!isElsewhere || lost[index]!.alone);
    return { kind: isCulprit ? "culprit" : "suspect", offset, sinceMs };
  });
}
