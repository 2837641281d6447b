/**
 * A sweep's report for the terminal, with its curve in plain characters, readable without colour.
 *
 * @module
 */

import {
  capacitySentences,
  definitionSentences,
  failingSentences,
  failureSentences,
  fitSentences,
  forecastSentences,
  kneeSentence,
  littleSentences,
  nothingWorked,
  openLoopSentences,
  takeLines,
} from "./sweep_words.ts";
import { paletteFor, type Style, uncoloured } from "../terminal/style.ts";
import { textTable } from "../terminal/text_table.ts";
import { environmentLine } from "../environment_line.ts";
import { type Law, throughputAt } from "../../scaling/laws/laws.ts";
import type { OpenLoopPoint, SweepPoint, SweepResult } from "../../scaling/sweep_result.ts";
import { formatDuration, formatNumber, formatPercent, NO_FIGURE } from "../../text/format.ts";
import { plain, sideBySide, wrap } from "../../text/plain.ts";

function pointsTable({ points, axis }: SweepResult, style: Style): string {
  const time = (of: (latency: NonNullable<SweepPoint["latencyMs"]>) => number) =>
    points.map(({ latencyMs }) => latencyMs === null ? NO_FIGURE : formatDuration(of(latencyMs)));
  const table = textTable([
    { head: `${axis} `, cells: points.map(({ size, refined }) => `${size}${refined ? "+" : " "}`) },
    {
      head: "items/s",
      cells: points.map(({ throughputPerSecond: { median } }) => formatNumber(median)),
    },
    {
      head: "95%",
      dropOrder: 1,
      cells: points.map(({ throughputPerSecond: { low, high } }) =>
        high > 0 ? `${formatNumber(low)}–${formatNumber(high)}` : NO_FIGURE
      ),
    },
    { head: "median", dropOrder: 2, cells: time(({ median }) => median) },
    { head: "p95", dropOrder: 4, cells: time(({ p95 }) => p95) },
    { head: "p99", dropOrder: 3, cells: time(({ p99 }) => p99) },
    { head: "efficiency", cells: points.map(({ efficiency }) => formatPercent(efficiency)) },
  ], style);
  return table + (points.some(({ refined }) => refined) ? "\n+ added around the bend" : "");
}

function openLoopTable(points: readonly OpenLoopPoint[], style: Style): string {
  const time = (of: (point: OpenLoopPoint) => number) =>
    points.map((point) => formatDuration(of(point)));
  return textTable([
    { head: "due/s", cells: points.map(({ ratePerSecond }) => formatNumber(ratePerSecond)) },
    {
      head: "done/s",
      cells: points.map(({ achievedPerSecond }) => formatNumber(achievedPerSecond)),
    },
    { head: "naive p50", dropOrder: 4, cells: time(({ naive }) => naive.median) },
    { head: "p99", dropOrder: 3, cells: time(({ naive }) => naive.p99) },
    { head: "corrected p50", dropOrder: 2, cells: time(({ corrected }) => corrected.median) },
    {
      head: "p99",
      short: {
        head: "corrected p99",
        cells: points.map(correctedP99),
        // Once the column before it goes, its head must say what it is.
        order: 2.5,
      },
      cells: points.map(correctedP99),
    },
    {
      head: "backlog",
      dropOrder: 1,
      cells: points.map(({ backlogAtEnd }) => String(backlogAtEnd)),
    },
    { head: "kept up", cells: points.map(({ sustained }) => sustained ? "yes" : "no") },
  ], style);
}

/** Requests without an answer took longer than the time they are counted with, hence the ≥. */
function correctedP99({ corrected, unanswered, unstarted }: OpenLoopPoint): string {
  return (unanswered + unstarted > 0 ? "≥" : "") + formatDuration(corrected.p99);
}

/** Whether a task failed in a sweep. */
export function anyFailed(result: SweepResult): boolean {
  return failureSentences(result).length > 0;
}

/** Writes a sweep's report: chart, table, what follows from them, and how it is all defined. */
export function sweepText(result: SweepResult, style: Style): string {
  const { job, model, why, axis, points, fits, chosen, forecasts, openLoop, warnings, partial } =
    result;
  const palette = paletteFor(style);
  const lines = (texts: readonly string[], paint = uncoloured) =>
    texts.map((text) => wrap(text, style.columns, "  ").split("\n").map(paint).join("\n")).join(
      "\n",
    );
  const counts = [...points.map((point) => point.rounds.length), ...openLoop.map((p) => p.rounds)];
  const [least, most] = [Math.min(...counts), Math.max(0, ...counts)];
  const rounds = least < most
    ? `${least} to ${most} rounds`
    : most === 1
    ? "1 round"
    : `${most} rounds`;
  const blocks = [lines([
    `${plain(job.name)}: ${model} by ${axis}, ${rounds}, each trial in ` +
    `a fresh process${why === undefined ? "" : `; ${plain(why)}`}`,
  ], palette.heading)];
  if (points.length + openLoop.length === 0) blocks.push("Nothing was measured.");
  if (points.length > 0) {
    const chart = nothingWorked(result) ? "" : chartText(result, { columns: style.columns });
    if (chart !== "") blocks.push(chart);
    blocks.push(pointsTable(result, style));
    blocks.push(lines([
      kneeSentence(result),
      ...failingSentences(result),
      ...capacitySentences(result),
    ], palette.heading));
    const take = takeLines(result);
    if (take.length > 0) blocks.push(lines(take, palette.good));
    const shown = fits.toSorted((a, b) => Number(b.name === chosen) - Number(a.name === chosen));
    const laws = shown.flatMap(fitSentences);
    const more = [...laws, ...littleSentences(result)];
    if (more.length > 0) blocks.push(lines(more));
    if (forecasts.length > 0) blocks.push(lines(forecastSentences(result)));
  }
  if (openLoop.length > 0) {
    blocks.push(openLoopTable(openLoop, style), lines(openLoopSentences(result), palette.heading));
  }
  const notices = [
    ...failureSentences(result).map((text) => lines([`Failed: ${text}`], palette.bad)),
    ...warnings.map((text) => lines([`Warning: ${plain(text)}`], palette.warning)),
    ...(partial
      ? [
        lines(
          ["Partial: the run was interrupted; this is what was measured until then."],
          palette.warning,
        ),
      ]
      : []),
  ];
  if (notices.length > 0) blocks.push(notices.join("\n"));
  const notes = (result.environment.notes ?? []).map((note) => `Note: ${plain(note)}`);
  blocks.push(
    lines(
      [...definitionSentences(result), environmentLine(result.environment), ...notes],
      palette.idle,
    ),
  );
  return blocks.join("\n\n");
}

/** How large a chart is. */
interface ChartSize {
  /** Its width in characters; default 80, at least 40. */
  readonly columns?: number;
  /** The height of the plot itself in lines; default 14. */
  readonly rows?: number;
}

/** From this ratio of the largest to the smallest size on, their axis is logarithmic. */
export const LOG_FROM = 8;

/** What a plot may hold, the later drawn over the earlier. */
const MARKS = { full: "=", ideal: "'", fit: ".", interval: "|", point: "o", knee: "K" } as const;

/** The law that forecasts use, with its best values; null if nothing was fitted. */
export function chosenLaw({ chosen, fits }: Pick<SweepResult, "chosen" | "fits">): Law | null {
  const fit = fits.find(({ name }) => name === chosen);
  return fit === undefined
    ? null
    : { lambda: fit.lambda.value, sigma: fit.sigma.value, kappa: fit.kappa.value };
}

/** A round number at or above a value, for the end of an axis. */
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

/**
 * Draws throughput against slots or lanes: `o` a median, `|` its interval, `.` the fitted law, `'` what
 * perfect scaling would be, `K` the knee, `=` where computing ends. With fewer than two points it is
 * empty.
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
  // Clamped to the plot, since an edited file's interval may end anywhere.
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
    ...sideBySide(
      [
        `${axis}${scale === Math.log2 ? " (log)" : ""}:`,
        `${MARKS.point} median, ${MARKS.interval} 95%`,
        ...(law === null ? [] : [`${MARKS.fit} ${isBad ? "bad fit" : "fit"}`]),
        ...(knee === null ? [] : [`${MARKS.knee} knee`]),
        `${MARKS.ideal} perfect`,
        ...(full === null ? [] : [`${MARKS.full} ${full.by === "cores" ? "cores" : "loop"} full`]),
      ],
      columns - margin,
      "  ",
    ).map((line) => indent + line),
  ].join("\n");
}
