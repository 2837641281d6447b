/**
 * A picture of the lanes in the terminal: slots as rows, time from left to right. It shows that many
 * tasks wait together on one lane (concurrency), and that only several lanes compute together
 * (parallelism).
 *
 * Models share one time axis. Where a model's run would be too short to see anything, its panel is
 * zoomed and says so, with an axis of its own.
 *
 * A timeline tells when each task was in flight, and of each lane only how much of that time it
 * computed. A lane computes one thing at a time, so in every column of a panel at most one row of a
 * lane is drawn as computing, as often as the lane's share says; the slots take turns.
 *
 * @module
 */

import { assignSlots, hasStarted, type Slots } from "../slots.ts";
import { type Palette, paletteFor, type Style } from "./style.ts";
import { counted, formatDuration, formatNumber } from "../../text/format.ts";
import { fit, pad, plain, sideBySide, wrap } from "../../text/plain.ts";
import type { Comparison, ModelResult, Timeline } from "../../timing/result.ts";

/** Below this many cells a panel shows nothing; then it is zoomed. */
const TOO_SHORT_CELLS = 8;
/** Room for a row's label, such as "lane 0 slot 4". */
const LABEL_COLUMNS = 15;

/** Draws the lanes of every model of a comparison that has a timeline; "" if none has. */
export function renderLanes(comparison: Comparison, style: Style): string {
  const shown = comparison.models.filter((model) => spanMs(model) > 0);
  if (shown.length === 0) return "";
  const palette = paletteFor(style);
  const cells = style.columns - LABEL_COLUMNS - 1;
  const axisMs = Math.max(...shown.map(spanMs));
  const drawn = new Set<Sign>();
  const lines = [palette.idle(axisOf(axisMs, cells))];
  for (const model of shown) {
    const ownMs = spanMs(model);
    const zoomed = ownMs / axisMs * cells < TOO_SHORT_CELLS;
    lines.push("", heading(model, zoomed ? axisMs / ownMs : undefined, style.columns, palette));
    const panel = drawPanel(model.timeline!, startMs(model), {
      cells,
      axisMs: zoomed ? ownMs : axisMs,
      endMs: ownMs,
      palette,
      drawn,
    });
    for (const { label, row } of panel) {
      lines.push(`${pad(fit(label, LABEL_COLUMNS), LABEL_COLUMNS)} ${row}`.trimEnd());
    }
    if (zoomed) lines.push(palette.idle(axisOf(ownMs, cells)));
  }
  return [...lines, "", legend(drawn, style.columns, palette)].join("\n");
}

/** From the trial's beginning to its last outcome: what a panel shows. */
function spanMs(model: ModelResult): number {
  const { timeline } = model;
  if (timeline === undefined) return 0;
  const last = timeline.endedMs.reduce((a, b) => (b > a ? b : a), 0);
  return startMs(model) + last;
}

/** A timeline counts from the first item; the lanes' start-up comes before. */
function startMs({ timeline, rounds }: ModelResult): number {
  return rounds.find(({ round }) => round === timeline?.round)?.startMs ?? 0;
}

function heading(
  model: ModelResult,
  zoom: number | undefined,
  columns: number,
  palette: Palette,
): string {
  const name = fit(plain(model.model), LABEL_COLUMNS - 1);
  const slots = model.slots === null ? "all slots" : counted(model.slots, "slot");
  const took = formatDuration(spanMs(model));
  const about = `${counted(model.lanes, "lane")} × ${slots}, ${took}` +
    (zoom === undefined ? "" : `; zoomed ${formatNumber(zoom)}×, so mind its own axis`);
  return `${palette.heading(pad(name, LABEL_COLUMNS))} ${fit(about, columns - LABEL_COLUMNS - 1)}`;
}

/** "0", the middle and the end below their places. */
function axisOf(ms: number, cells: number): string {
  const half = formatDuration(ms / 2);
  const end = ` ${formatDuration(ms)}┤`;
  const middle = Math.floor(cells / 2);
  const before = "─".repeat(Math.max(0, middle - half.length - 3)) + ` ${half}┼`;
  const after = "─".repeat(Math.max(0, cells - middle - end.length)) + end;
  const whole = "─".repeat(Math.max(0, cells - 1 - end.length)) + end;
  return " ".repeat(LABEL_COLUMNS + 1) + "0" +
    (middle > half.length + 4 && cells - middle > end.length + 1 ? before + after : whole);
}

function legend(drawn: ReadonlySet<Sign>, columns: number, palette: Palette): string {
  const entries: [Sign, string][] = [
    ["computing", `${palette.computing("█")} computing`],
    ["waiting", `${palette.waiting("░")} waiting`],
    ["unknown", "▒ in flight"],
    ["starting", `${palette.idle("-")} lane starting`],
    ["idle", `${palette.idle("·")} idle`],
    ["failed", `${palette.bad("x")} failed`],
    ["number", "12 task 12 begins"],
  ];
  const shown = entries.filter(([sign]) => drawn.has(sign)).map(([, text]) => text);
  const key = sideBySide(shown, columns, "   ").join("\n");
  const note = drawn.has("computing") || drawn.has("waiting")
    ? "How much a lane computed is measured; where in its tasks it did so is not."
    : "";
  return note === "" ? key : `${key}\n${palette.idle(wrap(note, columns))}`;
}

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
interface PanelOptions {
  /** Columns for the time axis. */
  readonly cells: number;
  /** What the whole axis stands for, in milliseconds. */
  readonly axisMs: number;
  /** When this model's run ended; nothing is drawn beyond. */
  readonly endMs: number;
  /** The colours to draw with. */
  readonly palette: Palette;
  /** Collects which signs were used. */
  readonly drawn: Set<Sign>;
}

/** One line of a panel. */
interface PanelRow {
  /** Which lane and slots; "" for a line about no lane. */
  readonly label: string;
  /** The signs, coloured if asked. */
  readonly row: string;
}

/** The golden ratio's fraction, whose multiples spread evenly over 0 to 1. */
const GOLDEN_FRACTION = 0.6180339887;

/** A sign and its colour. */
type Painted = readonly [sign: string, paint: (text: string) => string];

/** Draws a panel of a trial that took `startMs` to start before its first item. */
export function drawPanel(timeline: Timeline, startMs: number, options: PanelOptions): PanelRow[] {
  const slots = assignSlots(timeline);
  const { rows, hidden, numbered } = layRows(timeline, slots, startMs, options);
  if (numbered) options.drawn.add("number");
  const computing = computingRows(rows, timeline);
  const panel = rows.map((row, at) => ({
    label: labelOf(row, slots),
    row: drawRow(row, at, computing, timeline, startMs, options),
  }));
  return hidden === 0 ? panel : [
    ...panel,
    { label: "", row: `and ${counted(hidden, "more lane")}, not shown` },
  ];
}

/** For each lane and column the row that computes, or −1: the share decides how often. */
function computingRows(rows: readonly Row[], timeline: Timeline): Map<number, Int32Array> {
  const computing = new Map<number, Int32Array>();
  for (const [lane, of] of Map.groupBy(rows, ({ lane }) => lane)) {
    const share = timeline.lanes.find((entry) => entry.lane === lane)?.cpuShare ?? 0;
    const chosen = new Int32Array(of[0]!.filled.length).fill(-1);
    // Each lane starts at a phase of its own, or lanes that seldom compute would all do so in one column.
    let due = share > 0 ? (0.5 + lane * GOLDEN_FRACTION) % 1 : 0;
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
  const signs: Painted[] = [];
  for (let cell = 0; cell < endCell; cell++) {
    const computes = computing.get(row.lane)![cell] === at;
    const number = row.numbers.get(cell);
    if (row.failed.has(cell)) {
      drawn.add("failed");
      signs.push(["x", palette.bad]);
    } else if (row.filled[cell]! >= IN_FLIGHT || number !== undefined) {
      const unknown = (lane?.cpuShare ?? null) === null;
      if (number === undefined) drawn.add(unknown ? "unknown" : computes ? "computing" : "waiting");
      const paint = computes ? palette.computing : palette.waiting;
      signs.push([number ?? (unknown ? "▒" : computes ? "█" : "░"), paint]);
    } else if (cell + 0.5 < readyCells) {
      drawn.add("starting");
      signs.push(["-", palette.idle]);
    } else {
      drawn.add("idle");
      signs.push(["·", palette.idle]);
    }
  }
  return paintRuns(signs);
}

/** Signs of one colour that follow each other are painted together: a row is then a tenth as long. */
function paintRuns(signs: readonly Painted[]): string {
  let line = "";
  for (let from = 0; from < signs.length;) {
    const paint = signs[from]![1];
    let run = "";
    for (; from < signs.length && signs[from]![1] === paint; from++) run += signs[from]![0];
    line += paint(run);
  }
  return line;
}

function labelOf({ lane, firstSlot, slots: many }: Row, slots: Slots): string {
  if (slots.used.get(lane)! <= 1) return `lane ${lane}`;
  const last = firstSlot + many - 1;
  const which = many === 1 ? `slot ${firstSlot}` : `${firstSlot}–${last}`;
  // The lane's name stands at its first slot only, so that one sees which rows belong together.
  return firstSlot === 0
    ? `lane ${lane} ${which}`
    : `${" ".repeat(`lane ${lane} `.length)}${which}`;
}

/** A panel has no more rows than this: slots share rows, and further lanes are counted, not drawn. */
const MOST_ROWS = 8;
/** A row's cell counts as in flight when its slots were so for this share of the cell. */
const IN_FLIGHT = 0.5;
/** A task alone in its row is seen if it took this share of a cell. */
const LEAST_SHOWN = 0.1;
/** Tasks are numbered where this share of them has room. */
const MOST_HAVE_ROOM = 0.75;

/** A row of a panel: a slot, or several slots of one lane. */
interface Row {
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

/** How time is mapped to cells. */
interface Scale {
  /** Columns for the time axis. */
  readonly cells: number;
  /** What the whole axis stands for, in milliseconds. */
  readonly axisMs: number;
}

/** The rows of a panel. */
interface Rows {
  /** Lane by lane, slot by slot. */
  readonly rows: readonly Row[];
  /** Lanes beyond those shown. */
  readonly hidden: number;
  /** Whether tasks are numbered. */
  readonly numbered: boolean;
}

/**
 * Makes a row of each slot, or of several where there are many, and fills them with the tasks.
 */
function layRows(timeline: Timeline, slots: Slots, startMs: number, scale: Scale): Rows {
  const { rows, hidden } = layOut(slots, scale.cells);
  fillRows(rows, timeline, slots, startMs, scale);
  return { rows, hidden, numbered: numberTasks(rows) };
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

function fillRows(
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
    if (row.slots === 1 && to - from > LEAST_SHOWN) {
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
function numberTasks(rows: readonly Row[]): boolean {
  const tasks = rows.flatMap((row) => row.tasks.map((task) => ({ ...task, row })));
  // A number must leave a cell of its task visible.
  const roomy = tasks.filter(({ number, from, to }) =>
    Math.round(to) - Math.round(from) > number.length
  );
  if (roomy.length < tasks.length * MOST_HAVE_ROOM) return false;
  for (const { number, from, row } of roomy) {
    for (let digit = 0; digit < number.length; digit++) {
      row.numbers.set(Math.round(from) + digit, number[digit]!);
    }
  }
  return roomy.length > 0;
}
