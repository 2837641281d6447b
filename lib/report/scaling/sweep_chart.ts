/** Charts of a sweep: throughput by size for a terminal and a page, and response times by rate. */

import { bornePoints } from "../../scaling/analyse.ts";
import { type Law, throughputAt } from "../../scaling/laws.ts";
import { sizeText, type SweepPoint, type SweepResult } from "../../scaling/sweep_result.ts";
import { formatNumber, formatRate } from "../../text/format.ts";
import { sideBySide } from "../../text/plain.ts";
import type { Html, Markup } from "../html/markup.ts";
import * as chart from "../html/svg.ts";
import { kneeSentence } from "./sweep_words.ts";

const ROWS = 14;

/** From this ratio of the largest to the smallest size on, their axis is logarithmic. */
const LOG_FROM = 8;

/** The marks of a plot in a terminal; later ones are drawn over earlier ones. */
const MARKS = { full: "=", ideal: "'", fit: ".", interval: "|", point: "o", knee: "K" } as const;

/** The law that forecasts use, with its fitted values, and whether it suits; null if none was chosen. */
export function chosenLaw({ chosen, fits }: SweepResult) {
  const fit = fits.find(({ name }) => name === chosen);
  if (fit === undefined) return null;
  const { lambda, sigma, kappa, refusal } = fit;
  const law: Law = { lambda: lambda.value, sigma: sigma.value, kappa: kappa.value };
  return { ...law, suits: refusal === null };
}

/** The values that both drawings of a curve need besides its points. */
function drawnBesides(result: SweepResult, points: readonly SweepPoint[]) {
  const { capacity } = result;
  const full = capacity?.reached ? capacity : null;
  const heights = points.map(({ throughputPerSecond: { median, high } }) =>
    Math.min(high, 1.5 * median)
  );
  return {
    law: chosenLaw(result),
    full,
    perPlace: points[0]!.throughputPerSecond.median / points[0]!.size,
    top: Math.max(full?.limitPerSecond ?? 0, ...heights),
    low: points[0]!.size,
    high: points.at(-1)!.size,
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
 * Draws throughput against slots or lanes: `o` a median, `|` its interval, `.` the fitted law, `'` perfect
 * scaling, `K` the knee, `=` the most that full cores or a full event loop allow. With fewer than two
 * points it is empty.
 */
export function chartText(result: SweepResult, columns: number): string {
  const { knee, axis } = result;
  const points = bornePoints(result.points);
  if (points.length < 2) return "";
  const { law, full, perPlace, low, high, ...besides } = drawnBesides(result, points);
  const top = roundUp(Math.max(besides.top, 1e-9));
  // Clamped to the plot, since an edited file's interval may end anywhere.
  const rowOf = (value: number) =>
    Math.max(-1, Math.min(ROWS, ROWS - 1 - Math.round(value / top * (ROWS - 1))));
  const labels = new Map([top, top / 2, 0].map((value) => [rowOf(value), formatNumber(value)]));
  const margin = Math.max(...[...labels.values()].map(({ length }) => length)) + 2;
  const width = Math.max(40, columns) - margin - 1;
  const log = high / low >= LOG_FROM;
  const scale = log ? Math.log2 : (x: number) => x;
  const columnOf = (size: number) =>
    Math.round((scale(size) - scale(low)) / (scale(high) - scale(low)) * (width - 1));
  const plot = Array.from({ length: ROWS }, () => Array<string>(width).fill(" "));
  const set = (column: number, row: number, mark: string) => {
    if (column >= 0 && column < width && plot[row] !== undefined) plot[row][column] = mark;
  };
  for (let column = 0; column < width; column++) {
    const at = scale(low) + column / (width - 1) * (scale(high) - scale(low));
    const size = log ? 2 ** at : at;
    if (full !== null) set(column, rowOf(full.limitPerSecond), MARKS.full);
    // Perfect scaling is drawn in every other column, so that it doesn't look like the fit.
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

/** A fit that gives forecasts is drawn up to this many times the largest size. */
const BEYOND = 10;
const STEPS = 120;

/** Whether the fit is drawn beyond the measured sizes: if it gives a forecast there for this machine. */
export function isExtrapolated({ forecasts }: SweepResult): boolean {
  return forecasts.some(({ factor, cores, refusal }) =>
    factor === BEYOND && cores === null && refusal === null
  );
}

const TOP = 26;
const LEFT = 56;
const RIGHT = 18;
const RED = { fill: "var(--bad)", ...chart.HALO } as const;

/** The frame of both charts: marks between a left and a lower axis. */
function framed(
  width: number,
  name: Parameters<typeof chart.svg>[2],
  { ends: [xEnds, yEnds], isLog: [xLog, yLog], right, labels: [xLabel, yLabel], xTicks }: {
    readonly ends: readonly [x: readonly [number, number], y: readonly [number, number]];
    readonly isLog: readonly [x: boolean, y: boolean];
    readonly right: number;
    readonly labels: readonly [x: string, y: string];
    readonly xTicks: (x: chart.Scale) => readonly number[];
  },
  marks: (x: chart.Scale, y: chart.Scale) => Markup,
): Html {
  const height = chart.isWide(width) ? 380 : 280;
  const [end, bottom] = [width - right, height - 40];
  const x = chart.scale(xEnds, [LEFT, end], xLog);
  const y = chart.scale(yEnds, [bottom, TOP], yLog);
  const levels = chart.ticksOf(y, 5);
  return chart.svg(width, height, name, [
    levels.map((at) => chart.line(LEFT, y(at), end, y(at), { stroke: "var(--line)" })),
    chart.marks(
      "ticks",
      levels,
      (at) => chart.text(axisNumber(at), LEFT - 6, y(at), { textAnchor: "end" }),
    ),
    chart.axis(x, bottom, xTicks(x), axisNumber),
    chart.text(`↑ ${yLabel}`, 2, 8),
    chart.text(`${xLabel} →`, end, height - 8, { textAnchor: "end" }),
    marks(x, y),
  ]);
}

/** The points of the law's curve and of perfect scaling, and the ends of the axes. */
function curvesOf(result: SweepResult, points: readonly SweepPoint[]) {
  const { law, full, perPlace, low, high, ...besides } = drawnBesides(result, points);
  const trusted = law !== null && isExtrapolated(result);
  const end = trusted ? high * BEYOND : high;
  const isLog = end / low >= LOG_FROM;
  const sizes = chart.scale([low, end], [0, STEPS], isLog);
  const along = (from: number, to: number, at: (size: number) => number) =>
    Array.from({ length: STEPS + 1 }, (_, i) => {
      const size = sizes.invert(sizes(from) + (sizes(to) - sizes(from)) * i / STEPS);
      return [size, at(size)] as const;
    });
  const fit = law === null ? [] : along(low, high, (size) => throughputAt(law, size));
  const beyond = trusted ? along(high, end, (size) => throughputAt(law, size)) : [];
  const top = 1.05 * Math.max(besides.top, ...[...fit, ...beyond].map(([_, rate]) => rate));
  const ideal = along(low, Math.min(end, top / perPlace), (size) => perPlace * size);
  return { full, low, end, isLog, top, fit, beyond, ideal, suits: law?.suits !== false };
}

/** A line across at the most that full cores or a full event loop allow, with a label. */
function fullMarks(
  { by, limitPerSecond }: NonNullable<SweepResult["capacity"]>,
  y: chart.Scale,
  end: number,
): Markup {
  const at = y(limitPerSecond);
  const words = by === "cores" ? "all cores full" : "event loop full";
  return [
    chart.line(LEFT, at, end, at, { stroke: "var(--bad)", strokeDasharray: "2 3" }),
    chart.group("full", chart.text(words, end, at - 8, { ...RED, textAnchor: "end" })),
  ];
}

/** Marks the knee; its label stands beside the line and below the curve, where nothing else is drawn. */
function kneeMarks(size: number, x: chart.Scale, y: chart.Scale): Markup {
  const [low, high] = x.domain;
  const isLeft = size ** 2 < low * high;
  const look = { ...RED, ...chart.STRONG, textAnchor: isLeft ? "start" : "end" };
  return chart.group("knee", [
    chart.line(x(size), TOP, x(size), y(0), chart.LIMIT),
    chart.text(`knee at ${size}`, x(size) + (isLeft ? 6 : -6), y(0) - 12, look),
  ]);
}

export function drawSweep(result: SweepResult, width: number): Html {
  const { axis, model, knee } = result;
  const points = bornePoints(result.points);
  const { full, low, end, isLog, top, ...curves } = curvesOf(result, points);
  const line = { stroke: chart.modelColour(model.split(",")[0]!), strokeWidth: 2 };
  const bend = points.find(({ size }) => size === knee?.size)?.size;
  const rates = points.map(({ size, throughputPerSecond: { median } }) =>
    `${size}: ${formatRate(median)}`
  );
  return framed(width, {
    title: `Throughput by ${axis}`,
    description: `${rates.join("; ")}. ${kneeSentence(result)}`,
  }, {
    ends: [[low, end], [0, top]],
    isLog: [isLog, false],
    right: RIGHT,
    labels: [axis, "items a second"],
    xTicks: () => isLog ? sizeTicks(low, end, chart.isWide(width)) : points.map(({ size }) => size),
  }, (x, y) => {
    const path = (of: readonly (readonly [number, number])[], look: chart.MarkStyle) =>
      chart.curve(of.map(([size, rate]) => [x(size), y(rate)]), look);
    return [
      full && fullMarks(full, y, width - RIGHT),
      path(curves.ideal, { stroke: "var(--soft)", strokeDasharray: "1 4" }),
      path(curves.fit, {
        ...line,
        ...(!curves.suits && { strokeOpacity: 0.35, class: "bad-fit" }),
      }),
      path(curves.beyond, { ...line, strokeDasharray: "7 5", class: "extrapolation" }),
      bend !== undefined && kneeMarks(bend, x, y),
      points.map(({ size, throughputPerSecond: { low, high } }) =>
        chart.line(x(size), y(Math.min(low, top)), x(size), y(Math.min(high, top)), chart.FINE)
      ),
      chart.marks("sizes", points, ({ size, throughputPerSecond, refined }) => {
        const { median, low, high } = throughputPerSecond;
        const title = [
          `${sizeText(axis, size)}: ${formatRate(median)}`,
          `95%: ${formatRate(low)} to ${formatRate(high)}`,
          ...(refined ? ["added around the knee"] : []),
          ...(size === bend ? ["the knee"] : []),
        ].join("\n");
        const look = { fill: line.stroke, stroke: "var(--paper)", title };
        return chart.dot(x(size), y(median), 4.5, look);
      }),
    ];
  });
}

/** Draws the 99th percentile of response times against the rate, corrected and naive. */
export function drawOpenLoop({ openLoop }: SweepResult, width: number): Html {
  const rates = openLoop.map(({ ratePerSecond }) => ratePerSecond);
  const kinds = [
    { name: "corrected", colour: "var(--bad)", dash: undefined, dy: -7 },
    { name: "naive", colour: "var(--soft)", dash: "6 4", dy: 7 },
  ] as const;
  const lines = kinds.map(({ name, ...look }) => ({
    ...look,
    name,
    rows: openLoop.map(({ ratePerSecond: rate, [name]: { p99 } }) => ({
      rate,
      // A logarithmic axis has no 0.
      ms: Math.max(p99, 0.01),
      title: `${formatRate(rate)}, ${name} p99: ${formatNumber(p99)} ms`,
    })),
  }));
  const times = lines.flatMap(({ rows }) => rows.map(({ ms }) => ms));
  return framed(width, {
    title: "99th percentile of response times by rate",
    description: lines.flatMap(({ rows }) => rows.map(({ title }) => title)).join("; "),
  }, {
    ends: [[Math.min(...rates), Math.max(...rates)], [Math.min(...times), Math.max(...times)]],
    isLog: [false, true],
    right: 84,
    labels: ["requests due a second", "p99 in ms"],
    xTicks: (x) => rates.length <= (chart.isWide(width) ? 10 : 4) ? rates : chart.ticksOf(x, 4),
  }, (x, y) =>
    lines.map(({ name, rows, colour, dash, dy }) => [
      chart.curve(rows.map(({ rate, ms }) => [x(rate), y(ms)]), {
        stroke: colour,
        strokeWidth: 2,
        strokeDasharray: dash,
      }),
      chart.marks(name, rows, ({ rate, ms, title }) =>
        chart.dot(x(rate), y(ms), 4, { fill: colour, title })),
      // Labels are moved apart by dy, as those of equal values would overlap.
      rows.slice(-1).map(({ rate, ms }) =>
        chart.text(name, x(rate) + 10, y(ms) + dy, chart.STRONG)
      ),
    ]));
}

/** Ticks at powers of two, or of four on a narrow chart. */
function sizeTicks(low: number, high: number, wide: boolean): number[] {
  const ticks: number[] = [];
  for (let size = 1; size <= high; size *= wide ? 2 : 4) if (size >= low) ticks.push(size);
  return ticks;
}

/** A number on an axis: whole numbers below 10,000 are without the decimals that tables give them. */
function axisNumber(value: number): string {
  return Number.isInteger(value) && value < 10_000 ? String(value) : formatNumber(value);
}
