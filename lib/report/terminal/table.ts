/**
 * The table of a comparison: a model a row, with what it took and what it cost.
 *
 * @module
 */

import type { Comparison, ModelResult, Round } from "../../timing/result.ts";
import {
  formatBytes,
  formatDuration,
  formatDurationInterval,
  formatNumber,
  formatSpeedup,
  middle,
  NO_FIGURE,
} from "../../text/format.ts";
import { nothingSucceeded } from "../../timing/succeeded.ts";
import { fit, plain } from "../../text/plain.ts";
import { type Palette, paletteFor, type Style } from "./style.ts";
import { type TextColumn, textTable } from "./text_table.ts";

interface Column {
  readonly head: string;
  readonly left?: boolean;
  /** Columns are dropped in this order, highest first, until the table fits; 0 stays always. */
  readonly dropOrder: number;
  readonly cell: (model: ModelResult, comparison: Comparison) => string;
  readonly paint?: (model: ModelResult, palette: Palette) => (text: string) => string;
  /** A shorter cell, where the terminal is narrow. */
  readonly short?: (model: ModelResult) => string;
}

/** Shorter cells are taken once all columns that may be left out are. */
const NARROW = 0.5;

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
  {
    head: "speedup",
    dropOrder: 0,
    cell: speedupOf,
    short: (model) => speedupOf(model).replace(/ .*/, ""),
    paint: speedupPaint,
  },
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

/**
 * Draws the table of a comparison. Columns that don't fit are left out, the least telling first;
 * start, work, total, CPU, speedup with its interval, memory and failures fit 80 columns.
 */
export function renderTable(comparison: Comparison, style: Style): string {
  const { models } = comparison;
  const palette = paletteFor(style);
  const columns = COLUMNS.map(({ cell, paint = () => same, short, ...column }): TextColumn => ({
    ...column,
    cells: models.map((model) => cell(model, comparison)),
    paint: (row) => paint(models[row]!, palette),
    ...(short && { short: { cells: models.map(short), order: NARROW } }),
  }));
  return textTable(columns, style);
}

function same(text: string): string {
  return text;
}

/** How many lanes and slots a model had. */
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
 */
export function failedOf(rounds: readonly Round[]): number {
  return rounds.reduce((most, { failed }) => Math.max(most, failed), 0);
}
