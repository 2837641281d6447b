/**
 * A picture of the lanes in the terminal: slots are rows, time goes from left to right. It shows that
 * many tasks can wait at once on one lane (concurrency), and that only several lanes can compute at once
 * (parallelism).
 *
 * Models share one time axis. If a model's run is too short to be seen on it, its panel is zoomed and
 * says so, with an axis of its own.
 *
 * A timeline records when each task was in flight, but for each lane only the share of that time in which
 * it computed. A lane computes one task at a time, so in each column at most one of its rows is drawn as
 * computing, in as many columns as the share gives; the rows take turns.
 */

import { counted, formatDuration, formatNumber } from "../../text/format.ts";
import { fit, pad, plain, sideBySide, wrap } from "../../text/plain.ts";
import { decisionText, shapeText } from "../../timing/decisions.ts";
import type { Comparison, ModelResult, Timeline } from "../../timing/result.ts";
import { laneName, startUpMs, tasksOf, type TimelineTask } from "../slots.ts";
import { paletteFor, type Style, type Tone } from "../terminal.ts";

/** A panel that would be narrower than this many cells is zoomed. */
const TOO_SHORT_CELLS = 8;
/** The width of a row's label, such as "lane 0 slot 4", in columns. */
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
    const endMs = spanMs(model);
    const zoomed = endMs / axisMs * cells < TOO_SHORT_CELLS;
    lines.push("", heading(model, zoomed ? axisMs / endMs : undefined, style));
    const options = { cells, axisMs: zoomed ? endMs : axisMs, endMs, style, drawn };
    const rows = drawPanel(model.timeline!, startUpMs(model), options);
    lines.push(
      ...rows.map(({ label, row }) =>
        `${pad(fit(label, LABEL_COLUMNS), LABEL_COLUMNS)} ${row}`.trimEnd()
      ),
    );
    if (zoomed) lines.push(palette.idle(axisOf(endMs, cells)));
  }
  return [...lines, "", legend(drawn, style)].join("\n");
}

/** The time that a panel shows, in milliseconds: from the trial's start to its last outcome. */
function spanMs(model: ModelResult): number {
  const { timeline } = model;
  return timeline === undefined
    ? 0
    : startUpMs(model) + timeline.endedMs.reduce((a, b) => (b > a ? b : a), 0);
}

function heading(model: ModelResult, zoom: number | undefined, style: Style): string {
  const slots = model.slots === null ? "all slots" : counted(model.slots, "slot");
  const about = `${counted(model.lanes, "lane")} × ${slots}, ${formatDuration(spanMs(model))}` +
    (zoom === undefined ? "" : `; zoomed ${formatNumber(zoom)}×, so mind its own axis`);
  const name = pad(fit(plain(model.model), LABEL_COLUMNS - 1), LABEL_COLUMNS);
  const lines = wrap(about, style.columns - LABEL_COLUMNS - 1).split("\n");
  return `${paletteFor(style).heading(name)} ${lines.join(`\n${" ".repeat(LABEL_COLUMNS + 1)}`)}`;
}

/** The axis as a line: "0" at its start, half the time in the middle, and the whole time at its end. */
function axisOf(ms: number, cells: number): string {
  const half = ` ${formatDuration(ms / 2)}┼`, end = ` ${formatDuration(ms)}┤`;
  const middle = Math.floor(cells / 2);
  const rule = (columns: number) => "─".repeat(Math.max(0, columns));
  const hasMiddle = middle > half.length + 2 && cells - middle > end.length + 1;
  const line = hasMiddle
    ? rule(middle - half.length - 1) + half + rule(cells - middle - end.length)
    : rule(cells - 1 - end.length);
  return `${" ".repeat(LABEL_COLUMNS + 1)}0${line}${end}`;
}

/** The signs with their meaning and colour; a legend names only signs that were drawn. */
const SIGNS = {
  computing: { sign: "█", words: "computing", tone: "computing" },
  waiting: { sign: "░", words: "waiting", tone: "waiting" },
  unknown: { sign: "▒", words: "in flight", tone: "waiting" },
  starting: { sign: "-", words: "lane starting", tone: "idle" },
  idle: { sign: "·", words: "idle", tone: "idle" },
  failed: { sign: "x", words: "failed", tone: "bad" },
  number: { sign: "12", words: "task 12 begins", tone: undefined },
} as const;

export type Sign = keyof typeof SIGNS;

function legend(drawn: ReadonlySet<Sign>, style: Style): string {
  const palette = paletteFor(style);
  const entries = Object.entries(SIGNS).filter(([name]) => drawn.has(name as Sign)).map(
    ([_, { sign, words, tone }]) => `${tone === undefined ? sign : palette[tone](sign)} ${words}`,
  );
  const lines = sideBySide(entries, style.columns, "   ");
  const note = "How much a lane computed is measured; where in its tasks it did so is not.";
  const isTold = drawn.has("computing") || drawn.has("waiting");
  return (isTold ? [...lines, palette.idle(wrap(note, style.columns))] : lines).join("\n");
}

interface PanelOptions {
  readonly cells: number;
  readonly axisMs: number;
  /** When this model's run ended, in milliseconds; nothing is drawn after it. */
  readonly endMs: number;
  readonly style: Style;
  readonly drawn: Set<Sign>;
}

/** The most rows of a panel: if there are more slots they share rows, and further lanes are only counted. */
const MOST_ROWS = 8;
/** A cell is drawn as in flight if the row's slots had tasks in flight for this share of its time. */
const IN_FLIGHT = 0.5;
/** In a row of one slot, a task shorter than a cell is still drawn if it took more than this share of one. */
const LEAST_SHOWN = 0.1;
/** Tasks are numbered if at least this share of them has room for a number. */
const MOST_HAVE_ROOM = 0.75;
/** The fractional part of the golden ratio; its multiples modulo 1 spread evenly over 0 to 1. */
const GOLDEN_FRACTION = 0.6180339887;

/**
 * Draws the panel of a trial that took `startMs` to start before its first item. Rows are labelled by lane
 * and slots; the line that counts hidden lanes has no label.
 */
export function drawPanel(timeline: Timeline, startMs: number, options: PanelOptions) {
  const { ran, used } = tasksOf(timeline);
  const rows = rowsOf(used, options.cells);
  fillRows(rows, ran, startMs, options);
  numberTasks(rows);
  const panel = [...Map.groupBy(rows, ({ lane }) => lane)].flatMap(([lane, of]) => {
    const known = timeline.lanes.find((entry) => entry.lane === lane);
    const share = known?.cpuShare ?? null;
    const computing = computingRows(of, lane, share ?? 0);
    const starting = Math.min(known?.startMs ?? 0, startMs) / options.axisMs * options.cells;
    return of.map((row) => ({
      label: labelOf(row, used.get(lane)!, laneName(timeline, lane)),
      row: drawRow(row, (cell) => computing[cell] === row, starting, share === null, options),
    }));
  });
  const hidden = used.size - MOST_ROWS;
  if (hidden > 0) panel.push({ label: "", row: `and ${counted(hidden, "more lane")}, not shown` });
  return [...decidedRow(timeline, startMs, options), ...panel];
}

/** A row with each decision of `auto` at its time, in the longest words that fit before the next one. */
function decidedRow(
  { decisions = [] }: Timeline,
  startMs: number,
  { cells, axisMs, style }: PanelOptions,
) {
  const cellOf = (ms: number) => Math.min(cells - 1, Math.floor((startMs + ms) / axisMs * cells));
  // If several decisions fall into one cell, the last one is shown.
  const byCell = new Map(decisions.map((decision) => [cellOf(decision.atMs), decision]));
  const places = [...byCell].sort(([a], [b]) => a - b);
  if (places.length === 0) return [];
  const row = places.map(([cell, { detail: _, ...decision }], at) => {
    const room = (places[at + 1]?.[0] ?? cells) - cell - 1;
    const words = [decisionText(decision), shapeText(decision.to)].find((of) => of.length <= room);
    return `│${words ?? ""}`.padEnd(room + 1);
  }).join("");
  const shown = " ".repeat(places[0]![0]) + paletteFor(style).idle(row.trimEnd());
  return [{ label: "decided", row: shown }];
}

function rowsOf(used: ReadonlyMap<number, number>, cells: number) {
  const lanes = [...used].slice(0, MOST_ROWS)
    .map(([lane, slots]) => ({ lane, slots: Math.max(1, slots) }));
  const all = lanes.reduce((sum, { slots }) => sum + slots, 0);
  const rowsPerLane = Math.max(1, Math.floor(MOST_ROWS / Math.max(1, lanes.length)));
  return lanes.flatMap(({ lane, slots }) => {
    const step = all <= MOST_ROWS ? 1 : Math.ceil(slots / rowsPerLane);
    return Array.from({ length: Math.ceil(slots / step) }, (_, i) => ({
      ...{ lane, firstSlot: i * step, slots: Math.min(step, slots - i * step) },
      // The share of each cell's time in which the row's slots had tasks in flight, 0 to 1.
      filled: new Float64Array(cells),
      // The tasks of a row with a single slot, else empty; from and to are in cells.
      tasks: [] as { readonly number: string; readonly from: number; readonly to: number }[],
      // The digits of task numbers by cell, and the cells in which a task ended without a value.
      numbers: new Map<number, string>(),
      failed: new Set<number>(),
    }));
  });
}

type Row = ReturnType<typeof rowsOf>[number];

function fillRows(
  rows: readonly Row[],
  ran: readonly TimelineTask[],
  startMs: number,
  { cells, axisMs }: PanelOptions,
): void {
  const byLane = Map.groupBy(rows, ({ lane }) => lane);
  const perMs = cells / axisMs;
  for (const { index, lane, slot, startedMs, endedMs, status } of ran) {
    const of = byLane.get(lane);
    const row = of?.[Math.floor(slot! / of[0]!.slots)];
    if (row === undefined) continue;
    const from = Math.max(0, (startMs + startedMs) * perMs);
    const to = Math.min(cells, (startMs + endedMs) * perMs);
    for (let cell = Math.floor(from); cell < to; cell++) {
      row.filled[cell]! += (Math.min(to, cell + 1) - Math.max(from, cell)) / row.slots;
    }
    const last = Math.max(0, Math.ceil(to) - 1);
    if (status !== "fulfilled") row.failed.add(last);
    if (row.slots > 1) continue;
    row.tasks.push({ number: String(index), from, to });
    if (to - from > LEAST_SHOWN && to - from < 1) {
      // A short task between idle times would fall below the threshold in both its cells.
      const middle = Math.floor((from + to) / 2);
      row.filled[middle] = Math.max(row.filled[middle]!, IN_FLIGHT);
    }
  }
}

/** Writes each task's number where it begins, if most have room. */
function numberTasks(rows: readonly Row[]): void {
  const tasks = rows.flatMap((row) => row.tasks.map((task) => ({ ...task, row })));
  // A number must leave at least one cell of its task visible.
  const roomy = tasks.filter(({ number, from, to }) =>
    Math.round(to) - Math.round(from) > number.length
  );
  if (roomy.length < tasks.length * MOST_HAVE_ROOM) return;
  for (const { number, from, row } of roomy) {
    [...number].forEach((digit, i) => row.numbers.set(Math.round(from) + i, digit));
  }
}

/** For each cell, the lane's row that is drawn as computing, if any; `share` sets in how many cells. */
function computingRows(rows: readonly Row[], lane: number, share: number): (Row | undefined)[] {
  // Each lane starts at its own phase; otherwise lanes of small shares would all compute in the same columns.
  let due = share > 0 ? (0.5 + lane * GOLDEN_FRACTION) % 1 : 0;
  let turn = 0;
  return Array.from(rows[0]!.filled, (_, cell) => {
    const active = rows.filter(({ filled }) => filled[cell]! >= IN_FLIGHT);
    if (active.length === 0) return undefined;
    due += share;
    if (due < 1 - 1e-9) return undefined;
    due -= 1;
    return active[turn++ % active.length];
  });
}

function drawRow(
  row: Row,
  computes: (cell: number) => boolean,
  starting: number,
  isUnknown: boolean,
  { cells, axisMs, endMs, style, drawn }: PanelOptions,
): string {
  const length = Math.min(cells, Math.ceil(endMs / axisMs * cells));
  const signs = Array.from({ length }, (_, cell) => {
    const number = row.numbers.get(cell);
    const inFlight = isUnknown ? "unknown" : computes(cell) ? "computing" : "waiting";
    const empty = cell + 0.5 < starting ? "starting" : "idle";
    const kind = row.failed.has(cell)
      ? "failed"
      : number !== undefined
      ? "number"
      : row.filled[cell]! >= IN_FLIGHT
      ? inFlight
      : empty;
    drawn.add(kind);
    return kind === "number"
      ? { sign: number!, tone: SIGNS[inFlight].tone }
      : { sign: SIGNS[kind].sign, tone: SIGNS[kind].tone as Tone };
  });
  return painted(signs, style);
}

/** Paints adjacent signs of one colour together, which makes a row about a tenth as long in characters. */
function painted(signs: readonly { sign: string; tone: Tone }[], style: Style): string {
  const palette = paletteFor(style);
  let line = "", run = "";
  signs.forEach(({ sign, tone }, i) => {
    run += sign;
    if (signs[i + 1]?.tone === tone) return;
    line += palette[tone](run);
    run = "";
  });
  return line;
}

function labelOf({ firstSlot, slots }: Row, used: number, lane: string): string {
  if (used <= 1) return lane;
  const which = slots === 1 ? `slot ${firstSlot}` : `${firstSlot}–${firstSlot + slots - 1}`;
  // The lane's name stands only at its first slot, which shows which rows belong together.
  const name = `${lane} `;
  return (firstSlot === 0 ? name : " ".repeat(name.length)) + which;
}
