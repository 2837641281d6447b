/**
 * Comparisons for the terminal: of each its table, its lanes, what failed, and the verdict.
 *
 * @module
 */

import { BASELINE } from "../../models.ts";
import { renderLanes } from "./lanes_picture.ts";
import { type Palette, paletteFor, type Style, uncoloured } from "./style.ts";
import { type TextColumn, textTable } from "./text_table.ts";
import { exampleLines, failureLines, LESSON, verdictText } from "./comparison_words.ts";
import { environmentLine } from "../environment_line.ts";
import {
  counted,
  formatBytes,
  formatDuration,
  formatDurationInterval,
  formatNumber,
  formatRatio,
  formatSpeedup,
  middle,
  NO_FIGURE,
} from "../../text/format.ts";
import { fit, plain, wrap } from "../../text/plain.ts";
import {
  type Comparison,
  type ModelResult,
  nothingSucceeded,
  type ResultFile,
  type Round,
} from "../../timing/result.ts";

/**
 * Writes a result as text: for each comparison its table, the picture of its lanes, what failed,
 * warnings, and the verdict; then on what it was measured.
 */
export function renderText(result: ResultFile, style: Style): string {
  const parts = result.comparisons.map((comparison) => renderComparison(comparison, style));
  return [...parts, renderFoot(result, style)].join("\n\n") + "\n";
}

/**
 * Writes what comes after the comparisons: whether the result is partial, on what it was measured,
 * and the lesson.
 */
export function renderFoot(result: ResultFile, style: Style): string {
  const palette = paletteFor(style);
  const parts: string[] = [];
  if (result.comparisons.length === 0) parts.push("Nothing was measured.");
  if (result.partial) {
    const text = "Partial: the run was interrupted; this is what was measured until then.";
    parts.push(palette.warning(wrap(text, style.columns)));
  }
  const notes = (result.environment.notes ?? []).map((note) => `Note: ${plain(note)}`);
  parts.push(
    [environmentLine(result.environment), ...notes, LESSON]
      .map((line) => palette.idle(wrap(line, style.columns, "  "))).join("\n"),
  );
  return parts.join("\n\n");
}

/** Writes one comparison as text. */
export function renderComparison(comparison: Comparison, style: Style): string {
  const palette = paletteFor(style);
  const lines = (text: string, paint: (text: string) => string, indent = "  ") =>
    wrap(text, style.columns, indent).split("\n").map(paint).join("\n");
  const rounds = Math.max(0, ...comparison.models.map((model) => model.rounds.length));
  const title = `${plain(comparison.job.name)}: ${counted(comparison.job.items, "item")}, ${
    counted(rounds, "round")
  }, medians`;
  const { ceiling } = comparison;
  const blocks = [lines(title, palette.heading), renderTable(comparison, style)];
  if (ceiling !== null) {
    blocks.push(lines(
      `Ceiling: ${counted(ceiling.lanes, "independent process")} gain ${
        formatRatio(ceiling.speedup)
      } on this machine${
        ceiling.lanes > 1 ? `, ${formatNumber(ceiling.speedup / ceiling.lanes)} a process` : ""
      }; no number of lanes computes faster.`,
      palette.idle,
    ));
  }
  const picture = renderLanes(comparison, style);
  if (picture !== "") blocks.push(picture);
  const notices = [
    ...failureLines(comparison).map((line) => lines(`Failed: ${line}`, palette.bad)),
    ...exampleLines(comparison).map((line) => lines(`Example of ${line}`, palette.bad)),
    ...comparison.warnings.map((text) => lines(`Warning: ${plain(text)}`, palette.warning)),
  ];
  if (notices.length > 0) blocks.push(notices.join("\n"));
  blocks.push(lines(verdictText(comparison), palette.heading, ""));
  return blocks.join("\n\n");
}

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

/** Shorter cells are taken after all columns that may be left out. */
const NARROW = 0.5;

const MODEL_COLUMNS = 12;

const COLUMNS: readonly Column[] = [
  {
    head: "model",
    left: true,
    dropOrder: 0,
    cell: ({ model }) => fit(plain(model), MODEL_COLUMNS),
    paint: ({ model }, palette) => model === BASELINE ? uncoloured : palette.heading,
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
    paint: ({ rounds }, palette) => failedOf(rounds) > 0 ? palette.bad : uncoloured,
  },
];

/**
 * Draws the table of a comparison. Columns that don't fit are left out, the least important first;
 * start, work, total, CPU, speedup with its interval, memory and failures fit 80 columns.
 */
export function renderTable(comparison: Comparison, style: Style): string {
  const { models } = comparison;
  const palette = paletteFor(style);
  const columns = COLUMNS.map((
    { cell, paint = () => uncoloured, short, ...column },
  ): TextColumn => ({
    ...column,
    cells: models.map((model) => cell(model, comparison)),
    paint: (row) => paint(models[row]!, palette),
    ...(short && { short: { cells: models.map(short), order: NARROW } }),
  }));
  return textTable(columns, style);
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
  return model.model === BASELINE ? "1×" : formatSpeedup(model.speedup);
}

function speedupPaint(model: ModelResult, palette: Palette): (text: string) => string {
  if (model.speedup === null || model.model === BASELINE) return uncoloured;
  if (model.speedup.low > 1) return palette.good;
  return model.speedup.high < 1 ? palette.bad : uncoloured;
}

/**
 * Failures in the worst round: a median, as of the other figures, would hide what failed in one of
 * three.
 */
export function failedOf(rounds: readonly Round[]): number {
  return rounds.reduce((most, { failed }) => Math.max(most, failed), 0);
}
