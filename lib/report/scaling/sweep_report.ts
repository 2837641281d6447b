/** A sweep's report for terminal, page and Markdown, with its curve; its rounds as CSV. */

import { bornePoints } from "../../scaling/analyse.ts";
import { LAW_TITLES } from "../../scaling/laws.ts";
import type { OpenLoopPoint, SweepPoint, SweepResult } from "../../scaling/sweep_result.ts";
import {
  counted,
  formatDuration,
  formatEnds,
  formatNumber,
  formatPercent,
  NO_FIGURE,
} from "../../text/format.ts";
import * as doc from "../document.ts";
import { figure, type Html, list, markup } from "../html/markup.ts";
import { type PagePart, type PartPlace, taskWords } from "../html/page.ts";
import { sentences, type Style } from "../terminal.ts";
import { chartText, chosenLaw, drawOpenLoop, drawSweep, isExtrapolated } from "./sweep_chart.ts";
import {
  capacitySentences,
  definitionSentences,
  failingSentences,
  failureSentences,
  forecastSentences,
  itemsSentences,
  kneeSentence,
  lawSentences,
  littleSentences,
  nothingWorked,
  openLoopSentences,
  takeLines,
  whatFollows,
} from "./sweep_words.ts";

export function sizeColumns(
  { axis, points }: Pick<SweepResult, "axis" | "points">,
): doc.Column<SweepPoint>[] {
  const borne = new Set(bornePoints(points).map(({ size }) => size));
  const ifBorne = (cell: (point: SweepPoint) => string) => (point: SweepPoint) =>
    borne.has(point.size) ? cell(point) : NO_FIGURE;
  const time = (of: "median" | "p95" | "p99") => ({ latencyMs }: SweepPoint) =>
    formatDuration(latencyMs?.[of] ?? NaN);
  const interval = ({ throughputPerSecond: of }: SweepPoint) =>
    of.high > 0 ? formatEnds(of) : NO_FIGURE;
  return [
    // A space in place of the +, which marks an added size, keeps figures below each other.
    { head: `${axis} `, cell: ({ size, refined }) => `${size}${refined ? "+" : " "}` },
    doc.numberColumn("items/s", 0, ifBorne((of) => formatNumber(of.throughputPerSecond.median))),
    doc.numberColumn("95%", 1, ifBorne(interval), { longHead: "95% interval" }),
    doc.numberColumn("median", 2, time("median")),
    doc.numberColumn("p95", 4, time("p95")),
    doc.numberColumn("p99", 3, time("p99")),
    doc.numberColumn("efficiency", 0, ifBorne(({ efficiency }) => formatPercent(efficiency))),
  ];
}

/** The corrected p99; with ≥ if requests without an answer took longer than the time they count as. */
function correctedP99({ corrected, unanswered, unstarted }: OpenLoopPoint): string {
  return (unanswered + unstarted > 0 ? "≥" : "") + formatDuration(corrected.p99);
}

const RATE_COLUMNS: readonly doc.Column<OpenLoopPoint>[] = [
  doc.numberColumn("due/s", 0, ({ ratePerSecond }) => formatNumber(ratePerSecond)),
  doc.numberColumn("done/s", 0, ({ achievedPerSecond }) => formatNumber(achievedPerSecond)),
  doc.numberColumn("naive p50", 4, ({ naive }) => formatDuration(naive.median)),
  doc.numberColumn("p99", 3, ({ naive }) => formatDuration(naive.p99), { longHead: "naive p99" }),
  doc.numberColumn("corrected p50", 2, ({ corrected }) => formatDuration(corrected.median)),
  doc.numberColumn("p99", 0, correctedP99, {
    longHead: "corrected p99",
    // Once the column before it is dropped, its head must say which p99 it is.
    short: { head: "corrected p99", cell: correctedP99, order: 2.5 },
  }),
  doc.numberColumn("backlog", 1, ({ backlogAtEnd }) => String(backlogAtEnd)),
  doc.numberColumn("kept up", 0, ({ sustained }) => sustained ? "yes" : "no"),
];

function roundsText({ points, openLoop }: SweepResult): string {
  const counts = [...points.map(({ rounds }) => rounds.length), ...openLoop.map((p) => p.rounds)];
  const [least, most] = [Math.min(...counts), Math.max(0, ...counts)];
  return least < most ? `${least} to ${most} rounds` : counted(most, "round");
}

export function sweepReport(result: SweepResult): doc.Block {
  const { job, model, why, axis, points, openLoop, warnings, partial, environment } = result;
  const title = `${job.name}: ${model} by ${axis}, ${roundsText(result)}, each trial in a fresh ` +
    `process${why === undefined ? "" : `; ${why}`}`;
  const take = takeLines(result);
  const curve = points.length === 0 ? [] : [
    doc.inTerminal(({ columns }) => nothingWorked(result) ? "" : chartText(result, columns)),
    doc.together(
      doc.tableOf(sizeColumns(result), points),
      doc.paragraph(points.some(({ refined }) => refined) ? "+ added around the knee" : ""),
      doc.lines(itemsSentences(result)),
    ),
    doc.together(
      doc.paragraph(kneeSentence(result), "heading", "  "),
      doc.lines([...failingSentences(result), ...capacitySentences(result)], "heading"),
    ),
    {
      text: (style: Style) => sentences(take, style, "good"),
      markdown: doc.documentOf(
        take.map((text, i) => i < take.length - 1 ? doc.paragraph(text) : doc.code([text])),
      ).markdown,
    },
    doc.lines([...lawSentences(result), ...littleSentences(result)]),
    doc.lines(forecastSentences(result)),
  ];
  return doc.documentOf([
    doc.heading(title, "  "),
    doc.paragraph(points.length + openLoop.length === 0 ? "Nothing was measured." : ""),
    ...curve,
    ...(openLoop.length === 0 ? [] : [doc.tableOf(RATE_COLUMNS, openLoop)]),
    doc.lines(openLoopSentences(result), "heading"),
    doc.together(
      doc.lines(failureSentences(result).map((text) => `Failed: ${text}`), "bad"),
      doc.lines(warnings.map((text) => `Warning: ${text}`), "warning"),
      doc.partialNote(partial),
    ),
    doc.footnote(environment, definitionSentences(result)),
  ]);
}

type ClosedRow =
  & Omit<SweepPoint, "throughputPerSecond" | "rounds">
  & SweepPoint["rounds"][number]
  & { readonly axis: string };

/** Quantiles of latency and efficiency belong to a size, so they are the same in each of its rounds. */
const CLOSED_COLUMNS: doc.CsvColumns<ClosedRow> = {
  ...doc.properties(
    "axis",
    "size",
    "lanes",
    "slots",
    "refined",
    "round",
    "startMs",
    "runMs",
    "cpuMs",
  ),
  ...doc.properties("succeeded", "failed", "throughputPerSecond", "meanLatencyMs"),
  medianLatencyMs: ({ latencyMs }) => latencyMs?.median,
  p95LatencyMs: ({ latencyMs }) => latencyMs?.p95,
  p99LatencyMs: ({ latencyMs }) => latencyMs?.p99,
  ...doc.properties("efficiency"),
};

const OPEN_COLUMNS: doc.CsvColumns<OpenLoopPoint> = {
  ...doc.properties("ratePerSecond", "durationMs", "rounds", "scheduled", "succeeded", "failed"),
  ...doc.properties("unanswered", "unstarted", "achievedPerSecond"),
  correctedMedianMs: ({ corrected }) => corrected.median,
  correctedP95Ms: ({ corrected }) => corrected.p95,
  correctedP99Ms: ({ corrected }) => corrected.p99,
  correctedMaxMs: ({ corrected }) => corrected.max,
  naiveMedianMs: ({ naive }) => naive.median,
  naiveP95Ms: ({ naive }) => naive.p95,
  naiveP99Ms: ({ naive }) => naive.p99,
  naiveMaxMs: ({ naive }) => naive.max,
  ...doc.properties("mostWaiting", "backlogAtEnd", "sustained"),
};

export function sweepCsv(
  { axis, points, openLoop }: Pick<SweepResult, "axis" | "points" | "openLoop">,
): string {
  if (axis === "rate") return doc.csv(OPEN_COLUMNS, openLoop);
  return doc.csv(
    CLOSED_COLUMNS,
    points.flatMap((of) => of.rounds.map((round) => ({ axis, ...of, ...round }))),
  );
}

function curveSection(result: SweepResult, id: string): Html {
  const { points, axis, chosen } = result;
  const law = chosenLaw(result);
  const figures = doc.htmlTable(`Throughput and latency by ${axis}`, sizeColumns(result), points);
  const dashed = isExtrapolated(result) ? ", dashed where nothing was measured" : "";
  const suits = law?.suits ? "" : ", which doesn't suit";
  const shown = bornePoints(points).length < 2 || nothingWorked(result) ? figures : figure({
    id: `${id}-curve`,
    title: `Throughput by ${axis}`,
    lead: [
      "Dots are medians of the rounds, fine lines their 95% intervals; dotted is what perfect scaling " +
      "would be.",
      points.some(({ refined }) => refined) &&
      " In the table a + marks sizes that were added around the knee.",
      chosen !== null &&
      ` The line is ${chosen === "usl" ? "the " : ""}${LAW_TITLES[chosen]}${dashed}${suits}.`,
    ],
    draw: (width) => drawSweep(result, width),
    table: figures,
  });
  const found = list([...takeLines(result), ...whatFollows(result)]);
  return markup`<p class="verdict">${kneeSentence(result)}</p>${shown}${found}`;
}

function openLoopSection(result: SweepResult, id: string): Html {
  const figures = doc.htmlTable("Response times by rate", RATE_COLUMNS, result.openLoop);
  const shown = result.openLoop.length < 2 ? figures : figure({
    id: `${id}-times`,
    title: "Response times by rate",
    lead: markup`Requests are due on schedule. <b>Corrected</b> counts from when a request was due,
      <b>naive</b> from when it was really started; the axis of times is logarithmic.`,
    draw: (width) => drawOpenLoop(result, width),
    table: figures,
  });
  const found = openLoopSentences(result).join(" ");
  return markup`<p class="verdict">${found}</p>${shown}`;
}

export function sweepPart(result: SweepResult, { id, alone }: PartPlace): PagePart {
  const { job, model, axis, points, openLoop, why } = result;
  const title = `${job.name}: ${model} by ${axis}`;
  const heading = openLoop.length > 0 ? "What it bears on schedule" : "How far it scales";
  const failed = failureSentences(result).map((text) => `Failed: ${text}`);
  const notices = list([...failed, ...result.warnings], "notices");
  const [found = "Nothing was measured."] = points.length > 0
    ? [kneeSentence(result)]
    : openLoopSentences(result);
  const html = points.length > 0
    ? curveSection(result, id)
    : openLoop.length > 0
    ? openLoopSection(result, id)
    : markup`<p>${found}</p>`;
  return {
    title,
    sections: [{
      id,
      title: alone ? heading : `${heading}: ${title}`,
      found: { name: `Scaling of ${job.name} by ${axis}`, text: found },
      html: markup`${notices}${html}`,
    }],
    jobs: [[
      markup`<b>${job.name}</b>, ${model} by ${axis}${why !== undefined && `; ${why}`}. `,
      taskWords(job.task, job.options),
    ]],
    name: `Scaling of ${job.name}`,
    method: {
      name: axis === "rate" ? "How load on schedule is measured" : "How scaling is measured",
      html: list(definitionSentences(result)),
    },
  };
}
