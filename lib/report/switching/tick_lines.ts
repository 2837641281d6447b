/**
 * Ticks on a time axis, as text: a dot for each tick, and below each row when the task computed.
 *
 * @module
 */

import type { TickRow, WhoLetsGo } from "../../switching/switch_result.ts";
import { formatDuration } from "../../text/format.ts";
import { pad } from "../../text/plain.ts";
import { paletteFor, type Style } from "../terminal/style.ts";
import { tickLabel } from "./switch_words.ts";

const INDENT = "  ";
/** Wider than this, dots drift apart. */
const MOST_COLUMNS = 100;

function axis(watchedMs: number, columns: number): string {
  const [from, to] = ["0", formatDuration(watchedMs)];
  return `${from} ${"─".repeat(Math.max(1, columns - from.length - to.length - 2))} ${to}`;
}

function columnOf(ms: number, watchedMs: number, columns: number): number {
  return Math.min(columns - 1, Math.max(0, Math.floor(ms * columns / watchedMs)));
}

/** A column is a dot if a tick came in it. */
export function dots({ ticks }: TickRow, watchedMs: number, columns: number): string {
  const hit = new Set(
    ticks.filter(({ atMs }) => atMs <= watchedMs).map(({ atMs }) =>
      columnOf(atMs, watchedMs, columns)
    ),
  );
  return Array.from({ length: columns }, (_, at) => hit.has(at) ? "•" : " ").join("");
}

function bar({ computing: { fromMs, toMs } }: TickRow, watchedMs: number, columns: number): string {
  const [from, to] = [fromMs, toMs].map((ms) => columnOf(ms, watchedMs, columns)) as [
    number,
    number,
  ];
  return " ".repeat(from) + "▔".repeat(Math.max(1, to - from));
}

/** Draws the rows on one axis, as wide as the terminal allows. */
export function tickLines({ rows, watchedMs }: WhoLetsGo, style: Style): string {
  const { idle, computing } = paletteFor(style);
  const columns = Math.min(MOST_COLUMNS, style.columns) - INDENT.length;
  const blocks = rows.flatMap((row) => [
    tickLabel(row),
    `${INDENT}${dots(row, watchedMs, columns)}`.trimEnd(),
    `${INDENT}${computing(bar(row, watchedMs, columns))}`,
  ]);
  return [
    ...blocks,
    idle(`${INDENT}${pad(axis(watchedMs, columns), columns)}`.trimEnd()),
    idle(`${INDENT}• a tick   ▔ the task computes`),
  ].join("\n");
}
