/**
 * Tables in a terminal: without a frame, and no wider than it. Columns that don't fit are left out.
 *
 * @module
 */

import Table from "cli-table3";
import stringWidth from "string-width";
import { fit } from "../../text/plain.ts";
import { paletteFor, type Style } from "./style.ts";

/** A column of a table. */
export interface TextColumn {
  readonly head: string;
  /** Its cells from the top. */
  readonly cells: readonly string[];
  /** Aligned left; figures are aligned right. */
  readonly left?: boolean;
  /** Columns are left out by this order, the highest first; 0 or none is kept always. */
  readonly dropOrder?: number;
  /** Shorter cells and a shorter head, taken before columns of a lower order are left out. */
  readonly short?: {
    readonly head?: string;
    readonly cells: readonly string[];
    readonly order: number;
  };
  /** Colours a row's cell. */
  readonly paint?: (row: number) => (text: string) => string;
}

const GAP = "  ";
/** If the first column must be cut, this much of it stays. */
const LEAST_COLUMNS = 6;

/** How cli-table3 draws without a frame: one rule below the heads, blanks between columns. */
export const BORDERLESS: {
  style: { head: []; border: []; compact: true; "padding-left": 0; "padding-right": 0 };
  chars: Record<string, string>;
} = {
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

function widthOf({ head, cells }: TextColumn): number {
  return cells.reduce((most, cell) => Math.max(most, stringWidth(cell)), stringWidth(head));
}

function totalWidth(columns: readonly TextColumn[]): number {
  return columns.reduce((sum, column) => sum + widthOf(column), GAP.length * (columns.length - 1));
}

/** The columns that fit, some of them shortened. */
function fitting(columns: readonly TextColumn[], width: number): TextColumn[] {
  const kept = [...columns];
  while (totalWidth(kept) > width) {
    const steps = kept.flatMap((column, at) => [
      { at, order: column.dropOrder ?? 0, short: undefined },
      ...(column.short ? [{ at, order: column.short.order, short: column.short }] : []),
    ]);
    const step = steps.reduce((a, b) => (b.order > a.order ? b : a));
    if (step.order === 0) break;
    if (step.short === undefined) kept.splice(step.at, 1);
    else {
      const { short: _, ...column } = kept[step.at]!;
      const { head = column.head, cells } = step.short;
      kept[step.at] = { ...column, head, cells };
    }
  }
  const over = totalWidth(kept) - width;
  const [first] = kept;
  if (over > 0 && first !== undefined) {
    const room = Math.max(LEAST_COLUMNS, widthOf(first) - over);
    kept[0] = {
      ...first,
      head: fit(first.head, room),
      cells: first.cells.map((cell) => fit(cell, room)),
    };
  }
  return kept;
}

/** Draws a table. */
export function textTable(columns: readonly TextColumn[], style: Style): string {
  const { heading } = paletteFor(style);
  const shown = fitting(columns, style.columns);
  const table = new Table({
    ...BORDERLESS,
    head: shown.map(({ head }) => heading(head)),
    colAligns: shown.map(({ left }) => left ? "left" : "right"),
  });
  const rows = columns[0]?.cells.length ?? 0;
  for (let row = 0; row < rows; row++) {
    table.push(shown.map(({ cells, paint }) => {
      const cell = cells[row]!;
      return paint === undefined ? cell : paint(row)(cell);
    }));
  }
  return table.toString().split("\n").map((line) => line.trimEnd()).join("\n");
}
