/**
 * One model's panel in the picture of the lanes.
 *
 * A timeline tells when each task was in flight, and of each lane only how much of that time it
 * computed. A lane computes one thing at a time, so in every column of the panel at most one row of
 * a lane is drawn as computing, as often as the lane's share says; the slots take turns.
 *
 * @module
 */

import type { Timeline } from "../timing/result.ts";
import { assignSlots, hasStarted, type Slots } from "./slots.ts";
import type { Palette } from "./style.ts";

/** What a sign in a picture means. A legend names only those that were drawn. */
export type Sign =
  | "computing"
  | "waiting"
  | "unknown"
  | "starting"
  | "idle"
  | "failed"
  | "number";

/** How a panel is to be drawn. */
export interface PanelOptions {
  /** Columns for the time axis. */
  readonly cells: number;
  /** What the whole axis stands for, in milliseconds. */
  readonly axisMs: number;
  /** When this model's run ended; nothing is drawn beyond. */
  readonly endMs: number;
  /** The colours to draw with. */
  readonly palette: Palette;
  /** Told which signs were used. */
  readonly drawn: Set<Sign>;
}

/** One line of a panel. */
export interface PanelRow {
  /** Which lane and slots; "" where it is nobody's. */
  readonly label: string;
  /** The signs, coloured if asked. */
  readonly row: string;
}

/** More rows than this say no more; slots, then lanes, are put together. */
const MOST_ROWS = 8;
/** A row's cell counts as in flight when its slots were so for this share of the cell. */
const IN_FLIGHT = 0.5;
/** A task alone in its row is seen if it took this share of a cell. */
const SEEN = 0.1;
/** Tasks are numbered where this share of them has room. */
const MOST = 0.75;
/** Multiples of it spread evenly over 0 to 1 (the golden ratio's fraction). */
const GOLDEN = 0.6180339887;

interface Row {
  readonly lane: number;
  readonly firstSlot: number;
  readonly slots: number;
  /** Share of each cell in which the row's slots were in flight, 0 to 1. */
  readonly filled: Float64Array;
  /** Its tasks, where a row is a single slot; from and to in cells. */
  readonly tasks: { readonly number: string; readonly from: number; readonly to: number }[];
  readonly numbers: Map<number, string>;
  readonly failed: Set<number>;
}

/**
 * Draws a panel.
 *
 * @param timeline Every task of one round.
 * @param startMs How long the trial took to start before its first item, in milliseconds.
 * @param options Size, scale and colours.
 * @returns Its rows: a slot each, or several slots where there are many.
 *
 * @example
 * ```ts
 * import { drawPanel, type Sign } from "./lanes_panel.ts";
 * import { paletteFor } from "./style.ts";
 *
 * const timeline = {
 *   round: 0,
 *   lanes: [{ lane: 0, startMs: 0, cpuShare: 1 }],
 *   index: [0],
 *   lane: [0],
 *   queuedMs: [0],
 *   startedMs: [0],
 *   endedMs: [4],
 *   status: ["fulfilled"],
 * };
 * const palette = paletteFor({ columns: 80, colour: false });
 * const drawn = new Set<Sign>();
 * const panel = drawPanel(timeline, 0, { cells: 8, axisMs: 8, endMs: 8, palette, drawn });
 * console.log(panel[0]?.row); // "0███····"
 * ```
 */
export function drawPanel(timeline: Timeline, startMs: number, options: PanelOptions): PanelRow[] {
  const slots = assignSlots(timeline);
  const { rows, hidden } = layOut(slots, options.cells);
  fill(rows, timeline, slots, startMs, options);
  const computing = computingRows(rows, timeline);
  const panel = rows.map((row, at) => ({
    label: labelOf(row, slots),
    row: drawRow(row, at, computing, timeline, startMs, options),
  }));
  return hidden === 0 ? panel : [
    ...panel,
    { label: "", row: `and ${hidden} more lane${hidden === 1 ? "" : "s"}, not shown` },
  ];
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
  { cells, axisMs, drawn }: PanelOptions,
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
  number(rows, drawn);
}

/** Writes each task's number where it begins, if most tasks have room for theirs. */
function number(rows: readonly Row[], drawn: Set<Sign>): void {
  const tasks = rows.flatMap((row) => row.tasks.map((task) => ({ ...task, row })));
  // A number may not hide its task: it needs a cell more than it has digits.
  const roomy = tasks.filter(({ number, from, to }) =>
    Math.round(to) - Math.round(from) > number.length
  );
  if (roomy.length < tasks.length * MOST) return;
  for (const { number, from, row } of roomy) {
    drawn.add("number");
    for (let digit = 0; digit < number.length; digit++) {
      row.numbers.set(Math.round(from) + digit, number[digit]!);
    }
  }
}

/** For each lane and column the row that computes, or −1: the share decides how often. */
function computingRows(rows: readonly Row[], timeline: Timeline): Map<number, Int32Array> {
  const computing = new Map<number, Int32Array>();
  for (const [lane, of] of Map.groupBy(rows, ({ lane }) => lane)) {
    const share = timeline.lanes.find((entry) => entry.lane === lane)?.cpuShare ?? 0;
    const chosen = new Int32Array(of[0]!.filled.length).fill(-1);
    // Lanes begin at different phases, or their rare computing would look as if they had agreed.
    let due = share > 0 ? (0.5 + lane * GOLDEN) % 1 : 0;
    let turn = 0;
    for (let cell = 0; cell < chosen.length; cell++) {
      const active = of.filter(({ filled }) => filled[cell]! >= IN_FLIGHT);
      if (active.length === 0) continue;
      due += share;
      if (due < 1 - 1e-9) continue;
      due -= 1;
      chosen[cell] = rows.indexOf(active[turn++ % active.length]!);
    }
    computing.set(lane, chosen);
  }
  return computing;
}

function drawRow(
  row: Row,
  at: number,
  computing: ReadonlyMap<number, Int32Array>,
  timeline: Timeline,
  startMs: number,
  { cells, axisMs, endMs, palette, drawn }: PanelOptions,
): string {
  const lane = timeline.lanes.find((entry) => entry.lane === row.lane);
  const readyCells = Math.min(lane?.startMs ?? 0, startMs) / axisMs * cells;
  const endCell = Math.min(cells, Math.ceil(endMs / axisMs * cells));
  let line = "";
  for (let cell = 0; cell < endCell; cell++) {
    const computes = computing.get(row.lane)![cell] === at;
    const number = row.numbers.get(cell);
    if (row.failed.has(cell)) {
      drawn.add("failed");
      line += palette.bad("x");
    } else if (row.filled[cell]! >= IN_FLIGHT || number !== undefined) {
      const unknown = (lane?.cpuShare ?? null) === null;
      if (number === undefined) drawn.add(unknown ? "unknown" : computes ? "computing" : "waiting");
      const paint = computes ? palette.computing : palette.waiting;
      line += paint(number ?? (unknown ? "▒" : computes ? "█" : "░"));
    } else if (cell + 0.5 < readyCells) {
      drawn.add("starting");
      line += palette.idle("-");
    } else {
      drawn.add("idle");
      line += palette.idle("·");
    }
  }
  return line;
}

function labelOf({ lane, firstSlot, slots: many }: Row, slots: Slots): string {
  if (slots.used.get(lane)! <= 1) return `lane ${lane}`;
  const last = firstSlot + many - 1;
  const which = many === 1 ? `slot ${firstSlot}` : `${firstSlot}–${last}`;
  // The lane's name stands at its first slot only: the eye then sees which rows belong together.
  return firstSlot === 0
    ? `lane ${lane} ${which}`
    : `${" ".repeat(`lane ${lane} `.length)}${which}`;
}
