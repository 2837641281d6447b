/**
 * A picture of the lanes in the terminal: slots as rows, time from left to right, so that it can be
 * seen that many tasks wait together on one lane (concurrency), and that only several lanes compute
 * together (parallelism).
 *
 * Models share one time axis. Where a model's run would be too short to see anything, its panel is
 * zoomed and says so, with an axis of its own.
 *
 * @module
 */

import stringWidth from "string-width";
import type { Comparison, ModelResult } from "../../timing/result.ts";
import { formatDuration, formatNumber } from "../../text/format.ts";
import { drawPanel, type Sign } from "./lanes_panel.ts";
import { fit, pad, plain, wrap } from "../../text/plain.ts";
import { type Palette, paletteFor, type Style } from "./style.ts";

/** Below this many cells a panel shows nothing; then it is zoomed. */
const TOO_SHORT_CELLS = 8;
/** Room for a row's label, such as "lane 0 slot 4". */
const LABEL_COLUMNS = 15;

/**
 * Draws the lanes of every model of a comparison that has a timeline.
 *
 * @returns The picture's lines, without a newline at the end; "" if no model has a timeline.
 */
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
  const slots = model.slots === null ? "all slots" : `${model.slots} slot${s(model.slots)}`;
  const took = formatDuration(spanMs(model));
  const about = `${model.lanes} lane${s(model.lanes)} × ${slots}, ${took}` +
    (zoom === undefined ? "" : `; zoomed ${formatNumber(zoom)}×, so mind its own axis`);
  return `${palette.heading(pad(name, LABEL_COLUMNS))} ${fit(about, columns - LABEL_COLUMNS - 1)}`;
}

function s(count: number): string {
  return count === 1 ? "" : "s";
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
  const key = joined(entries.filter(([sign]) => drawn.has(sign)).map(([, text]) => text), columns);
  const note = drawn.has("computing") || drawn.has("waiting")
    ? "How much a lane computed is measured; where in its tasks it did so is not."
    : "";
  return note === "" ? key : `${key}\n${palette.idle(wrap(note, columns))}`;
}

/** Entries side by side, on as many lines as they need. */
function joined(entries: readonly string[], columns: number): string {
  const lines: string[] = [];
  for (const entry of entries) {
    const line = lines.at(-1);
    if (line !== undefined && stringWidth(line) + 3 + stringWidth(entry) <= columns) {
      lines[lines.length - 1] = `${line}   ${entry}`;
    } else lines.push(entry);
  }
  return lines.join("\n");
}
