/**
 * A sweep's curve as a chart for the page.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import { formatNumber } from "../../text/format.ts";
import { modelColour } from "../html/palette.ts";
import { plotToSvg } from "../html/plot_to_svg.ts";
import { chosenLaw, LOG_FROM } from "./chart_text.ts";
import { axisNumber, curve, sizeTicks } from "./chart_curve.ts";
import { throughputAt } from "../../scaling/laws/laws.ts";
import type { SweepResult } from "../../scaling/sweep_result.ts";
import { formatRate, kneeSentence } from "../../scaling/sweep_words.ts";

/** Keeps words readable where lines cross them. */
const HALO = { stroke: "var(--paper)", strokeWidth: 4 } as const;
/** How far beyond the largest size a believed fit is drawn. */
const BEYOND = 10;

/**
 * Whether the fit is drawn beyond what was measured: if it may be followed there, on this machine.
 */
export function isFollowed({ forecasts }: Pick<SweepResult, "forecasts">): boolean {
  return forecasts.some(({ factor, cores, refusal }) =>
    factor === BEYOND && cores === null && refusal === null
  );
}

/**
 * Draws throughput against slots or lanes: medians with their intervals, the fitted law (dashed where
 * nothing was measured, pale where it doesn't suit), the knee, and where computing ends.
 */
export function drawSweep(result: SweepResult, width: number): string {
  const { points, axis, model, knee } = result;
  const wide = width > 500;
  const law = chosenLaw(result);
  const [low, high] = [points[0]!.size, points.at(-1)!.size];
  const isBad = result.fits.find(({ name }) => name === result.chosen)?.refusal != null;
  const believed = law !== null && isFollowed(result);
  const end = believed ? high * BEYOND : high;
  const log = end / low >= LOG_FROM;
  const colour = modelColour(model.split(",")[0]!);
  const rows = points.map(({ size, throughputPerSecond: x, refined }) => ({
    size,
    median: x.median,
    low: x.low,
    high: x.high,
    title: `${size} ${axis}: ${formatRate(x.median)}\n95%: ${formatRate(x.low)} to ${
      formatRate(x.high)
    }${refined ? "\nadded around the bend" : ""}${size === knee?.size ? "\nthe knee" : ""}`,
  }));
  const perPlace = points[0]!.throughputPerSecond.median / low;
  const fit = law === null ? [] : curve(low, high, log, (size) => throughputAt(law, size));
  const beyond = believed ? curve(high, end, log, (size) => throughputAt(law, size)) : [];
  const full = result.capacity?.reached ? result.capacity : null;
  const top = 1.05 *
    Math.max(
      full?.limitPerSecond ?? 0,
      ...rows.map((row) => Math.min(row.high, 1.5 * row.median)),
      ...fit.map(({ throughput }) => throughput),
      ...beyond.map(({ throughput }) => throughput),
    );
  const ideal = curve(low, Math.min(end, top / perPlace), log, (size) => perPlace * size);
  const kneeRow = rows.find(({ size }) => size === knee?.size);
  const isLeft = kneeRow !== undefined && kneeRow.size ** 2 < low * end;
  const curveOf = { x: "size", y: "throughput" } as const;
  return plotToSvg({
    width,
    height: wide ? 380 : 280,
    marginLeft: 56,
    marginRight: 18,
    marginTop: 26,
    marginBottom: 40,
    // Labels of a logarithmic axis with base 10 are left out where its digits begin with more than 5.
    x: { type: log ? "log" : "linear", ...(log && { base: 2 }), domain: [low, end] },
    y: { domain: [0, top] },
    marks: [
      Plot.gridY({ stroke: "var(--line)", strokeOpacity: 1, ticks: 5 }),
      Plot.axisX({
        ticks: log ? sizeTicks(low, end, wide) : points.map(({ size }) => size),
        tickFormat: (size: number) => String(size),
        tickSize: 4,
        label: axis,
      }),
      Plot.axisY({ ticks: 5, tickFormat: axisNumber, tickSize: 0, label: "items a second" }),
      ...(full === null ? [] : [
        Plot.ruleY([full.limitPerSecond], { stroke: "var(--bad)", strokeDasharray: "2 3" }),
        Plot.text([full.by === "cores" ? "all cores full" : "event loop full"], {
          y: [full.limitPerSecond],
          frameAnchor: "right",
          textAnchor: "end",
          dy: -8,
          fill: "var(--bad)",
          ...HALO,
          className: "full",
        }),
      ]),
      Plot.line(ideal, { ...curveOf, stroke: "var(--soft)", strokeDasharray: "1 4" }),
      Plot.line(fit, {
        ...curveOf,
        stroke: colour,
        strokeWidth: 2,
        ...(isBad && { strokeOpacity: 0.35, className: "bad-fit" }),
      }),
      Plot.line(beyond, {
        ...curveOf,
        stroke: colour,
        strokeWidth: 2,
        strokeDasharray: "7 5",
        className: "extrapolation",
      }),
      ...(kneeRow === undefined ? [] : [
        Plot.ruleX([kneeRow.size], { stroke: "var(--bad)", strokeWidth: 1.5, className: "knee" }),
        Plot.text([`knee at ${kneeRow.size}`], {
          x: [kneeRow.size],
          // Beside the line and below the curve, where nothing else is drawn.
          frameAnchor: "bottom",
          textAnchor: isLeft ? "start" : "end",
          dx: isLeft ? 6 : -6,
          dy: -8,
          fill: "var(--bad)",
          ...HALO,
          className: "strong",
        }),
      ]),
      Plot.ruleX(rows, {
        x: "size",
        y1: (row) => Math.min(row.low, top),
        y2: (row) => Math.min(row.high, top),
        stroke: "var(--ink)",
        strokeWidth: 1.5,
      }),
      Plot.dot(rows, {
        x: "size",
        y: "median",
        r: 4.5,
        fill: colour,
        stroke: "var(--paper)",
        title: "title",
      }),
    ],
  }, {
    title: `Throughput by ${axis}`,
    description: `${
      points.map(({ size, throughputPerSecond: { median } }) => `${size}: ${formatRate(median)}`)
        .join("; ")
    }. ${kneeSentence(result)}`,
  });
}

/** Draws the 99th percentile of response times against the rate, corrected and naive. */
export function drawOpenLoop({ openLoop }: SweepResult, width: number): string {
  const wide = width > 500;
  const kinds = [
    { name: "corrected", colour: "var(--bad)", of: (i: number) => openLoop[i]!.corrected.p99 },
    { name: "naive", colour: "var(--soft)", of: (i: number) => openLoop[i]!.naive.p99 },
  ] as const;
  const rows = kinds.map(({ name, colour, of }) =>
    openLoop.map(({ ratePerSecond: rate }, i) => ({
      rate,
      // A logarithmic axis has no 0.
      ms: Math.max(of(i), 0.01),
      name,
      colour,
      title: `${formatRate(rate)}, ${name} p99: ${formatNumber(of(i))} ms`,
    }))
  );
  return plotToSvg({
    width,
    height: wide ? 320 : 260,
    marginLeft: 56,
    marginRight: 84,
    marginTop: 26,
    marginBottom: 40,
    x: { type: "linear" },
    y: { type: "log" },
    marks: [
      Plot.gridY({ stroke: "var(--line)", strokeOpacity: 1, ticks: 4 }),
      Plot.axisX({
        ticks: openLoop.length <= (wide ? 10 : 4) ? openLoop.map((p) => p.ratePerSecond) : 4,
        tickFormat: axisNumber,
        tickSize: 4,
        label: "requests due a second",
      }),
      Plot.axisY({ ticks: 4, tickFormat: axisNumber, tickSize: 0, label: "p99 in ms" }),
      ...rows.flatMap((row) => [
        Plot.line(row, {
          x: "rate",
          y: "ms",
          stroke: row[0]!.colour,
          strokeWidth: 2,
          ...(row[0]!.name === "naive" && { strokeDasharray: "6 4" }),
        }),
        Plot.dot(row, { x: "rate", y: "ms", r: 4, fill: row[0]!.colour, title: "title" }),
      ]),
      // Where both are the same the words would lie upon each other.
      ...rows.map((row, i) =>
        Plot.text(row.slice(-1), {
          x: "rate",
          y: "ms",
          text: "name",
          textAnchor: "start",
          dx: 10,
          dy: i === 0 ? -7 : 7,
          className: "strong",
        })
      ),
    ],
  }, {
    title: "99th percentile of response times by rate",
    description: rows.flat().map(({ title }) => title).join("; "),
  });
}
