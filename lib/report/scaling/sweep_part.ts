/**
 * A sweep as a part of a page: its curve, its table, and what follows from them.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import { type PagePart, type PartPlace, type Section, taskWords } from "../html/page.ts";
import { figure, table } from "../html/figure.ts";
import { sanitized } from "../html/sanitize.ts";
import { type Html, type Markup, markup } from "../html/markup.ts";
import { modelColour } from "../html/style.ts";
import { plotToSvg } from "../html/plot.ts";
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
import { formatDuration, formatNumber, formatPercent, formatRate } from "../../text/format.ts";
import { chosenLaw, LOG_FROM } from "./sweep_text.ts";
import { LAW_TITLES, throughputAt } from "../../scaling/laws/laws.ts";
import type { SweepPoint, SweepResult } from "../../scaling/sweep_result.ts";

/** Room for the few sentences of a warning. */
const MOST_CHARACTERS = 1000;

const figures = (name: string) => ({ name, figures: true });

function pointCells({ size, throughputPerSecond: x, latencyMs, efficiency, little }: SweepPoint) {
  const time = (of: "median" | "p95" | "p99") =>
    latencyMs === null ? "–" : formatDuration(latencyMs[of]);
  return [
    String(size),
    formatNumber(x.median),
    formatNumber(x.low),
    formatNumber(x.high),
    time("median"),
    time("p95"),
    time("p99"),
    formatPercent(efficiency),
    little === null ? "–" : `${formatNumber(little.inFlight)} of ${little.slots}`,
  ];
}

function pointsTable({ points, axis }: SweepResult): Html {
  return table(`Throughput and latency by ${axis}`, [
    { name: axis },
    ...["items/s", "low", "high", "median", "p95", "p99", "efficiency", "X·R of N"].map(figures),
  ], points.map(pointCells));
}

function openLoopTable({ openLoop }: SweepResult): Html {
  return table(
    "Response times by rate",
    [
      { name: "due/s" },
      ...["done/s", "naive median", "naive p99", "corrected median", "corrected p99", "backlog"]
        .map(
          figures,
        ),
      { name: "kept up" },
    ],
    openLoop.map((point) => [
      formatNumber(point.ratePerSecond),
      formatNumber(point.achievedPerSecond),
      formatDuration(point.naive.median),
      formatDuration(point.naive.p99),
      formatDuration(point.corrected.median),
      `${point.unanswered + point.unstarted > 0 ? "≥ " : ""}${formatDuration(point.corrected.p99)}`,
      String(point.backlogAtEnd),
      point.sustained ? "yes" : "no",
    ]),
  );
}

function list(sentences: readonly string[]): Html {
  return markup`<ul>${sentences.map((sentence) => markup`<li>${sentence}</li>`)}</ul>`;
}

function curveSection(result: SweepResult, id: string, title: string): Section {
  const { points, axis, fits, chosen } = result;
  const chart = points.length < 2 || nothingWorked(result) ? pointsTable(result) : figure({
    id: `${id}-curve`,
    title: `Throughput by ${axis}`,
    lead: markup`Dots are medians of the rounds, fine lines their 95% intervals; dotted is what
      perfect scaling would be. ${
      chosen !== null &&
      markup`The line is ${chosen === "usl" ? "the " : ""}${LAW_TITLES[chosen]}${
        isExtrapolated(result) ? ", dashed where nothing was measured" : ""
      }${fits.find(({ name }) => name === chosen)?.refusal === null ? "" : ", which doesn't suit"}.`
    }`,
    draw: (width) => drawSweep(result, width),
    table: pointsTable(result),
  });
  const shown = fits.toSorted((a, b) => Number(b.name === chosen) - Number(a.name === chosen));
  return {
    id,
    title,
    html: markup`${notices(result)}<p class="verdict">${kneeSentence(result)}</p>${chart}${
      list([
        ...takeLines(result),
        ...failingSentences(result),
        ...capacitySentences(result),
        ...shown.flatMap(fitSentences),
        ...forecastSentences(result),
        ...littleSentences(result),
      ])
    }`.text,
  };
}

function openLoopSection(result: SweepResult, id: string, title: string): Section {
  const chart = result.openLoop.length < 2 ? openLoopTable(result) : figure({
    id: `${id}-times`,
    title: "Response times by rate",
    lead: markup`Requests are due on schedule. <b>Corrected</b> counts from when a request was due,
      <b>naive</b> from when it was really started; the axis of times is logarithmic.`,
    draw: (width) => drawOpenLoop(result, width),
    table: openLoopTable(result),
  });
  return {
    id,
    title,
    html:
      markup`${notices(result)}<p class="verdict">${
        openLoopSentences(result).join(" ")
      }</p>${chart}`.text,
  };
}

function notices(result: SweepResult): Markup {
  const failed = failureSentences(result).map((text) => `Failed: ${text}`);
  const all = [...failed, ...result.warnings];
  return all.length > 0 &&
    markup`<ul class="notices">${all.slice(0, 50).map((text) => markup`<li>${text}</li>`)}</ul>`;
}

/** A sweep as a part of a page. */
export function sweepPart(result: SweepResult, { id, alone }: PartPlace): PagePart {
  const safe = sanitized(result, MOST_CHARACTERS);
  const { job, model, axis, points, openLoop, why, environment, partial = false } = safe;
  const title = `${job.name}: ${model} by ${axis}`;
  const named = (heading: string) => alone ? heading : `${heading}: ${title}`;
  const section = points.length > 0
    ? curveSection(safe, id, named("How far it scales"))
    : openLoop.length > 0
    ? openLoopSection(safe, id, named("What it bears on schedule"))
    : {
      id,
      title: named("How far it scales"),
      html: markup`<p>Nothing was measured.</p>${notices(safe)}`.text,
    };
  const found = points.length > 0
    ? kneeSentence(safe)
    : openLoopSentences(safe)[0] ?? "Nothing was measured.";
  return {
    title,
    did: "scaled",
    headlines: [{ id, name: `Scaling of ${job.name} by ${axis}`, text: found }],
    sections: [section],
    environment,
    jobs: [
      markup`<b>${job.name}</b>, ${model} by ${axis}${why !== undefined && `; ${why}`}. ${
        taskWords(job.task, job.options)
      }`,
    ],
    name: `Scaling of ${job.name}`,
    partial,
    method: {
      name: axis === "rate" ? "How load on schedule is measured" : "How scaling is measured",
      html: list(definitionSentences(safe)),
    },
  };
}

/** Keeps words readable where lines cross them. */
const OUTLINE = { stroke: "var(--paper)", strokeWidth: 4 } as const;
/** A fit that forecasts rest on is drawn up to this many times the largest size. */
const BEYOND = 10;

/** Whether the fit is drawn beyond what was measured: where it gives a forecast for this machine. */
function isExtrapolated({ forecasts }: Pick<SweepResult, "forecasts">): boolean {
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
  const trusted = law !== null && isExtrapolated(result);
  const end = trusted ? high * BEYOND : high;
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
  const beyond = trusted ? curve(high, end, log, (size) => throughputAt(law, size)) : [];
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
          ...OUTLINE,
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
          ...OUTLINE,
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
function drawOpenLoop({ openLoop }: SweepResult, width: number): string {
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

/** How many points a curve is drawn with. */
const STEPS = 120;

/** A point of a curve that isn't measured. */
interface DrawnPoint {
  /** Slots or lanes. */
  readonly size: number;
  /** Items a second. */
  readonly throughput: number;
}

/** A curve from one size to another, at even steps of a scale. */
export function curve(
  from: number,
  to: number,
  log: boolean,
  at: (size: number) => number,
): DrawnPoint[] {
  return Array.from({ length: STEPS + 1 }, (_, i) => {
    const part = i / STEPS;
    const size = log ? from * (to / from) ** part : from + (to - from) * part;
    return { size, throughput: at(size) };
  });
}

/**
 * Where an axis of sizes has its ticks: at the powers of two, or only at every other where it is narrow.
 */
function sizeTicks(low: number, high: number, wide: boolean): number[] {
  const ticks: number[] = [];
  for (let size = 1; size <= high; size *= wide ? 2 : 4) if (size >= low) ticks.push(size);
  return ticks;
}

/** A number on an axis: whole ones without the decimals that tables give them. */
function axisNumber(value: number): string {
  return Number.isInteger(value) && value < 10_000 ? String(value) : formatNumber(value);
}
