/** The blocks that reports are made of; each can be written for a terminal and as Markdown. */

import { counted, formatNumber } from "../text/format.ts";
import { fit, plain } from "../text/plain.ts";
import type { Environment } from "../timing/result.ts";
import { type Html, markup } from "./html/markup.ts";
import { type Paint, paletteFor, sentences, type Style, type Tone } from "./terminal.ts";
import { stringify } from "@std/csv/stringify";
import stringWidth from "fast-string-width";

/** A part of a report; its text is "" if there is nothing to tell. */
export interface Block {
  text(style: Style): string;
  markdown(): string;
}

function told(parts: readonly string[], gap: string): string {
  return parts.filter((part) => part !== "").join(gap);
}

/** Blocks with a blank line between them. */
export function documentOf(blocks: readonly Block[]): Block {
  return {
    text: (style) => told(blocks.map((block) => block.text(style)), "\n\n"),
    markdown: () => told(blocks.map((block) => block.markdown()), "\n\n"),
  };
}

/** Blocks without a blank line between them in a terminal. */
export function together(...blocks: readonly Block[]): Block {
  const { markdown } = documentOf(blocks);
  return { text: (style) => told(blocks.map((block) => block.text(style)), "\n"), markdown };
}

/** @param level The level of the heading in Markdown. */
export function heading(text: string, indent = "", level = 3): Block {
  return {
    text: (style) => sentences([text], style, "heading", indent),
    markdown: () => `${"#".repeat(level)} ${escapeInline(text)}`,
  };
}

export function paragraph(text: string, tone?: Tone, indent = ""): Block {
  return {
    text: (style) => text === "" ? "" : sentences([text], style, tone, indent),
    markdown: () => escapeMarkdown(text),
  };
}

export function lines(texts: readonly string[], tone?: Tone): Block {
  return {
    text: (style) => sentences(texts, style, tone),
    markdown: () => texts.map((text) => `- ${escapeMarkdown(text)}`).join("\n"),
  };
}

/** Indents a block by `by` columns in a terminal. */
export function indented(block: Block, by: number): Block {
  const text = ({ columns, colour }: Style) =>
    block.text({ columns: columns - by, colour }).replaceAll(/^/gm, " ".repeat(by));
  return { ...block, text };
}

/** Bullet points below a title; an empty block if there are none. */
export function points(title: string, texts: readonly string[], tone: Tone = "heading"): Block {
  if (texts.length === 0) return { text: () => "", markdown: () => "" };
  const marked = lines(texts.map((text) => `• ${text}`));
  return {
    ...together(paragraph(title, tone), indented(marked, 2)),
    markdown: () => `#### ${escapeMarkdown(title)}\n\n${lines(texts).markdown()}`,
  };
}

/** Removes control sequences of terminals from a line; spaces around it are kept. */
function plainLine(text: string): string {
  return text.replace(/[^ ](?:.*[^ ])?/s, plain);
}

/** Lines of code; in Markdown the fence is longer than any run of backticks in them. */
export function code(texts: readonly string[], indent = ""): Block {
  const lines = texts.map(plainLine);
  const runs = lines.join("\n").match(/`+/g) ?? [];
  const fence = "`".repeat(Math.max(3, ...runs.map((run) => run.length + 1)));
  return {
    text: () => lines.map((line) => `${indent}${line}`.trimEnd()).join("\n"),
    markdown: () => [`${fence}ts`, ...lines, fence].join("\n"),
  };
}

export function inTerminal(text: Block["text"]): Block {
  return { text, markdown: () => "" };
}

export const PARTIAL = "the run was interrupted; this is what was measured until then.";

/** When the measurement started, in UTC; a text that isn't a date is returned unchanged. */
export function startText(
  { startedAt }: Environment,
  to: "minute" | "second" = "minute",
): string {
  const started = new Date(startedAt);
  return Number.isNaN(started.getTime())
    ? startedAt
    : `${started.toISOString().slice(0, to === "minute" ? 16 : 19).replace("T", " ")} UTC`;
}

/** One line that says on which machine and when a result was measured. */
export function environmentLine(environment: Environment): string {
  const { deno, os, arch, cpus, cpuModel, loadAverage, seed } = environment;
  return plain([
    `Deno ${deno}`,
    `${os} ${arch}`,
    `${counted(cpus, "CPU")}${cpuModel === undefined ? "" : ` (${cpuModel})`}`,
    ...(loadAverage?.[0] === undefined ? [] : [`load ${formatNumber(loadAverage[0])}`]),
    ...(seed === undefined ? [] : [`seed ${seed}`]),
    startText(environment),
  ].join(", "));
}

/** A note that the run was interrupted; empty if it wasn't. */
export function partialNote(partial: boolean | undefined, why = PARTIAL): Block {
  return {
    text: (style) => partial ? sentences([`Partial: ${why}`], style, "warning", "") : "",
    markdown: () => partial ? "**Partial:** the run was interrupted." : "",
  };
}

/** The environment of a result; in a terminal also explanations before and after it, each only once. */
export function footnote(
  environment: Environment,
  before: readonly string[] = [],
  behind: readonly string[] = [],
): Block {
  const notes = (environment.notes ?? []).map((note) => `Note: ${plain(note)}`);
  const own = [environmentLine(environment), ...notes];
  return {
    text: (style) => {
      const { explained = new Set() } = style;
      const [first, last] = [before, behind].map((of) => of.filter((text) => !explained.has(text)));
      for (const text of [...before, ...behind]) explained.add(text);
      return sentences([...first!, ...own, ...last!], style, "idle");
    },
    markdown: () => `<sub>${own.map(escapeMarkdown).join("; ")}</sub>`,
  };
}

/**
 * Escapes text within a line of Markdown: each character that could begin HTML, formatting, a link, a
 * mention or a reference is written as a character reference, which works inside tables too. GitHub looks
 * for mentions, references and emoji after decoding these (github/cmark-gfm#181), so a zero-width space
 * breaks them up.
 */
function escapeInline(text: string): string {
  return plain(text).replace(/[&<>|`*_\[\]@#~\\!$]/g, (sign) => `&#${sign.charCodeAt(0)};`)
    .replace(/&#(?:64|35);(?=\w)|:(?=[\w+-]+:)|\bGH-(?=\d)/gi, "$&&#8203;")
    .replace(/:\/\//g, "&#58;//").replace(/\bwww\./gi, (www) => `${www.slice(0, 3)}&#46;`);
}

/** Escapes a whole line, whose first characters could also make it a list, a heading or a rule. */
export function escapeMarkdown(text: string): string {
  return escapeInline(text)
    .replace(/^[-+=]/, (sign) => `&#${sign.charCodeAt(0)};`)
    .replace(/^(\d+)([.)])(?=\s|$)/, (_, digits, sign) => `${digits}&#${sign.charCodeAt(0)};`);
}

export interface Column<Row> {
  readonly head: string;
  /** A head that is clear without the columns beside it; used outside a terminal. */
  readonly longHead?: string;
  readonly cell: (row: Row) => string;
  /** Whether the column is aligned left, as words are; numbers are aligned right. */
  readonly left?: boolean;
  /** The width to which cells are cut in a terminal. */
  readonly most?: number;
  /** A narrow terminal drops columns in this order, the highest first; one with 0 or none is always kept. */
  readonly dropOrder?: number;
  /** Shorter cells and head, used in a narrow terminal before columns of a lower order are dropped. */
  readonly short?: {
    readonly head?: string;
    readonly cell: (row: Row) => string;
    readonly order: number;
  };
  readonly tone?: (row: Row) => Tone | undefined;
  /** Whether only a terminal shows the column; on a page a chart shows the same. */
  readonly terminalOnly?: boolean;
}

type Columns<Row> = readonly Column<Row>[];

type More<Row> = Omit<Column<Row>, "head" | "dropOrder" | "cell">;

/** A column of numbers: its head, its drop order, and its cells. */
export function numberColumn<Row>(
  head: string,
  dropOrder: number,
  cell: (row: Row) => string,
  more: More<Row> = {},
): Column<Row> {
  return { head, dropOrder, cell, ...more };
}

/** A column of words, aligned left; the parameters are those of {@linkcode numberColumn}. */
export function textColumn<Row>(...column: Parameters<typeof numberColumn<Row>>): Column<Row> {
  return { ...numberColumn(...column), left: true };
}

/** The columns that are shown outside a terminal. */
function fileColumns<Row>(columns: Columns<Row>): Column<Row>[] {
  return columns.filter(({ terminalOnly }) => !terminalOnly);
}

const GAP = "  ";
/** The least width to which the widest of the word columns and the first column is cut. */
const LEAST_COLUMNS = 6;

function written<Row>(column: Column<Row>, rows: readonly Row[]) {
  const { head, cell, left, most = Infinity, dropOrder = 0, short, tone } = column;
  return {
    ...{ head, left, dropOrder },
    cells: rows.map((row) => fit(plainLine(cell(row)), most)),
    short: short && {
      head: short.head ?? head,
      order: short.order,
      cells: rows.map((row) => plainLine(short.cell(row))),
    },
    tones: rows.map((row) => tone?.(row)),
  };
}

type Written = ReturnType<typeof written>;

function widthOf({ head, cells }: Written): number {
  return cells.reduce((most, cell) => Math.max(most, stringWidth(cell)), stringWidth(head));
}

function totalWidth(columns: readonly Written[]): number {
  return columns.reduce((sum, column) => sum + widthOf(column), GAP.length * (columns.length - 1));
}

/** The columns that fit, some of them shortened. */
function fitting(columns: readonly Written[], width: number): Written[] {
  const kept = [...columns];
  while (totalWidth(kept) > width) {
    const steps = kept.flatMap(({ dropOrder, short }, at) => [
      { at, order: dropOrder, short: undefined },
      ...(short ? [{ at, order: short.order, short }] : []),
    ]);
    const { at, order, short } = steps.reduce((a, b) => (b.order > a.order ? b : a));
    if (order === 0) break;
    if (short === undefined) kept.splice(at, 1);
    else kept[at] = { ...kept[at]!, head: short.head, cells: short.cells, short: undefined };
  }
  const over = totalWidth(kept) - width;
  const [widest] = kept.filter(({ left }, i) => left || i === 0)
    .toSorted((a, b) => widthOf(b) - widthOf(a));
  if (over > 0 && widest !== undefined) {
    const room = Math.max(LEAST_COLUMNS, widthOf(widest) - over);
    const cells = widest.cells.map((cell) => fit(cell, room));
    kept[kept.indexOf(widest)] = { ...widest, head: fit(widest.head, room), cells };
  }
  return kept;
}

export function textTable<Row>(columns: Columns<Row>, rows: readonly Row[], style: Style): string {
  const palette = paletteFor(style);
  const shown = fitting(columns.map((column) => written(column, rows)), style.columns);
  const line = (cellOf: (column: Written) => string, paintOf: (column: Written) => Paint) =>
    shown.map((column) => {
      const blanks = " ".repeat(widthOf(column) - stringWidth(cellOf(column)));
      const painted = paintOf(column)(cellOf(column));
      return column.left ? painted + blanks : blanks + painted;
    }).join(GAP).trimEnd();
  const asItIs: Paint = (text) => text;
  return [
    line(({ head }) => head, () => palette.heading),
    "─".repeat(totalWidth(shown)),
    ...rows.map((_, row) =>
      line(({ cells }) => cells[row]!, ({ tones }) => tones[row] ? palette[tones[row]] : asItIs)
    ),
  ].join("\n");
}

export function markdownTable<Row>(columns: Columns<Row>, rows: readonly Row[]): string {
  const shown = fileColumns(columns);
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(shown.map(({ head, longHead = head }) => escapeMarkdown(longHead))),
    line(shown.map(({ left }, i) => left || i === 0 ? ":--" : "--:")),
    ...rows.map((row) => line(shown.map(({ cell }) => escapeMarkdown(cell(row))))),
  ].join("\n");
}

/** Writes a table for a page, in a frame that scrolls, also by keyboard, if the table doesn't fit. */
export function htmlTable<Row>(caption: string, columns: Columns<Row>, rows: readonly Row[]): Html {
  const shown = fileColumns(columns);
  // An empty head is a plain cell: a <th> without text would name nothing.
  const heads = shown.map(({ head, longHead = head, left }, i) =>
    longHead === ""
      ? markup`<td></td>`
      : markup`<th scope="col"${!left && i > 0 && markup` class="n"`}>${longHead}</th>`
  );
  const cellOf = (text: string, left: boolean, i: number) =>
    i === 0 && text !== ""
      ? markup`<th scope="row">${text}</th>`
      : markup`<td${!left && i > 0 && markup` class="n"`}>${text}</td>`;
  const cells = rows.map((row) =>
    shown.map(({ cell, left = false }, i) => cellOf(cell(row).trim(), left, i))
  );
  return markup`
    <div class="scroll" role="group" tabindex="0" aria-label="${caption}">
      <table>
        <caption>${caption}</caption>
        <thead>
          <tr>${heads}</tr>
        </thead>
        <tbody>${cells.map((row) => markup`<tr>${row}</tr>`)}</tbody>
      </table>
    </div>
  `;
}

export interface Table extends Block {
  html(caption: string): Html;
}

export function tableOf<Row>(columns: Columns<Row>, rows: readonly Row[]): Table {
  return {
    text: (style) => textTable(columns, rows, style),
    markdown: () => markdownTable(columns, rows),
    html: (caption) => htmlTable(caption, columns, rows),
  };
}

export type CsvColumns<Row> = Readonly<
  Record<string, (row: Row) => string | number | boolean | null | undefined>
>;

/** Columns that are named after the properties that they hold. */
export function properties<Row extends object>(
  ...names: readonly (keyof Row & string)[]
): CsvColumns<Row> {
  const columns = names.map((name) => [name, (row: Row) => row[name]] as const);
  return Object.fromEntries(columns) as CsvColumns<Row>;
}

/** Writes a table as CSV; a missing value is an empty cell. */
export function csv<Row>(columns: CsvColumns<Row>, rows: readonly Row[]): string {
  const cells = rows.map((row) =>
    Object.values(columns).map((of) => {
      const value = of(row) ?? "";
      return typeof value === "string" ? escapeCell(value) : value;
    })
  );
  return stringify([Object.keys(columns), ...cells]);
}

/**
 * Escapes text in a cell. A spreadsheet takes text that begins with `=`, `+`, `-`, `@`, a tab or a carriage
 * return for a formula (OWASP, "CSV Injection"), so an apostrophe is put before it.
 */
function escapeCell(text: string): string {
  return /^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;
}
