/**
 * A sweep's curve for the terminal: plain characters, readable without colour.
 *
 * @module
 */

import { formatNumber } from "../../text/format.ts";
import { type Law, throughputAt } from "../../scaling/laws/laws.ts";
import type { SweepResult } from "../../scaling/sweep_result.ts";

/** How large a chart is. */
export interface ChartSize {
  /** Its width in characters; default 80, at least 40. */
  readonly columns?: number;
  /** The height of the plot itself in lines; default 14. */
  readonly rows?: number;
}

/** From this ratio of largest to smallest on, sizes stand at even steps for each doubling. */
export const LOG_FROM = 8;

/** What a plot may hold, the later drawn over the earlier. */
const MARKS = { full: "=", ideal: "'", fit: ".", interval: "|", point: "o", knee: "K" } as const;

/**
 * The law that forecasts use, with its best values.
 *
 * @returns The law; null if nothing was fitted.
 */
export function chosenLaw({ chosen, fits }: Pick<SweepResult, "chosen" | "fits">): Law | null {
  const fit = fits.find(({ name }) => name === chosen);
  return fit === undefined
    ? null
    : { lambda: fit.lambda.value, sigma: fit.sigma.value, kappa: fit.kappa.value };
}

/** A round number at or above a value, so that the axis' end reads well. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((x) => x * power >= value * (1 - 1e-9));
  return (step ?? 10) * power;
}

class Grid {
  readonly #cells: string[][];
  constructor(readonly columns: number, readonly rows: number) {
    this.#cells = Array.from({ length: rows }, () => Array(columns).fill(" "));
  }
  set(column: number, row: number, mark: string): void {
    if (row >= 0 && row < this.rows && column >= 0 && column < this.columns) {
      this.#cells[row]![column] = mark;
    }
  }
  line(row: number): string {
    return this.#cells[row]!.join("");
  }
}

/** Labels at their places on one line; one that would touch the label before it is left out. */
function axisLine(labels: readonly { at: number; text: string }[], columns: number): string {
  let line = "";
  for (const { at, text } of labels) {
    const from = Math.max(0, Math.min(columns - text.length, at - Math.floor(text.length / 2)));
    if (line !== "" && from <= line.length) continue;
    line = line.padEnd(from) + text;
  }
  return line;
}

/** Entries side by side, on as many lines as they need. */
function joined(entries: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const entry of entries) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 2 + entry.length <= columns) {
      lines[lines.length - 1] = `${line}  ${entry}`;
    } else lines.push(entry);
  }
  return lines;
}

/**
 * Draws throughput against slots or lanes: `o` a median, `|` its interval, `.` the fitted law, `'` what
 * perfect scaling would be, `K` the knee, `=` where computing ends.
 *
 * @returns Lines without a newline at the end; empty with fewer than two points.
 */
export function chartText(
  result:
    & Pick<SweepResult, "points" | "fits" | "chosen" | "knee" | "axis">
    & Partial<Pick<SweepResult, "capacity">>,
  { columns = 80, rows = 14 }: ChartSize = {},
): string {
  const { points, knee, axis } = result;
  if (points.length < 2) return "";
  const law = chosenLaw(result);
  const isBad = result.fits.find(({ name }) => name === result.chosen)?.refusal != null;
  const full = result.capacity?.reached ? result.capacity : null;
  const top = roundUp(Math.max(
    full?.limitPerSecond ?? 0,
    ...points.map(({ throughputPerSecond: { median, high } }) => Math.min(high, 1.5 * median)),
    1e-9,
  ));
  const labels = [top, top / 2, 0].map((value) => formatNumber(value));
  const margin = Math.max(...labels.map((label) => label.length)) + 2;
  const width = Math.max(40, columns) - margin - 1;
  const grid = new Grid(width, rows);
  const [low, high] = [points[0]!.size, points.at(-1)!.size];
  const scale = high / low >= LOG_FROM ? Math.log2 : (x: number) => x;
  const columnOf = (size: number) =>
    Math.round((scale(size) - scale(low)) / (scale(high) - scale(low)) * (width - 1));
  // Held near the plot: an edited file's interval may end anywhere.
  const rowOf = (value: number) =>
    Math.max(-1, Math.min(rows, rows - 1 - Math.round(value / top * (rows - 1))));
  const perPlace = points[0]!.throughputPerSecond.median / low;
  for (let column = 0; column < width; column++) {
    const at = scale(low) + column / (width - 1) * (scale(high) - scale(low));
    const size = scale === Math.log2 ? 2 ** at : at;
    if (full !== null) grid.set(column, rowOf(full.limitPerSecond), MARKS.full);
    // Every other column, so that it doesn't look like the fit.
    if (column % 2 === 0) grid.set(column, rowOf(perPlace * size), MARKS.ideal);
    if (law !== null) grid.set(column, rowOf(throughputAt(law, size)), MARKS.fit);
  }
  for (const { size, throughputPerSecond: { median, low, high } } of points) {
    for (let row = rowOf(high); row <= rowOf(low); row++) {
      grid.set(columnOf(size), row, MARKS.interval);
    }
    grid.set(columnOf(size), rowOf(median), size === knee?.size ? MARKS.knee : MARKS.point);
  }
  const labelAt = new Map([[0, labels[0]!], [rowOf(top / 2), labels[1]!], [rows - 1, labels[2]!]]);
  const body = Array.from({ length: rows }, (_, row) => {
    const label = (labelAt.get(row) ?? "").padStart(margin - 2);
    return `${label} ${labelAt.has(row) ? "+" : "|"}${grid.line(row)}`.trimEnd();
  });
  const sizes = points.map(({ size }) => ({ at: columnOf(size), text: String(size) }));
  const indent = " ".repeat(margin);
  return [
    "items/s",
    ...body,
    `${" ".repeat(margin - 1)}+${"-".repeat(width)}`,
    indent + axisLine(sizes, width),
    ...joined([
      `${axis}${scale === Math.log2 ? " (log)" : ""}:`,
      `${MARKS.point} median, ${MARKS.interval} 95%`,
      ...(law === null ? [] : [`${MARKS.fit} ${isBad ? "bad fit" : "fit"}`]),
      ...(knee === null ? [] : [`${MARKS.knee} knee`]),
      `${MARKS.ideal} perfect`,
      ...(full === null ? [] : [`${MARKS.full} ${full.by === "cores" ? "cores" : "loop"} full`]),
    ], columns - margin).map((line) => indent + line),
  ].join("\n");
}
