/**
 * The rows of a panel in the picture of the lanes, and how full each of their cells is.
 *
 * @module
 */

import type { Timeline } from "../../timing/result.ts";
import { hasStarted, type Slots } from "../slots.ts";

/** More rows than this say no more; slots, then lanes, are put together. */
const MOST_ROWS = 8;
/** A row's cell counts as in flight when its slots were so for this share of the cell. */
export const IN_FLIGHT = 0.5;
/** A task alone in its row is seen if it took this share of a cell. */
const SEEN = 0.1;
/** Tasks are numbered where this share of them has room. */
const MOST = 0.75;

/** A row of a panel: a slot, or several slots of one lane. */
export interface Row {
  /** The lane's number. */
  readonly lane: number;
  /** The first of its slots. */
  readonly firstSlot: number;
  /** How many slots it stands for. */
  readonly slots: number;
  /** Share of each cell in which the row's slots were in flight, 0 to 1. */
  readonly filled: Float64Array;
  /** Its tasks, where a row is a single slot; from and to in cells. */
  readonly tasks: { readonly number: string; readonly from: number; readonly to: number }[];
  /** Digits of task numbers, by cell. */
  readonly numbers: Map<number, string>;
  /** Cells in which a task ended without a value. */
  readonly failed: Set<number>;
}

/** How time is laid on cells. */
export interface Scale {
  /** Columns for the time axis. */
  readonly cells: number;
  /** What the whole axis stands for, in milliseconds. */
  readonly axisMs: number;
}

/** The rows of a panel. */
export interface Rows {
  /** Lane by lane, slot by slot. */
  readonly rows: readonly Row[];
  /** Lanes beyond those shown. */
  readonly hidden: number;
  /** Whether tasks are numbered. */
  readonly numbered: boolean;
}

/**
 * Makes a row of each slot, or of several where there are many, and fills them with the tasks.
 *
 * @param startMs How long the trial took to start before its first item, in milliseconds.
 */
export function layRows(timeline: Timeline, slots: Slots, startMs: number, scale: Scale): Rows {
  const { rows, hidden } = layOut(slots, scale.cells);
  fill(rows, timeline, slots, startMs, scale);
  return { rows, hidden, numbered: number(rows) };
}

function layOut(slots: Slots, cells: number): { rows: Row[]; hidden: number } {
  const lanes = [...slots.used.keys()];
  const shown = lanes.length > MOST_ROWS ? lanes.slice(0, MOST_ROWS) : lanes;
  const all = shown.reduce((sum, lane) => sum + Math.max(1, slots.used.get(lane)!), 0);
  const rowsPerLane = Math.max(1, Math.floor(MOST_ROWS / Math.max(1, shown.length)));
  const rows: Row[] = [];
  for (const lane of shown) {
    const used = Math.max(1, slots.used.get(lane)!);
    const step = all <= MOST_ROWS ? 1 : Math.ceil(used / rowsPerLane);
    for (let firstSlot = 0; firstSlot < used; firstSlot += step) {
      rows.push({
        lane,
        firstSlot,
        slots: Math.min(step, used - firstSlot),
        filled: new Float64Array(cells),
        tasks: [],
        numbers: new Map(),
        failed: new Set(),
      });
    }
  }
  return { rows, hidden: lanes.length - shown.length };
}

function fill(
  rows: readonly Row[],
  timeline: Timeline,
  slots: Slots,
  startMs: number,
  { cells, axisMs }: Scale,
): void {
  const byLane = Map.groupBy(rows, ({ lane }) => lane);
  const perMs = cells / axisMs;
  for (let at = 0; at < timeline.index.length; at++) {
    if (!hasStarted(timeline, at)) continue;
    const of = byLane.get(timeline.lane[at]!);
    const row = of?.[Math.floor(slots.slot[at]! / of[0]!.slots)];
    if (row === undefined) continue;
    const from = Math.max(0, (startMs + timeline.startedMs[at]!) * perMs);
    const to = Math.min(cells, (startMs + timeline.endedMs[at]!) * perMs);
    for (let cell = Math.floor(from); cell < to; cell++) {
      row.filled[cell]! += (Math.min(to, cell + 1) - Math.max(from, cell)) / row.slots;
    }
    if (row.slots === 1 && to - from > SEEN) {
      // A short task between idle times would fall below the threshold in both its cells.
      const middle = Math.min(cells - 1, Math.floor((from + to) / 2));
      if (to - from < 1) row.filled[middle] = Math.max(row.filled[middle]!, IN_FLIGHT);
    }
    const last = Math.min(cells - 1, Math.max(0, Math.ceil(to) - 1));
    if (timeline.status[at] !== "fulfilled") row.failed.add(last);
    if (row.slots === 1) row.tasks.push({ number: String(timeline.index[at]), from, to });
  }
}

/** Writes each task's number where it begins, if most have room; says whether it did. */
function number(rows: readonly Row[]): boolean {
  const tasks = rows.flatMap((row) => row.tasks.map((task) => ({ ...task, row })));
  // A number may not hide its task: it needs a cell more than it has digits.
  const roomy = tasks.filter(({ number, from, to }) =>
    Math.round(to) - Math.round(from) > number.length
  );
  if (roomy.length < tasks.length * MOST) return false;
  for (const { number, from, row } of roomy) {
    for (let digit = 0; digit < number.length; digit++) {
      row.numbers.set(Math.round(from) + digit, number[digit]!);
    }
  }
  return roomy.length > 0;
}
