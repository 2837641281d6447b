/**
 * One model's panel in the picture of the lanes.
 *
 * A timeline tells when each task was in flight, and of each lane only how much of that time it
 * computed. A lane computes one thing at a time, so in every column of the panel at most one row of
 * a lane is drawn as computing, as often as the lane's share says; the slots take turns.
 *
 * @module
 */

import type { Timeline } from "../../timing/result.ts";
import { IN_FLIGHT, layRows, type Row } from "./lanes_rows.ts";
import { assignSlots, type Slots } from "../slots.ts";
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

/** Multiples of it spread evenly over 0 to 1 (the golden ratio's fraction). */
const GOLDEN = 0.6180339887;

/** A sign and its colour. */
type Painted = readonly [sign: string, paint: (text: string) => string];

/**
 * Draws a panel.
 *
 * @param startMs How long the trial took to start before its first item, in milliseconds.
 */
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
    { label: "", row: `and ${hidden} more lane${hidden === 1 ? "" : "s"}, not shown` },
  ];
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
  // The lane's name stands at its first slot only: the eye then sees which rows belong together.
  return firstSlot === 0
    ? `lane ${lane} ${which}`
    : `${" ".repeat(`lane ${lane} `.length)}${which}`;
}
