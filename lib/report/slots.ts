/**
 * Which slot of its lane each task of a timeline held.
 *
 * A timeline names lanes only. Tasks in flight together on one lane held different slots; which one
 * is of no matter, so each takes the lowest that is free: the fewest rows that show every overlap.
 *
 * @module
 */

import { BinaryHeap } from "@std/data-structures/binary-heap";
import type { Timeline } from "../timing/result.ts";

/** Where every task of a timeline was. */
export interface Slots {
  /** The slot of each task, from 0, in the timeline's order; −1 for a task that never started. */
  readonly slot: Int32Array;
  /** How many slots each lane used at once, by lane. */
  readonly used: ReadonlyMap<number, number>;
}

interface Lane {
  readonly free: BinaryHeap<number>;
  readonly ends: BinaryHeap<{ readonly atMs: number; readonly slot: number }>;
  used: number;
}

/**
 * Assigns slots to the tasks of a timeline.
 *
 * @param timeline Every task's lane and times.
 * @returns Each task's slot and each lane's number of slots in use; lanes without tasks use 0.
 *
 * @example
 * ```ts
 * import { assignSlots } from "./slots.ts";
 *
 * const { slot } = assignSlots({
 *   round: 0,
 *   lanes: [{ lane: 0, startMs: 0, cpuShare: null }],
 *   index: [0, 1],
 *   lane: [0, 0],
 *   queuedMs: [0, 0],
 *   startedMs: [0, 1],
 *   endedMs: [5, 6],
 *   status: ["fulfilled", "fulfilled"],
 * });
 * console.log([...slot]); // [0, 1], as they overlap
 * ```
 */
export function assignSlots(timeline: Timeline): Slots {
  const count = timeline.index.length;
  const slot = new Int32Array(count).fill(-1);
  const lanes = new Map<number, Lane>();
  const laneOf = (number: number) => {
    let lane = lanes.get(number);
    if (lane === undefined) {
      lane = {
        free: new BinaryHeap((a, b) => a - b),
        ends: new BinaryHeap((a, b) => a.atMs - b.atMs),
        used: 0,
      };
      lanes.set(number, lane);
    }
    return lane;
  };
  for (const { lane } of timeline.lanes) laneOf(lane);
  for (const at of startOrder(timeline)) {
    const lane = laneOf(timeline.lane[at]!);
    const startedMs = timeline.startedMs[at]!;
    for (let next = lane.ends.peek(); next && next.atMs <= startedMs; next = lane.ends.peek()) {
      lane.free.push(lane.ends.pop()!.slot);
    }
    const taken = lane.free.pop() ?? lane.used++;
    slot[at] = taken;
    lane.ends.push({ atMs: Math.max(startedMs, timeline.endedMs[at]!), slot: taken });
  }
  const used = new Map([...lanes].sort(([a], [b]) => a - b).map(([n, { used }]) => [n, used]));
  return { slot, used };
}

/**
 * Whether a task of a timeline ever ran: those cancelled in the queue have no lane and no start.
 *
 * @param timeline The tasks.
 * @param at The task's place in the timeline's columns.
 * @returns True if it started on a lane.
 *
 * @example
 * ```ts
 * import { hasStarted } from "./slots.ts";
 *
 * const none = { round: 0, lanes: [], index: [0], lane: [-1], queuedMs: [0], startedMs: [0] };
 * console.log(hasStarted({ ...none, endedMs: [1], status: ["cancelled"] }, 0)); // false
 * ```
 */
export function hasStarted(timeline: Timeline, at: number): boolean {
  return timeline.lane[at]! >= 0 && Number.isFinite(timeline.startedMs[at]) &&
    Number.isFinite(timeline.endedMs[at]);
}

function startOrder(timeline: Timeline): number[] {
  const order: number[] = [];
  for (let at = 0; at < timeline.index.length; at++) if (hasStarted(timeline, at)) order.push(at);
  return order.sort((a, b) => timeline.startedMs[a]! - timeline.startedMs[b]! || a - b);
}
