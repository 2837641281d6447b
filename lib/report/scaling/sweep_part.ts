/** A sweep as a part of a page: its curve, its table, and what follows from them. */

import * as Plot from "@observablehq/plot";
import { LAW_TITLES, throughputAt } from "../../scaling/laws.ts";
import type { SweepResult } from "../../scaling/sweep_result.ts";
import { formatNumber, formatRate } from "../../text/format.ts";
import { figure, list } from "../html/figure.ts";
import { htmlTable } from "../table.ts";
import { markup } from "../html/markup.ts";
import { type PagePart, type PartPlace, type Section, taskWords } from "../html/page.ts";
import { BESIDE, type ChartName, FINE, isWide, plotToSvg } from "../html/plot.ts";
import { modelColour } from "../html/style.ts";
import { chosenLaw, LOG_FROM } from "./sweep_report.ts";
import { takeLines } from "./recommended_size_words.ts";
import * as words from "./sweep_words.ts";

function curveSection(result: SweepResult, id: string, title: string): Section {
  const { points, axis, chosen } = result;
  const law = chosenLaw(result);
  const figures = htmlTable(`Throughput and latency by ${axis}`, words.sizeColumns(axis), points);
  const chart = points.length < 2 || words.nothingWorked(result) ? figures : figure({
    id: `${id}-curve`,
    title: `Throughput by ${axis}`,
    lead: markup`Dots are medians of the rounds, fine lines their 95% intervals; dotted is what
      perfect scaling would be.${
      points.some(({ refined }) => refined) &&
      " In the table a + marks sizes that were added around the bend."
    } ${
      chosen !== null &&
      markup`The line is ${chosen === "usl" ? "the " : ""}${LAW_TITLES[chosen]}${
        isExtrapolated(result) ? ", dashed where nothing was measured" : ""
      }${law?.suits ? "" : ", which doesn't suit"}.`
    }`,
    draw: (width) => drawSweep(result, width),
    table: figures,
  });
  const found = list([...takeLines(result), ...words.whatFollows(result)]);
  const html = markup`${notices(result)}<p class="verdict">${
    words.kneeSentence(result)
  }</p>${chart}${found}`;
  return { id, title, html };
}

function openLoopSection(result: SweepResult, id: string, title: string): Section {
  const figures = htmlTable("Response times by rate", words.RATE_COLUMNS, result.openLoop);
  const chart = result.openLoop.length < 2 ? figures : figure({
    id: `${id}-times`,
    title: "Response times by rate",
    lead: markup`Requests are due on schedule. <b>Corrected</b> counts from when a request was due,
      <b>naive</b> from when it was really started; the axis of times is logarithmic.`,
    draw: (width) => drawOpenLoop(result, width),
    table: figures,
  });
  const found = words.openLoopSentences(result).join(" ");
  return { id, title, html: markup`${notices(result)}<p class="verdict">${found}</p>${chart}` };
}

function notices(result: SweepResult) {
  const failed = words.failureSentences(result).map((text) => `Failed: ${text}`);
  return list([...failed, ...result.warnings], "notices");
}

export function sweepPart(result: SweepResult, { id, alone }: PartPlace): PagePart {
  const { job, model, axis, points, openLoop, why, environment, partial = false } = result;
  const title = `${job.name}: ${model} by ${axis}`;
  const named = (heading: string) => alone ? heading : `${heading}: ${title}`;
  const nothing = "Nothing was measured.";
  const section = points.length > 0
    ? curveSection(result, id, named("How far it scales"))
    : openLoop.length > 0
    ? openLoopSection(result, id, named("What it bears on schedule"))
    : {
      id,
      title: named("How far it scales"),
      html: markup`<p>${nothing}</p>${notices(result)}`,
    };
  const found = points.length > 0
    ? words.kneeSentence(result)
    : words.openLoopSentences(result)[0] ?? nothing;
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
      html: list(words.definitionSentences(result)),
    },
  };
}

/** Keeps words readable where lines cross them. */
const OUTLINE = { stroke: "var(--paper)", strokeWidth: 4 } as const;
/** A fit that forecasts rest on is drawn up to this many times the largest size. */
const BEYOND = 10;
const STEPS = 120;

/** Whether the fit is drawn beyond what was measured: where it gives a forecast for this machine. */
function isExtrapolated({ forecasts }: Pick<SweepResult, "forecasts">): boolean {
  return forecasts.some(({ factor, cores, refusal }) =>
    factor === BEYOND && cores === null && refusal === null
  );
}

/** The frame of both charts, and how their axes are drawn. */
function chart(
  width: number,
  { x, y, xTicks, xLabel, yTicks, yLabel, right, marks }: {
    readonly x: Plot.ScaleOptions;
    readonly y: Plot.ScaleOptions;
    readonly xTicks: number[] | number;
    readonly xLabel: string;
    readonly yTicks: number;
    readonly yLabel: string;
    readonly right: number;
    readonly marks: Plot.Markish[];
  },
  name: ChartName,
): string {
  return plotToSvg({
    width,
    height: isWide(width) ? 380 : 280,
    marginLeft: 56,
    marginRight: right,
    marginTop: 26,
    marginBottom: 40,
    x,
    y,
    marks: [
      Plot.gridY({ stroke: "var(--line)", strokeOpacity: 1, ticks: yTicks }),
      Plot.axisX({ ticks: xTicks, tickFormat: axisNumber, tickSize: 4, label: xLabel }),
      Plot.axisY({ ticks: yTicks, tickFormat: axisNumber, tickSize: 0, label: yLabel }),
      ...marks,
    ],
  }, name);
}

/**
 * Draws throughput against slots or lanes: medians with their intervals, the fitted law (dashed where
 * nothing was measured, pale where it doesn't suit), the knee, and where computing ends.
 */
export function drawSweep(result: SweepResult, width: number): string {
  const { points, axis, model, knee } = result;
  const law = chosenLaw(result);
  const [low, high] = [points[0]!.size, points.at(-1)!.size];
  const trusted = law !== null && isExtrapolated(result);
  const end = trusted ? high * BEYOND : high;
  const log = end / low >= LOG_FROM;
  const rows = points.map(({ size, throughputPerSecond: { median, low, high }, refined }) => ({
    size,
    median,
    low,
    high,
    title: [
      `${size} ${axis}: ${formatRate(median)}`,
      `95%: ${formatRate(low)} to ${formatRate(high)}`,
      ...(refined ? ["added around the bend"] : []),
      ...(size === knee?.size ? ["the knee"] : []),
    ].join("\n"),
  }));
  const curve = (from: number, to: number, at: (size: number) => number) =>
    Array.from({ length: STEPS + 1 }, (_, i) => {
      const size = log ? from * (to / from) ** (i / STEPS) : from + (to - from) * i / STEPS;
      return [size, at(size)] as const;
    });
  const fit = law === null ? [] : curve(low, high, (size) => throughputAt(law, size));
  const beyond = trusted ? curve(high, end, (size) => throughputAt(law, size)) : [];
  const full = result.capacity?.reached ? result.capacity : null;
  const top = 1.05 * Math.max(
    full?.limitPerSecond ?? 0,
    ...rows.map((row) => Math.min(row.high, 1.5 * row.median)),
    ...[...fit, ...beyond].map(([_, throughput]) => throughput),
  );
  const perPlace = points[0]!.throughputPerSecond.median / low;
  const ideal = curve(low, Math.min(end, top / perPlace), (size) => perPlace * size);
  const line = { stroke: modelColour(model.split(",")[0]!), strokeWidth: 2 };
  const marks: Plot.Markish[] = [
    Plot.line(ideal, { stroke: "var(--soft)", strokeDasharray: "1 4" }),
    Plot.line(fit, {
      ...line,
      ...(law?.suits === false && { strokeOpacity: 0.35, className: "bad-fit" }),
    }),
    Plot.line(beyond, { ...line, strokeDasharray: "7 5", className: "extrapolation" }),
  ];
  if (full !== null) {
    marks.unshift(
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
    );
  }
  const bend = points.find(({ size }) => size === knee?.size)?.size;
  if (bend !== undefined) {
    const isLeft = bend ** 2 < low * end;
    marks.push(
      Plot.ruleX([bend], { stroke: "var(--bad)", strokeWidth: 1.5, className: "knee" }),
      Plot.text([`knee at ${bend}`], {
        x: [bend],
        // Beside the line and below the curve, where nothing else is drawn.
        frameAnchor: "bottom",
        textAnchor: isLeft ? "start" : "end",
        dx: isLeft ? 6 : -6,
        dy: -8,
        fill: "var(--bad)",
        ...OUTLINE,
        className: "strong",
      }),
    );
  }
  const rates = points.map(({ size, throughputPerSecond: { median } }) =>
    `${size}: ${formatRate(median)}`
  );
  return chart(width, {
    // Labels of a logarithmic axis with base 10 are left out where its digits begin with more than 5.
    x: { type: log ? "log" : "linear", ...(log && { base: 2 }), domain: [low, end] },
    y: { domain: [0, top] },
    xTicks: log ? sizeTicks(low, end, isWide(width)) : points.map(({ size }) => size),
    xLabel: axis,
    yTicks: 5,
    yLabel: "items a second",
    right: 18,
    marks: [
      ...marks,
      Plot.ruleX(rows, {
        x: "size",
        y1: (row) => Math.min(row.low, top),
        y2: (row) => Math.min(row.high, top),
        ...FINE,
      }),
      Plot.dot(rows, {
        x: "size",
        y: "median",
        r: 4.5,
        fill: line.stroke,
        stroke: "var(--paper)",
        title: "title",
      }),
    ],
  }, {
    title: `Throughput by ${axis}`,
    description: `${rates.join("; ")}. ${words.kneeSentence(result)}`,
  });
}

/** Draws the 99th percentile of response times against the rate, corrected and naive. */
function drawOpenLoop({ openLoop }: SweepResult, width: number): string {
  const kinds = [
    { name: "corrected", colour: "var(--bad)", dash: undefined, dy: -7 },
    { name: "naive", colour: "var(--soft)", dash: "6 4", dy: 7 },
  ] as const;
  const lines = kinds.map(({ name, ...look }) => ({
    ...look,
    rows: openLoop.map((point) => ({
      rate: point.ratePerSecond,
      // A logarithmic axis has no 0.
      ms: Math.max(point[name].p99, 0.01),
      name,
      title: `${formatRate(point.ratePerSecond)}, ${name} p99: ${formatNumber(point[name].p99)} ms`,
    })),
  }));
  return chart(width, {
    x: { type: "linear" },
    y: { type: "log" },
    xTicks: openLoop.length <= (isWide(width) ? 10 : 4)
      ? openLoop.map(({ ratePerSecond }) => ratePerSecond)
      : 4,
    xLabel: "requests due a second",
    yTicks: 4,
    yLabel: "p99 in ms",
    right: 84,
    marks: lines.flatMap(({ rows, colour, dash, dy }) => [
      Plot.line(rows, {
        x: "rate",
        y: "ms",
        stroke: colour,
        strokeWidth: 2,
        ...(dash && { strokeDasharray: dash }),
      }),
      Plot.dot(rows, { x: "rate", y: "ms", r: 4, fill: colour, title: "title" }),
      // Where both are the same the words would lie upon each other.
      Plot.text(rows.slice(-1), { x: "rate", y: "ms", text: "name", ...BESIDE, dx: 10, dy }),
    ]),
  }, {
    title: "99th percentile of response times by rate",
    description: lines.flatMap(({ rows }) => rows.map(({ title }) => title)).join("; "),
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
