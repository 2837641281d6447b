/**
 * Tables of figures. A column says its head and what its cells hold; the same columns are drawn in a
 * terminal, without a frame and no wider than it, in Markdown, and on a page.
 */

import TextTable from "cli-table3";
import stringWidth from "string-width";
import { fit } from "../text/plain.ts";
import type { Block } from "./document.ts";
import { escapeMarkdown } from "./markdown.ts";
import { type Html, markup } from "./html/markup.ts";
import { paletteFor, type Style, type Tone } from "./terminal.ts";

export interface Column<Row> {
  readonly head: string;
  /** The head where the columns beside it don't say what it belongs to. */
  readonly longHead?: string;
  /** A row's cell. Text from outside must have gone through `plain`. */
  readonly cell: (row: Row) => string;
  /** Aligned left; figures are aligned right. */
  readonly left?: boolean;
  /** Its cells are cut to so many characters in a terminal. */
  readonly most?: number;
  /** A terminal leaves columns out by this order, the highest first; 0 or none is kept always. */
  readonly dropOrder?: number;
  /** Shorter cells and a shorter head, taken before columns of a lower order are left out. */
  readonly short?: {
    readonly head?: string;
    readonly cell: (row: Row) => string;
    readonly order: number;
  };
  readonly tone?: (row: Row) => Tone | undefined;
  /** Only a terminal has it, as elsewhere a chart shows the same. */
  readonly terminalOnly?: boolean;
}

/** The columns of tables that aren't a terminal's. */
function fileColumns<Row>(columns: readonly Column<Row>[]): Column<Row>[] {
  return columns.filter(({ terminalOnly }) => !terminalOnly);
}

const GAP = "  ";
/** If the first column must be cut, this much of it stays. */
const LEAST_COLUMNS = 6;

/** Draws without a frame: one rule below the heads, blanks between columns. */
const BORDERLESS = {
  style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 0 },
  chars: {
    ...Object.fromEntries(
      ["top", "bottom", "left", "right"].flatMap((side) =>
        [side, `${side}-mid`, `${side}-left`, `${side}-right`].map((part) => [part, ""])
      ),
    ),
    mid: "─",
    "mid-mid": "──",
    middle: GAP,
  },
};

/** A column whose cells were written. */
interface Written {
  readonly head: string;
  readonly cells: readonly string[];
  readonly left: boolean | undefined;
  readonly dropOrder: number;
  readonly short: { head: string; cells: readonly string[]; order: number } | undefined;
  readonly tones: readonly (Tone | undefined)[];
}

function widthOf({ head, cells }: Pick<Written, "head" | "cells">): number {
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
  const [first] = kept;
  if (over > 0 && first !== undefined) {
    const room = Math.max(LEAST_COLUMNS, widthOf(first) - over);
    const cells = first.cells.map((cell) => fit(cell, room));
    kept[0] = { ...first, head: fit(first.head, room), cells };
  }
  return kept;
}

/** Draws a table for a terminal; columns that don't fit are left out. */
export function textTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  style: Style,
): string {
  const palette = paletteFor(style);
  const written = columns.map((
    { head, cell, left, most = Infinity, dropOrder = 0, short, tone },
  ) => ({
    head,
    left,
    dropOrder,
    cells: rows.map((row) => fit(cell(row), most)),
    short: short && { head, ...short, cells: rows.map(short.cell) },
    tones: rows.map((row) => tone?.(row)),
  }));
  const shown = fitting(written, style.columns);
  const table = new TextTable({
    ...BORDERLESS,
    head: shown.map(({ head }) => palette.heading(head)),
    colAligns: shown.map(({ left }) => left ? "left" : "right"),
  });
  table.push(...rows.map((_, row) =>
    shown.map(({ cells, tones }) => {
      const [cell, tone] = [cells[row]!, tones[row]];
      return tone === undefined ? cell : palette[tone](cell);
    })
  ));
  return table.toString().split("\n").map((line) => line.trimEnd()).join("\n");
}

/** Writes a table as Markdown, its texts escaped. */
export function markdownTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): string {
  const shown = fileColumns(columns);
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(shown.map(({ head, longHead = head }) => escapeMarkdown(longHead))),
    line(shown.map(({ left }, i) => left || i === 0 ? ":--" : "--:")),
    ...rows.map((row) => line(shown.map(({ cell }) => escapeMarkdown(cell(row))))),
  ].join("\n");
}

/** Writes a table for a page, in a frame that scrolls by itself, by keyboard too, where it doesn't fit. */
export function htmlTable<Row>(
  caption: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): Html {
  const shown = fileColumns(columns);
  // A cell without a word heads nothing.
  const heads = shown.map(({ head, longHead = head, left }, i) =>
    longHead === ""
      ? markup`<td></td>`
      : markup`<th scope="col"${!left && i > 0 && markup` class="n"`}>${longHead}</th>`
  );
  const cellOf = (text: string, left: boolean, i: number) =>
    i === 0 && text !== ""
      ? markup`<th scope="row">${text}</th>`
      : left || i === 0
      ? markup`<td>${text}</td>`
      : markup`<td class="n">${text}</td>`;
  return markup`
    <div class="scroll" role="group" tabindex="0" aria-label="${caption}">
      <table>
        <caption>${caption}</caption>
        <thead>
          <tr>${heads}</tr>
        </thead>
        <tbody>${
    rows.map((row) =>
      markup`
            <tr>${shown.map(({ cell, left = false }, i) => cellOf(cell(row).trim(), left, i))}</tr>
          `
    )
  }</tbody>
      </table>
    </div>
  `;
}

/** A table that can be drawn in each way, whatever its rows are. */
export interface Table extends Block {
  html(caption: string): Html;
}

/** Puts columns and rows together. */
export function tableOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Table {
  return {
    text: (style) => textTable(columns, rows, style),
    markdown: () => markdownTable(columns, rows),
    html: (caption) => htmlTable(caption, columns, rows),
  };
}
