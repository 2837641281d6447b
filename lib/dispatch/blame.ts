/**
 * Which task ended a lane, as far as that can be known: the one that ran, if only one did; otherwise all that
 * ran are suspected, and run again one by one, each with a lane to itself.
 */

import type { BatchProgress, Death, Suspicion } from "../lanes/lane.ts";
import type { Batch, Blame } from "./batch.ts";

/**
 * How far a lane is with a batch; a single unreported item is the running one, even if the lane can't tell.
 *
 * @param isCut Whether the connection was lost, and with it perhaps the report of an item's start.
 */
export function progressOf(batch: Batch, isCut = false): BatchProgress {
  let at = batch.openLane!.lane.progress(batch);
  if (isCut && at.state === "waiting") at = { state: "unknown" };
  const isSingle = at.state === "unknown" && batch.sentCount - batch.reported === 1;
  return isSingle ? { state: "running", offset: batch.reported, sinceMs: NaN } : at;
}

/** Whether an item of the batch runs, or may run. */
export function isActive(at: BatchProgress): boolean {
  return at.state === "running" || at.state === "unknown";
}

/** How many reruns of an item are attributed to something that ended tasks left behind. */
const MOST_RERUNS = 3;

/**
 * Judges all the batches that were on a lane when it died; returns a result for each, in their order.
 *
 * @param isKnown Whether something else is known to be the cause.
 * @param suspicion If slight, a task that ran is to blame only if this happens again while it has a lane to
 * itself.
 * @param by The batch whose task ended the lane, or "ended" if an earlier task did, where that is known.
 */
export function blame(
  lost: readonly Batch[],
  isKnown = false,
  suspicion?: Suspicion,
  by?: Death["by"],
): Blame[] {
  const isMachineLost = suspicion !== undefined;
  const progress = lost.map((batch) => progressOf(batch, isMachineLost));
  // Something that an ended task left behind may end the lane only when another task uses it.
  const isOthers = (index: number) =>
    by === "ended"
      ? lost[index]!.history.reruns < MOST_RERUNS
      : (by ?? lost[index]) !== lost[index];
  const active = progress.filter((at, index) => isActive(at) && !isOthers(index)).length;
  return progress.map((at, index): Blame => {
    const { alone, reruns } = lost[index]!.history;
    const isRunning = at.state === "running";
    const isCleared = isKnown || isOthers(index) || suspicion === "none" ||
      (at.state === "unknown" ? isMachineLost && reruns === 0 : isMachineLost && !isRunning);
    const isSure = isRunning && active === 1 && (!isMachineLost || alone);
    return { at, fault: isCleared ? "none" : isSure ? "certain" : "perhaps" };
  });
}
