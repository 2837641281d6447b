/**
 * The whole report for a terminal, from a result file alone.
 *
 * @module
 */

import { counted, formatNumber, formatRatio } from "../../text/format.ts";
import type { Comparison, ResultFile } from "../../timing/result.ts";
import { renderLanes } from "./lanes_picture.ts";
import { plain, wrap } from "../../text/plain.ts";
import { paletteFor, type Style } from "./style.ts";
import { renderTable } from "./table.ts";
import {
  environmentLine,
  exampleLines,
  failureLines,
  LESSON,
  verdictText,
} from "./verdict_text.ts";

/**
 * Writes a result as text: for each comparison its table, the picture of its lanes, what failed,
 * what to mind, and the verdict; then on what it was measured.
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
