/**
 * A sweep's report for terminal, with its curve in plain characters, and Markdown; and its rounds as CSV.
 */

import { type Law, throughputAt } from "../../scaling/laws.ts";
import type { OpenLoopPoint, SweepPoint, SweepResult } from "../../scaling/sweep_result.ts";
import { counted, formatNumber } from "../../text/format.ts";
import { plain, sideBySide } from "../../text/plain.ts";
import {
  type Block,
  code,
  csv,
  type CsvColumns,
  documentOf,
  footnote,
  heading,
  inTerminal,
  lines,
  paragraph,
  partialNote,
  tableOf,
  together,
} from "../document.ts";
import { sentences, type Style } from "../terminal.ts";
import * as words from "./sweep_words.ts";
import { takeLines } from "./sweep_words.ts";

export function anyFailed(result: SweepResult): boolean {
  return words.failureSentences(result).length > 0;
}

function roundsText({ points, openLoop }: SweepResult): string {
  const counts = [...points.map(({ rounds }) => rounds.length), ...openLoop.map((p) => p.rounds)];
  const [least, most] = [Math.min(...counts), Math.max(0, ...counts)];
  return least < most ? `${least} to ${most} rounds` : counted(most, "round");
}

/** A sweep's report: chart, table, what follows from them, and how it is all defined. */
export function sweepReport(result: SweepResult): Block {
  const { job, model, why, axis, points, openLoop, warnings, partial, environment } = result;
  const title = `${job.name}: ${model} by ${axis}, ${roundsText(result)}, each trial in a fresh ` +
    `process${why === undefined ? "" : `; ${why}`}`;
  const take = takeLines(result);
  const curve = points.length === 0 ? [] : [
    inTerminal(({ columns }) => words.nothingWorked(result) ? "" : chartText(result, columns)),
    together(
      tableOf(words.sizeColumns(axis), points),
      paragraph(points.some(({ refined }) => refined) ? "+ added around the bend" : ""),
      lines(words.itemsSentences(result)),
    ),
    together(
      paragraph(words.kneeSentence(result), "heading", "  "),
      lines([...words.failingSentences(result), ...words.capacitySentences(result)], "heading"),
    ),
    {
      text: (style: Style) => sentences(take, style, "good"),
      markdown: documentOf([
        ...take.slice(0, -1).map((text) => paragraph(text)),
        ...take.slice(-1).map((text) => code([plain(text)])),
      ]).markdown,
    },
    lines([...words.lawSentences(result), ...words.littleSentences(result)]),
    lines(words.forecastSentences(result)),
  ];
  return documentOf([
    heading(title, "  "),
    paragraph(points.length + openLoop.length === 0 ? "Nothing was measured." : ""),
    ...curve,
    ...(openLoop.length === 0 ? [] : [tableOf(words.RATE_COLUMNS, openLoop)]),
    lines(words.openLoopSentences(result), "heading"),
    together(
      lines(words.failureSentences(result).map((text) => `Failed: ${text}`), "bad"),
      lines(warnings.map((text) => `Warning: ${text}`), "warning"),
      partialNote(partial),
    ),
    footnote(environment, words.definitionSentences(result)),
  ]);
}

const ROWS = 14;

/** From this ratio of the largest to the smallest size on, their axis is logarithmic. */
export const LOG_FROM = 8;

/** What a plot may hold, the later drawn over the earlier. */
const MARKS = { full: "=", ideal: "'", fit: ".", interval: "|", point: "o", knee: "K" } as const;

/** The law that forecasts use, with its best values, and whether it suits; null if nothing was fitted. */
export function chosenLaw(
  { chosen, fits }: Pick<SweepResult, "chosen" | "fits">,
): Law & { readonly suits: boolean } | null {
  const fit = fits.find(({ name }) => name === chosen);
  if (fit === undefined) return null;
  const { lambda, sigma, kappa, refusal } = fit;
  return {
    lambda: lambda.value,
    sigma: sigma.value,
    kappa: kappa.value,
    suits: refusal === null,
  };
}

/** A round number at or above a value, for the end of an axis. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((x) => x * power >= value * (1 - 1e-9));
  return (step ?? 10) * power;
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
export function chartText(result: SweepResult, columns: number): string {
  const { points, knee, axis } = result;
  if (points.length < 2) return "";
  const law = chosenLaw(result);
  const full = result.capacity?.reached ? result.capacity : null;
  const top = roundUp(Math.max(
    full?.limitPerSecond ?? 0,
    ...points.map(({ throughputPerSecond: { median, high } }) => Math.min(high, 1.5 * median)),
    1e-9,
  ));
  // Clamped to the plot, since an edited file's interval may end anywhere.
  const rowOf = (value: number) =>
    Math.max(-1, Math.min(ROWS, ROWS - 1 - Math.round(value / top * (ROWS - 1))));
  const labels = new Map([top, top / 2, 0].map((value) => [rowOf(value), formatNumber(value)]));
  const margin = Math.max(...[...labels.values()].map(({ length }) => length)) + 2;
  const width = Math.max(40, columns) - margin - 1;
  const [low, high] = [points[0]!.size, points.at(-1)!.size];
  const log = high / low >= LOG_FROM;
  const scale = log ? Math.log2 : (x: number) => x;
  const columnOf = (size: number) =>
    Math.round((scale(size) - scale(low)) / (scale(high) - scale(low)) * (width - 1));
  const plot = Array.from({ length: ROWS }, () => Array<string>(width).fill(" "));
  const set = (column: number, row: number, mark: string) => {
    if (column >= 0 && column < width && plot[row] !== undefined) plot[row][column] = mark;
  };
  const perPlace = points[0]!.throughputPerSecond.median / low;
  for (let column = 0; column < width; column++) {
    const at = scale(low) + column / (width - 1) * (scale(high) - scale(low));
    const size = log ? 2 ** at : at;
    if (full !== null) set(column, rowOf(full.limitPerSecond), MARKS.full);
    // Every other column, so that it doesn't look like the fit.
    if (column % 2 === 0) set(column, rowOf(perPlace * size), MARKS.ideal);
    if (law !== null) set(column, rowOf(throughputAt(law, size)), MARKS.fit);
  }
  for (const { size, throughputPerSecond: { median, low, high } } of points) {
    const column = columnOf(size);
    for (let row = rowOf(high); row <= rowOf(low); row++) set(column, row, MARKS.interval);
    set(column, rowOf(median), size === knee?.size ? MARKS.knee : MARKS.point);
  }
  const body = plot.map((line, row) => {
    const label = (labels.get(row) ?? "").padStart(margin - 2);
    return `${label} ${labels.has(row) ? "+" : "|"}${line.join("")}`.trimEnd();
  });
  const sizes = points.map(({ size }) => ({ at: columnOf(size), text: String(size) }));
  const key = [
    `${axis}${log ? " (log)" : ""}:`,
    `${MARKS.point} median, ${MARKS.interval} 95%`,
    ...(law === null ? [] : [`${MARKS.fit} ${law.suits ? "fit" : "bad fit"}`]),
    ...(knee === null ? [] : [`${MARKS.knee} knee`]),
    `${MARKS.ideal} perfect`,
    ...(full === null ? [] : [`${MARKS.full} ${full.by === "cores" ? "cores" : "loop"} full`]),
  ];
  const indent = " ".repeat(margin);
  return [
    "items/s",
    ...body,
    `${" ".repeat(margin - 1)}+${"-".repeat(width)}`,
    indent + axisLine(sizes, width),
    ...sideBySide(key, columns - margin, "  ").map((line) => indent + line),
  ].join("\n");
}

interface Row {
  readonly of: SweepPoint;
  readonly round: SweepPoint["rounds"][number];
}

/**
 * Columns are named as in the result file. Latencies' quantiles and efficiency are those of the size, the
 * same in each of its rounds.
 */
const closedColumns = (axis: string): CsvColumns<Row> => ({
  axis: () => axis,
  size: ({ of }) => of.size,
  lanes: ({ of }) => of.lanes,
  slots: ({ of }) => of.slots,
  refined: ({ of }) => of.refined,
  round: ({ round }) => round.round,
  startMs: ({ round }) => round.startMs,
  runMs: ({ round }) => round.runMs,
  cpuMs: ({ round }) => round.cpuMs,
  succeeded: ({ round }) => round.succeeded,
  failed: ({ round }) => round.failed,
  throughputPerSecond: ({ round }) => round.throughputPerSecond,
  meanLatencyMs: ({ round }) => round.meanLatencyMs,
  medianLatencyMs: ({ of }) => of.latencyMs?.median,
  p95LatencyMs: ({ of }) => of.latencyMs?.p95,
  p99LatencyMs: ({ of }) => of.latencyMs?.p99,
  efficiency: ({ of }) => of.efficiency,
});

const OPEN_COLUMNS: CsvColumns<OpenLoopPoint> = {
  ratePerSecond: (point) => point.ratePerSecond,
  durationMs: (point) => point.durationMs,
  rounds: (point) => point.rounds,
  scheduled: (point) => point.scheduled,
  succeeded: (point) => point.succeeded,
  failed: (point) => point.failed,
  unanswered: (point) => point.unanswered,
  unstarted: (point) => point.unstarted,
  achievedPerSecond: (point) => point.achievedPerSecond,
  correctedMedianMs: ({ corrected }) => corrected.median,
  correctedP95Ms: ({ corrected }) => corrected.p95,
  correctedP99Ms: ({ corrected }) => corrected.p99,
  correctedMaxMs: ({ corrected }) => corrected.max,
  naiveMedianMs: ({ naive }) => naive.median,
  naiveP95Ms: ({ naive }) => naive.p95,
  naiveP99Ms: ({ naive }) => naive.p99,
  naiveMaxMs: ({ naive }) => naive.max,
  mostWaiting: (point) => point.mostWaiting,
  backlogAtEnd: (point) => point.backlogAtEnd,
  sustained: (point) => point.sustained,
};

/** Writes a sweep as CSV: a row for each round of each size, or for each rate. */
export function sweepCsv(
  { axis, points, openLoop }: Pick<SweepResult, "axis" | "points" | "openLoop">,
): string {
  if (axis === "rate") return csv(OPEN_COLUMNS, openLoop);
  const rows = points.flatMap((of) => of.rounds.map((round) => ({ of, round })));
  return csv(closedColumns(axis), rows);
}
