/**
 * The tasks of a timeline, and which slot of its lane each held.
 *
 * A timeline names lanes but not slots. Tasks in flight together on one lane held different slots, and
 * it doesn't matter which, so each gets the lowest free one: the fewest rows that show every overlap.
 */

import { BinaryHeap } from "@std/data-structures/binary-heap";
import { fit, plain } from "../text/plain.ts";
import type { ModelResult, Timeline } from "../timing/result.ts";

export interface TimelineTask {
  readonly index: number;
  readonly lane: number;
  readonly queuedMs: number;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly status: string;
  /** Counted from 0; undefined if the task never ran: one cancelled in the queue has no lane and no start. */
  slot?: number;
}

/**
 * All tasks in the timeline's order, those that ran in the order in which they started, and how many
 * slots each lane used at once, by lane, in the order in which lanes are shown.
 */
export function tasksOf(timeline: Timeline) {
  const tasks = timeline.index.map((index, at): TimelineTask => ({
    index,
    lane: timeline.lane[at]!,
    queuedMs: timeline.queuedMs[at]!,
    startedMs: timeline.startedMs[at]!,
    endedMs: timeline.endedMs[at]!,
    status: timeline.status[at]!,
  }));
  const ran = tasks.filter(({ lane }) => lane >= 0).sort((a, b) => a.startedMs - b.startedMs);
  const unused = () => ({
    free: new BinaryHeap<number>((a, b) => a - b),
    ends: new BinaryHeap<{ atMs: number; slot: number }>((a, b) => a.atMs - b.atMs),
    used: 0,
  });
  const lanes = new Map<number, ReturnType<typeof unused>>();
  const laneOf = (number: number) => lanes.getOrInsertComputed(number, unused);
  for (const { lane } of timeline.lanes) laneOf(lane);
  for (const task of ran) {
    const lane = laneOf(task.lane);
    const { startedMs, endedMs } = task;
    for (let next = lane.ends.peek(); next && next.atMs <= startedMs; next = lane.ends.peek()) {
      lane.free.push(lane.ends.pop()!.slot);
    }
    const slot = task.slot = lane.free.pop() ?? lane.used++;
    lane.ends.push({ atMs: Math.max(startedMs, endedMs), slot });
  }
  // Lanes are sorted so that those of one machine are together.
  const names = new Map(timeline.lanes.map(({ lane, machine = "" }) => [lane, plain(machine)]));
  const nameOf = (lane: number) => names.get(lane) ?? "";
  const sorted = [...lanes].sort(([a], [b]) => nameOf(a).localeCompare(nameOf(b)) || a - b);
  return { tasks, ran, used: new Map(sorted.map(([n, { used }]) => [n, used])) };
}

/** Milliseconds that lanes took to start before the first item, from which a timeline counts. */
export function startUpMs({ timeline, rounds }: Pick<ModelResult, "timeline" | "rounds">): number {
  return rounds.find(({ round }) => round === timeline?.round)?.startMs ?? 0;
}

/** A machine's name before a lane's number is cut to this many characters. */
const MOST_NAME = 12;

export function laneName({ lanes }: Timeline, lane: number): string {
  const machine = lanes.find((entry) => entry.lane === lane)?.machine;
  return machine === undefined ? `lane ${lane}` : `${fit(plain(machine), MOST_NAME)} lane ${lane}`;
}
