/**
 * What a timeline's panels have in common, whatever their size.
 *
 * @module
 */

import type { Timeline } from "../../timing/result.ts";
import { assignSlots, hasStarted, type Slots } from "../slots.ts";
import { runningShares } from "./running_share.ts";

/** What of a timeline is the same at any size. */
export interface Prepared extends Slots {
  /** The running share of the tasks on each lane, by lane. */
  readonly running: ReadonlyMap<number, number>;
  /** The places of the tasks that started, in the order in which they did. */
  readonly started: readonly number[];
}

const preparedTimelines = new WeakMap<Timeline, Prepared>();

/**
 * Works out, once for each timeline, what doesn't depend on the size it is drawn at.
 *
 * @returns Slots, running shares, and the tasks that started.
 */
export function preparedFrom(timeline: Timeline): Prepared {
  const known = preparedTimelines.get(timeline);
  if (known !== undefined) return known;
  const prepared = {
    ...assignSlots(timeline),
    running: runningShares(timeline),
    started: startedTasks(timeline),
  };
  preparedTimelines.set(timeline, prepared);
  return prepared;
}

function startedTasks(timeline: Timeline): number[] {
  const started: number[] = [];
  for (let at = 0; at < timeline.index.length; at++) if (hasStarted(timeline, at)) started.push(at);
  return started.sort((a, b) => timeline.startedMs[a]! - timeline.startedMs[b]!);
}
