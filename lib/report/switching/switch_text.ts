/**
 * The experiments on switching, for the terminal, with the ticks on a time axis: a dot for each tick, and
 * below each row when the task computed.
 *
 * @module
 */

import { escapeMarkdown, markdownTable } from "../files/escape.ts";
import { environmentLine } from "../environment_line.ts";
import {
  BETWEEN,
  cameText,
  lostText,
  QUESTIONS,
  sessionLabel,
  tickLabel,
  TURN_WAYS,
  whole,
  whoLetsGoWords,
  whoseSessionWords,
  whoseTurnWords,
} from "./switch_words.ts";
import { paletteFor, type Style } from "../terminal/style.ts";
import { textTable } from "../terminal/text_table.ts";
import type {
  SwitchFile,
  TickRow,
  WhoLetsGo,
  WhoseSession,
  WhoseTurn,
} from "../../switching/switch_result.ts";
import { formatDuration, formatNumber, middle } from "../../text/format.ts";
import { pad, plain, wrap } from "../../text/plain.ts";

const BAR_COLUMNS = 20;

/** A bar that is as long as its share of the longest. */
function bars(values: readonly number[], longest: number): string[] {
  return values.map((value) =>
    "█".repeat(Math.ceil(longest > 0 ? BAR_COLUMNS * Math.min(1, value / longest) : 0))
  );
}

function heading({ title, about }: { title: string; about: string }, style: Style): string {
  return `${paletteFor(style).heading(title)}\n${wrap(about, style.columns)}`;
}

function whoLetsGoText(found: WhoLetsGo, style: Style): string {
  const { rows, periodMs } = found;
  return [
    heading(QUESTIONS.whoLetsGo, style),
    tickLines(found, style),
    textTable([
      { head: "the task", left: true, cells: rows.map(tickLabel) },
      { head: "ticks that came", cells: rows.map(cameText) },
      {
        head: "late, typically",
        dropOrder: 1,
        cells: rows.map(({ typicalLateMs }) => formatDuration(typicalLateMs)),
      },
      { head: "at worst", cells: rows.map(({ worstLateMs }) => formatDuration(worstLateMs)) },
    ], style),
    wrap(`The ticker wants a turn every ${formatDuration(periodMs)}.`, style.columns),
    wrap(whoLetsGoWords(found), style.columns),
  ].join("\n\n");
}

function whoseTurnText(found: WhoseTurn, style: Style): string {
  const { rows, updates } = found;
  const { bad } = paletteFor(style);
  const same = (text: string) => text;
  return [
    heading(QUESTIONS.whoseTurn, style),
    textTable([
      { head: "who", left: true, cells: rows.map(({ way }) => TURN_WAYS[way].name) },
      { head: "how", left: true, cells: rows.map(({ way }) => TURN_WAYS[way].code) },
      {
        head: `lost of ${whole(updates)}`,
        cells: rows.map(lostText),
        paint: (row) => rows[row]!.lost.some((lost) => lost > 0) ? bad : same,
      },
      {
        head: "at most",
        left: true,
        dropOrder: 2,
        cells: bars(rows.map(({ lost }) => Math.max(...lost)), updates),
        paint: () => bad,
      },
      {
        head: "an update",
        cells: rows.map(({ updateNs }) => `${formatNumber(middle(updateNs))} ns`),
        dropOrder: 1,
      },
    ], style),
    BETWEEN.join("\n"),
    wrap(whoseTurnWords(found), style.columns),
  ].join("\n\n");
}

function whoseSessionText(found: WhoseSession, style: Style): string {
  const { rows, atOnce } = found;
  const most = Math.max(...rows.map(({ connections }) => connections));
  return [
    heading(QUESTIONS.whoseSession, style),
    textTable([
      { head: "clients", left: true, cells: rows.map((row) => sessionLabel(row, atOnce)) },
      { head: "made", cells: rows.map(({ clients }) => String(clients)) },
      { head: "connections", cells: rows.map(({ connections }) => String(connections)) },
      {
        head: "",
        left: true,
        dropOrder: 3,
        cells: bars(rows.map((row) => row.connections), most),
      },
      { head: "pages", cells: rows.map(({ pages }) => String(pages)), dropOrder: 1 },
      {
        head: "took",
        cells: rows.map(({ wallMs }) => formatDuration(wallMs)),
        dropOrder: 2,
      },
    ], style),
    wrap(plain(whoseSessionWords(found)), style.columns),
  ].join("\n\n");
}

/** Writes what was found for people. */
export function switchText(file: SwitchFile, style: Style): string {
  const { whoLetsGo, whoseTurn, whoseSession, environment } = file;
  return [
    ...(whoLetsGo ? [whoLetsGoText(whoLetsGo, style)] : []),
    ...(whoseTurn ? [whoseTurnText(whoseTurn, style)] : []),
    ...(whoseSession ? [whoseSessionText(whoseSession, style)] : []),
    paletteFor(style).idle(wrap(environmentLine(environment), style.columns, "  ")),
  ].join("\n\n");
}

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
function tickLines({ rows, watchedMs }: WhoLetsGo, style: Style): string {
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

/** Writes what was found as tables for an issue. */
export function switchMarkdown(file: SwitchFile): string {
  const { whoLetsGo, whoseTurn, whoseSession, environment } = file;
  const parts: string[] = [];
  const part = (title: string, heads: string[], rows: string[][], words: string) =>
    parts.push(`### ${title}`, markdownTable(heads, rows), escapeMarkdown(words));
  if (whoLetsGo) {
    part(
      QUESTIONS.whoLetsGo.title,
      ["the task", "ticks that came", "late, typically", "late, at worst"],
      whoLetsGo.rows.map((row) => [
        tickLabel(row),
        cameText(row),
        formatDuration(row.typicalLateMs),
        formatDuration(row.worstLateMs),
      ]),
      whoLetsGoWords(whoLetsGo),
    );
  }
  if (whoseTurn) {
    part(
      QUESTIONS.whoseTurn.title,
      ["who", "how", `lost of ${whole(whoseTurn.updates)}`, "an update"],
      whoseTurn.rows.map((row) => [
        TURN_WAYS[row.way].name,
        TURN_WAYS[row.way].code,
        lostText(row),
        `${formatNumber(middle(row.updateNs))} ns`,
      ]),
      whoseTurnWords(whoseTurn),
    );
  }
  if (whoseSession) {
    part(
      QUESTIONS.whoseSession.title,
      ["clients", "made", "connections", "pages", "took"],
      whoseSession.rows.map((row) => [
        sessionLabel(row, whoseSession.atOnce),
        String(row.clients),
        String(row.connections),
        String(row.pages),
        formatDuration(row.wallMs),
      ]),
      whoseSessionWords(whoseSession),
    );
  }
  return [...parts, `<sub>${escapeMarkdown(environmentLine(environment))}</sub>`].join("\n\n") +
    "\n";
}
