/**
 * Which task ended a lane, as far as that can be known: the one that ran, if only one did; else all that
 * did are suspected, and run again one by one, each on a lane for itself.
 */

import type { BatchProgress, Death, Suspicion } from "../lanes/lane.ts";
import type { Batch, Blame } from "./batch.ts";

/**
 * How far a lane is with a batch: the only item left is the one that runs, even where it can't tell.
 *
 * @param isCut Whether the way there was lost, and with it perhaps word of an item's start.
 */
export function progressOf(batch: Batch, isCut = false): BatchProgress {
  let at = batch.openLane!.lane.progress(batch);
  if (isCut && at.state === "waiting") at = { state: "unknown" };
  const isSingle = at.state === "unknown" && !at.isHarmless &&
    batch.sentCount - batch.reported === 1;
  return isSingle ? { state: "running", offset: batch.reported, sinceMs: NaN } : at;
}

/** Whether some of a batch runs, or may. */
export function isActive(at: BatchProgress): boolean {
  return at.state === "running" || at.state === "unknown";
}

/** So many reruns of an item are put down to what ended tasks have left behind. */
const MOST_RERUNS = 3;

/**
 * Judges all the batches that were on a lane when it died, each in its turn.
 *
 * @param isKnown Whether something else is known to be to blame.
 * @param suspicion If it is slight, what ran is to blame only if it happens to it again while it has a lane
 * for itself.
 * @param by Whose task did it, where that is known.
 */
export function blame(
  lost: readonly Batch[],
  isKnown = false,
  suspicion?: Suspicion,
  by?: Death["by"],
): Blame[] {
  const isMachineLost = suspicion !== undefined;
  const progress = lost.map((batch) => progressOf(batch, isMachineLost));
  // What an ended task has left behind may do harm only where another one uses it.
  const isOthers = (index: number) =>
    by === "ended"
      ? lost[index]!.history.reruns < MOST_RERUNS
      : (by ?? lost[index]) !== lost[index];
  const active =
    progress.filter((at, index) => isActive(at) && !("isHarmless" in at) && !isOthers(index))
      .length;
  return progress.map((at, index): Blame => {
    const { alone, reruns } = lost[index]!.history;
    const isRunning = at.state === "running";
    const isCleared = isKnown || isOthers(index) || suspicion === "none" ||
      (at.state === "unknown"
        ? at.isHarmless || (isMachineLost && reruns === 0)
        : isMachineLost && !isRunning);
    const isSure = isRunning && active === 1 && (!isMachineLost || alone);
    return { at, fault: isCleared ? "none" : isSure ? "certain" : "perhaps" };
  });
}
