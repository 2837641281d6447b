/**
 * The table of a comparison: a model a row, with what it took and what it cost.
 *
 * @module
 */

import Table from "cli-table3";
import stringWidth from "string-width";
import type { Comparison, ModelResult, Round } from "../timing/result.ts";
import {
  formatBytes,
  formatDuration,
  formatDurationInterval,
  formatNumber,
  formatSpeedup,
  NO_FIGURE,
} from "./format.ts";
import { nothingSucceeded } from "../timing/succeeded.ts";
import { fit, plain } from "./plain.ts";
import { middle } from "./middle.ts";
import { type Palette, paletteFor, type Style } from "./style.ts";

interface Column {
  readonly head: string;
  readonly left?: boolean;
  /** Columns are dropped in this order, highest first, until the table fits; 0 stays always. */
  readonly dropOrder: number;
  readonly cell: (model: ModelResult, comparison: Comparison) => string;
  readonly paint?: (model: ModelResult, palette: Palette) => (text: string) => string;
}

const MODEL_COLUMNS = 12;

const COLUMNS: readonly Column[] = [
  {
    head: "model",
    left: true,
    dropOrder: 0,
    cell: ({ model }) => fit(plain(model), MODEL_COLUMNS),
    paint: ({ model }, palette) => model === "sequential" ? same : palette.heading,
  },
  { head: "lanes × slots", left: true, dropOrder: 8, cell: sizeOf },
  { head: "start", dropOrder: 3, cell: ({ rounds }) => time(rounds, (r) => r.startMs) },
  { head: "work", dropOrder: 4, cell: ({ rounds }) => time(rounds, (r) => r.runMs) },
  {
    head: "total",
    dropOrder: 0,
    cell: (model) => measured(model, ({ median }) => formatDuration(median)),
  },
  {
    head: "95% interval",
    dropOrder: 9,
    cell: (model) => nothingSucceeded(model) ? NO_FIGURE : measured(model, intervalOf),
  },
  { head: "CPU", dropOrder: 2, cell: ({ rounds }) => time(rounds, (r) => r.cpuMs) },
  { head: "CPUs", dropOrder: 7, cell: ({ rounds }) => busy(rounds) },
  { head: "speedup", dropOrder: 0, cell: speedupOf, paint: speedupPaint },
  {
    head: "memory",
    dropOrder: 1,
    cell: ({ rounds }) =>
      rounds.length === 0 ? NO_FIGURE : formatBytes(middle(rounds.map((r) => r.peakRssBytes))),
  },
  {
    head: "failed",
    dropOrder: 0,
    cell: ({ rounds }) => String(failedOf(rounds)),
    paint: ({ rounds }, palette) => failedOf(rounds) > 0 ? palette.bad : same,
  },
];

const GAP = "  ";

/**
 * Draws the table of a comparison. Columns that don't fit are left out, the least telling first;
 * start, work, total, CPU, speedup with its interval, memory and failures fit 80 columns.
 *
 * @param comparison What was measured.
 * @param style Width and colour.
 * @returns The table's lines, without a newline at the end.
 *
 * @example
 * ```ts
 * import { renderTable } from "./table.ts";
 *
 * const comparison = { job: { name: "none", task: "", items: 0, options: {} }, ceiling: null };
 * const nothing = { ...comparison, models: [], agree: true, warnings: [], verdict: null };
 * console.log(renderTable(nothing, { columns: 80, colour: false })); // only the heads
 * ```
 */
export function renderTable(comparison: Comparison, style: Style): string {
  const palette = paletteFor(style);
  const columns = [...COLUMNS];
  while (widthOf(columns, comparison) > style.columns) {
    const drop = columns.reduce((a, b) => (b.dropOrder > a.dropOrder ? b : a));
    if (drop.dropOrder === 0) break;
    columns.splice(columns.indexOf(drop), 1);
  }
  const table = new Table({
    ...BORDERLESS,
    head: columns.map(({ head }) => palette.heading(head)),
    colAligns: columns.map(({ left }) => left ? "left" : "right"),
  });
  for (const model of comparison.models) {
    table.push(
      columns.map(({ cell, paint = () => same }) => paint(model, palette)(cell(model, comparison))),
    );
  }
  return table.toString().split("\n").map((line) => line.trimEnd()).join("\n");
}

/** How cli-table3 draws without a frame: one rule below the heads, blanks between columns. */
export const BORDERLESS: {
  style: { head: []; border: []; compact: true; "padding-left": 0; "padding-right": 0 };
  chars: Record<string, string>;
} = {
  style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 0 },
  chars: {
    top: "",
    "top-mid": "",
    "top-left": "",
    "top-right": "",
    bottom: "",
    "bottom-mid": "",
    "bottom-left": "",
    "bottom-right": "",
    left: "",
    "left-mid": "",
    mid: "─",
    "mid-mid": "──",
    right: "",
    "right-mid": "",
    middle: GAP,
  },
};

function same(text: string): string {
  return text;
}

function widthOf(columns: readonly Column[], comparison: Comparison): number {
  const widths = columns.map(({ head, cell }) =>
    Math.max(stringWidth(head), ...comparison.models.map((m) => stringWidth(cell(m, comparison))))
  );
  return widths.reduce((sum, width) => sum + width, GAP.length * (columns.length - 1));
}

/**
 * How many lanes and slots a model had.
 *
 * @param model What was measured of it.
 * @returns Such as "5 × 1"; slots without a limit are "all".
 *
 * @example
 * ```ts
 * import { sizeOf } from "./table.ts";
 *
 * console.log(sizeOf({ lanes: 1, slots: null })); // "1 × all"
 * ```
 */
export function sizeOf({ lanes, slots }: Pick<ModelResult, "lanes" | "slots">): string {
  return `${lanes} × ${slots ?? "all"}`;
}

function time(rounds: readonly Round[], of: (round: Round) => number): string {
  return rounds.length === 0 ? NO_FIGURE : formatDuration(middle(rounds.map(of)));
}

function measured(model: ModelResult, of: (interval: ModelResult["wallMs"]) => string): string {
  return model.rounds.length === 0 ? NO_FIGURE : of(model.wallMs);
}

function intervalOf(interval: ModelResult["wallMs"]): string {
  return formatDurationInterval(interval).replace(/^[^(]*\(|\)$/g, "");
}

function busy(rounds: readonly Round[]): string {
  return rounds.length === 0
    ? NO_FIGURE
    : formatNumber(middle(rounds.map((r) => (r.wallMs > 0 ? r.cpuMs / r.wallMs : NaN))));
}

function speedupOf(model: ModelResult): string {
  if (model.speedup === null) return NO_FIGURE;
  return model.model === "sequential" ? "1×" : formatSpeedup(model.speedup);
}

function speedupPaint(model: ModelResult, palette: Palette): (text: string) => string {
  if (model.speedup === null || model.model === "sequential") return same;
  if (model.speedup.low > 1) return palette.good;
  return model.speedup.high < 1 ? palette.bad : same;
}

/**
 * Failures in the worst round. The other figures are those of one round too, but a median would hide
 * what failed in one of three.
 *
 * @param rounds What was measured of a model.
 * @returns The most tasks that failed in a round.
 *
 * @example
 * ```ts
 * import { failedOf } from "./table.ts";
 *
 * console.log(failedOf([])); // 0
 * ```
 */
export function failedOf(rounds: readonly Round[]): number {
  return rounds.reduce((most, { failed }) => Math.max(most, failed), 0);
}
