/**
 * The race's table: a heading for each contest, a row for each contender.
 *
 * @module
 */

import Table from "cli-table3";
import { formatNumber } from "../../../lib/reporting/format.ts";
import type { Interval } from "../../../lib/timing/result.ts";
import type { Row } from "./result.ts";

const NOTHING = "";
const FRAME_OFF = Object.fromEntries(
  ["top", "bottom", "left", "right", "mid"].flatMap((side) =>
    [side, `${side}-mid`, `${side}-left`, `${side}-right`].map((part) => [part, ""])
  ).concat([["middle", "  "]]),
);

/** A figure with three digits that count, thousands and millions by their letters. */
function number(value: number): string {
  if (value >= 999_500) return `${formatNumber(value / 1e6)}M`;
  return value >= 9_995 ? `${formatNumber(value / 1e3)}k` : formatNumber(value);
}

function interval({ median, low, high }: Interval, sign = ""): string {
  return `${number(median)}${sign} (${number(low)}–${number(high)})`;
}

function aimOf({ aim }: Row): string {
  if (aim === null) return NOTHING;
  const sign = aim.of === "ratio" ? "×" : "";
  const bounds = [
    aim.atLeast === undefined ? [] : [`≥ ${number(aim.atLeast)}${sign}`],
    aim.atMost === undefined ? [] : [`≤ ${number(aim.atMost)}${sign}`],
  ].flat().join(", ");
  return `${bounds}: ${aim.met ? "met" : "missed"}${aim.unsure ? ", unsure" : ""}`;
}

function cells(row: Row): string[] {
  const figure = row.trouble !== null
    ? `${row.trouble.kind}`
    : row.figure === null
    ? "not run"
    : `${interval(row.figure)} ${row.unit}`;
  return [
    `${row.ours ? "▸" : " "} ${row.contender}`,
    figure,
    row.ratio === null ? NOTHING : interval(row.ratio, "×"),
    aimOf(row),
  ];
}

/**
 * Draws the table, and below it what kept contenders from running.
 *
 * @param rows What the race came to.
 * @returns The lines, without a newline at the end.
 *
 * @example
 * ```ts
 * import { renderRows } from "./table.ts";
 *
 * console.log(renderRows([])); // only the heads
 * ```
 */
export function renderRows(rows: readonly Row[]): string {
  const table = new Table({
    head: ["contender (▸ ours)", "median (low–high)", "ours to theirs (95 %)", "aim"],
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 0 },
    chars: FRAME_OFF,
  });
  let heading = "";
  for (const row of rows) {
    const contest = `${row.family}: ${row.contest}`;
    if (contest !== heading) table.push([{ content: `\n${contest}`, colSpan: 4 }]);
    heading = contest;
    table.push(cells(row));
  }
  const troubles = new Set(
    rows.flatMap(({ contender, trouble }) =>
      trouble === null ? [] : [`${contender}: ${trouble.kind}: ${trouble.reason}`]
    ),
  );
  const lines = table.toString().split("\n").map((line) => line.trimEnd());
  return [...lines, ...(troubles.size > 0 ? ["", ...troubles] : [])].join("\n");
}
