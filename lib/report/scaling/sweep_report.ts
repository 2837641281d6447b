/** A sweep's report for terminal, page and Markdown, with its curve; and its rounds as CSV. */

import { type Law, LAW_TITLES, throughputAt } from "../../scaling/laws.ts";
import type { OpenLoopPoint, SweepPoint, SweepResult } from "../../scaling/sweep_result.ts";
import { counted, formatNumber, formatRate } from "../../text/format.ts";
import { plain, sideBySide } from "../../text/plain.ts";
import {
  type Block,
  code,
  csv,
  type CsvColumns,
  documentOf,
  footnote,
  heading,
  htmlTable,
  inTerminal,
  lines,
  paragraph,
  partialNote,
  properties,
  tableOf,
  together,
} from "../document.ts";
import { figure, type Html, list, type Markup, markup } from "../html/markup.ts";
import { type PagePart, type PartPlace, type Section, taskWords } from "../html/page.ts";
import { modelColour } from "../html/style.ts";
import * as chart from "../html/svg.ts";
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
const LOG_FROM = 8;

/** What a plot may hold, the later drawn over the earlier. */
const MARKS = { full: "=", ideal: "'", fit: ".", interval: "|", point: "o", knee: "K" } as const;

/** The law that forecasts use, with its best values, and whether it suits; null if nothing was fitted. */
function chosenLaw(
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

/** What both drawings of a curve hold besides its points. */
function drawnBesides(result: SweepResult) {
  const { points, capacity } = result;
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
 * Draws throughput against slots or lanes: `o` a median, `|` its interval, `.` the fitted law, `'` what
 * perfect scaling would be, `K` the knee, `=` where computing ends. With fewer than two points it is
 * empty.
 */
export function chartText(result: SweepResult, columns: number): string {
  const { points, knee, axis } = result;
  if (points.length < 2) return "";
  const { law, full, perPlace, low, high, ...besides } = drawnBesides(result);
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

/** Latencies' quantiles and efficiency are those of the size, the same in each of its rounds. */
const CLOSED_COLUMNS: CsvColumns<
  Omit<SweepPoint, "throughputPerSecond" | "rounds"> & SweepPoint["rounds"][number] & {
    readonly axis: string;
  }
> = {
  ...properties("axis", "size", "lanes", "slots", "refined", "round", "startMs", "runMs", "cpuMs"),
  ...properties("succeeded", "failed", "throughputPerSecond", "meanLatencyMs"),
  medianLatencyMs: ({ latencyMs }) => latencyMs?.median,
  p95LatencyMs: ({ latencyMs }) => latencyMs?.p95,
  p99LatencyMs: ({ latencyMs }) => latencyMs?.p99,
  ...properties("efficiency"),
};

const OPEN_COLUMNS: CsvColumns<OpenLoopPoint> = {
  ...properties("ratePerSecond", "durationMs", "rounds", "scheduled", "succeeded", "failed"),
  ...properties("unanswered", "unstarted", "achievedPerSecond"),
  ...Object.fromEntries(
    (["corrected", "naive"] as const).flatMap((kind) =>
      (["median", "p95", "p99", "max"] as const).map((which) => [
        `${kind}${which[0]!.toUpperCase()}${which.slice(1)}Ms`,
        ({ [kind]: times }: OpenLoopPoint) => times[which],
      ])
    ),
  ),
  ...properties("mostWaiting", "backlogAtEnd", "sustained"),
};

export function sweepCsv(
  { axis, points, openLoop }: Pick<SweepResult, "axis" | "points" | "openLoop">,
): string {
  if (axis === "rate") return csv(OPEN_COLUMNS, openLoop);
  return csv(
    CLOSED_COLUMNS,
    points.flatMap((of) => of.rounds.map((round) => ({ axis, ...of, ...round }))),
  );
}

function curveSection(result: SweepResult, id: string, title: string): Section {
  const { points, axis, chosen } = result;
  const law = chosenLaw(result);
  const figures = htmlTable(`Throughput and latency by ${axis}`, words.sizeColumns(axis), points);
  const shown = points.length < 2 || words.nothingWorked(result) ? figures : figure({
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
  }</p>${shown}${found}`;
  return { id, title, html };
}

function openLoopSection(result: SweepResult, id: string, title: string): Section {
  const figures = htmlTable("Response times by rate", words.RATE_COLUMNS, result.openLoop);
  const shown = result.openLoop.length < 2 ? figures : figure({
    id: `${id}-times`,
    title: "Response times by rate",
    lead: markup`Requests are due on schedule. <b>Corrected</b> counts from when a request was due,
      <b>naive</b> from when it was really started; the axis of times is logarithmic.`,
    draw: (width) => drawOpenLoop(result, width),
    table: figures,
  });
  const found = words.openLoopSentences(result).join(" ");
  return { id, title, html: markup`${notices(result)}<p class="verdict">${found}</p>${shown}` };
}

function notices(result: SweepResult) {
  const failed = words.failureSentences(result).map((text) => `Failed: ${text}`);
  return list([...failed, ...result.warnings], "notices");
}

export function sweepPart(result: SweepResult, { id, alone }: PartPlace): PagePart {
  const { job, model, axis, points, openLoop, why } = result;
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
    headlines: [{ id, name: `Scaling of ${job.name} by ${axis}`, text: found }],
    sections: [section],
    jobs: [
      markup`<b>${job.name}</b>, ${model} by ${axis}${why !== undefined && `; ${why}`}. ${
        taskWords(job.task, job.options)
      }`,
    ],
    name: `Scaling of ${job.name}`,
    method: {
      name: axis === "rate" ? "How load on schedule is measured" : "How scaling is measured",
      html: list(words.definitionSentences(result)),
    },
  };
}

/** A fit that forecasts rest on is drawn up to this many times the largest size. */
const BEYOND = 10;
const STEPS = 120;

/** Whether the fit is drawn beyond what was measured: where it gives a forecast for this machine. */
function isExtrapolated({ forecasts }: Pick<SweepResult, "forecasts">): boolean {
  return forecasts.some(({ factor, cores, refusal }) =>
    factor === BEYOND && cores === null && refusal === null
  );
}

const TOP = 26;
const LEFT = 56;
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
    chart.group(
      "ticks",
      levels.map((at) => chart.text(axisNumber(at), LEFT - 6, y(at), { textAnchor: "end" })),
    ),
    chart.axis(x, bottom, xTicks(x), axisNumber),
    chart.text(`↑ ${yLabel}`, 2, 8),
    chart.text(`${xLabel} →`, end, height - 8, { textAnchor: "end" }),
    marks(x, y),
  ]);
}

export function drawSweep(result: SweepResult, width: number): Html {
  const { points, axis, model, knee } = result;
  const { law, full, perPlace, low, high, ...besides } = drawnBesides(result);
  const trusted = law !== null && isExtrapolated(result);
  const end = trusted ? high * BEYOND : high;
  const isLog = end / low >= LOG_FROM;
  const sizes = chart.scale([low, end], [0, STEPS], isLog);
  const along = (from: number, to: number, at: (size: number) => number) =>
    Array.from({ length: STEPS + 1 }, (_, i) => {
      const place = sizes(from) + (sizes(to) - sizes(from)) * i / STEPS;
      return [sizes.invert(place), at(sizes.invert(place))] as const;
    });
  const fit = law === null ? [] : along(low, high, (size) => throughputAt(law, size));
  const beyond = trusted ? along(high, end, (size) => throughputAt(law, size)) : [];
  const top = 1.05 * Math.max(besides.top, ...[...fit, ...beyond].map(([_, rate]) => rate));
  const ideal = along(low, Math.min(end, top / perPlace), (size) => perPlace * size);
  const line = { stroke: modelColour(model.split(",")[0]!), strokeWidth: 2 };
  const bend = points.find(({ size }) => size === knee?.size)?.size;
  const wide = chart.isWide(width);
  const rates = points.map(({ size, throughputPerSecond: { median } }) =>
    `${size}: ${formatRate(median)}`
  );
  return framed(width, {
    title: `Throughput by ${axis}`,
    description: `${rates.join("; ")}. ${words.kneeSentence(result)}`,
  }, {
    ends: [[low, end], [0, top]],
    isLog: [isLog, false],
    right: 18,
    labels: [axis, "items a second"],
    xTicks: () => isLog ? sizeTicks(low, end, wide) : points.map(({ size }) => size),
  }, (x, y) => {
    const path = (of: readonly (readonly [number, number])[], look: chart.Look) =>
      chart.curve(of.map(([size, rate]) => [x(size), y(rate)]), look);
    const isLeft = bend !== undefined && bend ** 2 < low * end;
    return [
      full && [
        chart.line(LEFT, y(full.limitPerSecond), width - 18, y(full.limitPerSecond), {
          stroke: "var(--bad)",
          strokeDasharray: "2 3",
        }),
        chart.group(
          "full",
          chart.text(
            full.by === "cores" ? "all cores full" : "event loop full",
            width - 18,
            y(full.limitPerSecond) - 8,
            { ...RED, textAnchor: "end" },
          ),
        ),
      ],
      path(ideal, { stroke: "var(--soft)", strokeDasharray: "1 4" }),
      path(fit, {
        ...line,
        ...(law?.suits === false && { strokeOpacity: 0.35, class: "bad-fit" }),
      }),
      path(beyond, { ...line, strokeDasharray: "7 5", class: "extrapolation" }),
      // Words stand beside the line and below the curve, where nothing else is drawn.
      bend !== undefined && chart.group("knee", [
        chart.line(x(bend), TOP, x(bend), y(0), chart.LIMIT),
        chart.text(`knee at ${bend}`, x(bend) + (isLeft ? 6 : -6), y(0) - 12, {
          ...RED,
          ...chart.STRONG,
          textAnchor: isLeft ? "start" : "end",
        }),
      ]),
      points.map(({ size, throughputPerSecond: { low, high } }) =>
        chart.line(x(size), y(Math.min(low, top)), x(size), y(Math.min(high, top)), chart.FINE)
      ),
      chart.group(
        "sizes",
        points.map(({ size, throughputPerSecond: { median, low, high }, refined }) =>
          chart.dot(x(size), y(median), 4.5, {
            fill: line.stroke,
            stroke: "var(--paper)",
            title: [
              `${size} ${axis}: ${formatRate(median)}`,
              `95%: ${formatRate(low)} to ${formatRate(high)}`,
              ...(refined ? ["added around the bend"] : []),
              ...(size === bend ? ["the knee"] : []),
            ].join("\n"),
          })
        ),
      ),
    ];
  });
}

/** Draws the 99th percentile of response times against the rate, corrected and naive. */
function drawOpenLoop({ openLoop }: SweepResult, width: number): Html {
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
      chart.group(
        name,
        rows.map(({ rate, ms, title }) => chart.dot(x(rate), y(ms), 4, { fill: colour, title })),
      ),
      // Where both are the same the words would lie upon each other.
      rows.slice(-1).map(({ rate, ms }) =>
        chart.text(name, x(rate) + 10, y(ms) + dy, chart.STRONG)
      ),
    ]));
}

/** At the powers of two, or only at every other where it is narrow. */
function sizeTicks(low: number, high: number, wide: boolean): number[] {
  const ticks: number[] = [];
  for (let size = 1; size <= high; size *= wide ? 2 : 4) if (size >= low) ticks.push(size);
  return ticks;
}

/** A number on an axis: whole ones without the decimals that tables give them. */
function axisNumber(value: number): string {
  return Number.isInteger(value) && value < 10_000 ? String(value) : formatNumber(value);
}
