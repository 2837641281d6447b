/**
 * The experiments on switching, for the terminal, with the ticks on a time axis: a dot for each tick, and
 * below each row when the task computed; and as Markdown.
 */

import type { SwitchFile, TickRow, WhoLetsGo } from "../../switching/switch_result.ts";
import { formatDuration } from "../../text/format.ts";
import { type Block, code, documentOf, footnote } from "../document.ts";
import { heading, inTerminal, paragraph, together } from "../document.ts";
import { paletteFor, type Style } from "../terminal.ts";
import { experimentsOf, QUESTIONS, tickLabel } from "./switch_words.ts";

export function switchReport(file: SwitchFile): Block {
  const parts = experimentsOf(file).flatMap(({ name, table, code: lines, words }) => {
    const { title, about } = QUESTIONS[name];
    return [
      together(heading(title), paragraph(about)),
      inTerminal((style) => name === "whoLetsGo" ? tickLines(file.whoLetsGo!, style) : ""),
      table,
      ...(lines.length === 0 ? [] : [code(lines)]),
      paragraph(words),
    ];
  });
  return documentOf([...parts, footnote(file.environment)]);
}

const INDENT = "  ";
/** Wider than this, dots drift apart. */
const MOST_COLUMNS = 100;

function columnOf(ms: number, watchedMs: number, columns: number): number {
  return Math.min(columns - 1, Math.max(0, Math.floor(ms * columns / watchedMs)));
}

/** A column is a dot if a tick came in it. */
export function dots({ ticks }: TickRow, watchedMs: number, columns: number): string {
  const seen = ticks.filter(({ atMs }) => atMs <= watchedMs);
  const hit = new Set(seen.map(({ atMs }) => columnOf(atMs, watchedMs, columns)));
  return Array.from({ length: columns }, (_, at) => hit.has(at) ? "•" : " ").join("");
}

/** Draws the rows on one axis, as wide as the terminal allows. */
function tickLines({ rows, watchedMs, periodMs }: WhoLetsGo, style: Style): string {
  const { idle, computing } = paletteFor(style);
  const columns = Math.min(MOST_COLUMNS, style.columns) - INDENT.length;
  const end = formatDuration(watchedMs);
  const lines = rows.flatMap((row) => {
    const from = columnOf(row.computing.fromMs, watchedMs, columns);
    const to = columnOf(row.computing.toMs, watchedMs, columns);
    return [
      tickLabel(row),
      `${INDENT}${dots(row, watchedMs, columns)}`.trimEnd(),
      INDENT + computing(" ".repeat(from) + "▔".repeat(Math.max(1, to - from))),
    ];
  });
  return [
    ...lines,
    idle(`${INDENT}0 ${"─".repeat(Math.max(1, columns - end.length - 3))} ${end}`),
    idle(`${INDENT}• a tick, due every ${formatDuration(periodMs)}   ▔ the task computes`),
  ].join("\n");
}
