/**
 * Which slot of its lane each task of a timeline held.
 *
 * A timeline names lanes only. Tasks in flight together on one lane held different slots; which one
 * is of no matter, so each takes the lowest that is free: the fewest rows that show every overlap.
 */

import { BinaryHeap } from "@std/data-structures/binary-heap";
import { fit, plain } from "../text/plain.ts";
import type { Timeline } from "../timing/result.ts";

/**
 * The slot of each task, from 0, in the timeline's order, −1 for one that never started; and how many
 * each lane used at once, by lane, in the order in which lanes are shown.
 */
export function assignSlots(timeline: Timeline) {
  const slot = new Int32Array(timeline.index.length).fill(-1);
  const unused = () => ({
    free: new BinaryHeap<number>((a, b) => a - b),
    ends: new BinaryHeap<{ atMs: number; slot: number }>((a, b) => a.atMs - b.atMs),
    used: 0,
  });
  const lanes = new Map<number, ReturnType<typeof unused>>();
  const laneOf = (number: number) => lanes.getOrInsertComputed(number, unused);
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
  // Lanes of one machine stand together.
  const names = new Map(timeline.lanes.map(({ lane, machine = "" }) => [lane, plain(machine)]));
  const nameOf = (lane: number) => names.get(lane) ?? "";
  const sorted = [...lanes].sort(([a], [b]) => nameOf(a).localeCompare(nameOf(b)) || a - b);
  return { slot, used: new Map(sorted.map(([n, { used }]) => [n, used])) };
}

export type Slots = ReturnType<typeof assignSlots>;

/** A machine's name has so many characters at most beside a lane's number. */
const MOST_NAME = 12;

export function laneName({ lanes }: Timeline, lane: number): string {
  const machine = lanes.find((entry) => entry.lane === lane)?.machine;
  return machine === undefined ? `lane ${lane}` : `${fit(plain(machine), MOST_NAME)} lane ${lane}`;
}

/** Whether a task of a timeline ever ran: those cancelled in the queue have no lane and no start. */
export function hasStarted(timeline: Timeline, at: number): boolean {
  return timeline.lane[at]! >= 0 && Number.isFinite(timeline.startedMs[at]) &&
    Number.isFinite(timeline.endedMs[at]);
}

/** The places of the tasks that started, in the order in which they did. */
export function startOrder(timeline: Timeline): number[] {
  const order: number[] = [];
  for (let at = 0; at < timeline.index.length; at++) if (hasStarted(timeline, at)) order.push(at);
  return order.sort((a, b) => timeline.startedMs[a]! - timeline.startedMs[b]! || a - b);
}
