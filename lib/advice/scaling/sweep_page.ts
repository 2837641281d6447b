/**
 * A sweep as one HTML page that opens offline.
 *
 * @module
 */

import { formatDuration, formatNumber, formatPercent } from "../../reporting/format.ts";
import { renderDocument } from "../../reporting/html/document.ts";
import { figure } from "../../reporting/html/figure.ts";
import { inert } from "../../reporting/html/inert.ts";
import { type Html, markup } from "../../reporting/html/markup.ts";
import { definitionSentences } from "./definitions.ts";
import type { Section } from "../../reporting/html/section.ts";
import { table } from "../../reporting/html/table.ts";
import { environmentLine } from "../../reporting/verdict_text.ts";
import { LAW_TITLES } from "./laws.ts";
import { drawOpenLoop, drawSweep } from "./sweep_chart.ts";
import type { SweepPoint, SweepResult } from "./sweep_result.ts";
import {
  fitSentences,
  forecastSentence,
  kneeSentence,
  littleSentences,
  openLoopSentences,
} from "./sweep_words.ts";

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

function curveSection(result: SweepResult): Section {
  const { points, axis, fits, chosen, forecasts } = result;
  const chart = points.length < 2 ? pointsTable(result) : figure({
    id: "sweep-curve",
    title: `Throughput by ${axis}`,
    lead: markup`Dots are medians of the rounds, fine lines their 95% intervals; dotted is what
      perfect scaling would be. ${
      chosen !== null &&
      markup`The line is ${LAW_TITLES[chosen]}${
        forecasts.some(({ refusal }) => refusal === null)
          ? ", dashed where nothing was measured"
          : ""
      }.`
    }`,
    draw: (width) => drawSweep(result, width),
    table: pointsTable(result),
  });
  const shown = fits.toSorted((a, b) => Number(b.name === chosen) - Number(a.name === chosen));
  return {
    id: "sweep",
    title: "How far it scales",
    html: markup`<p class="verdict">${kneeSentence(result)}</p>${chart}${
      list([
        ...shown.flatMap(fitSentences),
        ...forecasts.map((forecast) => forecastSentence(forecast, axis)),
        ...littleSentences(result),
      ])
    }`.text,
  };
}

function openLoopSection(result: SweepResult): Section {
  const chart = result.openLoop.length < 2 ? openLoopTable(result) : figure({
    id: "open-loop-times",
    title: "Response times by rate",
    lead: markup`Requests are due on schedule. <b>Corrected</b> counts from when a request was due,
      <b>naive</b> from when it was really started; the axis of times is logarithmic.`,
    draw: (width) => drawOpenLoop(result, width),
    table: openLoopTable(result),
  });
  return {
    id: "open-loop",
    title: "What it bears on schedule",
    html: markup`<p class="verdict">${openLoopSentences(result).join(" ")}</p>${chart}`.text,
  };
}

/**
 * A sweep as sections of a page, for pages that hold more than a sweep.
 *
 * @param result The sweep; its strings may come from anywhere.
 * @returns The sections.
 *
 * @example
 * ```ts
 * import { sweepSections } from "./sweep_page.ts";
 *
 * console.log(sweepSections.length); // 1
 * ```
 */
export function sweepSections(result: SweepResult): Section[] {
  const safe = inert(result);
  return [
    ...(safe.points.length > 0 ? [curveSection(safe)] : []),
    ...(safe.openLoop.length > 0 ? [openLoopSection(safe)] : []),
  ];
}

/**
 * Writes a sweep as one page. Nothing in it, whatever the sweep holds, becomes markup or reaches the
 * network.
 *
 * @param result The sweep.
 * @returns The whole page.
 *
 * @example
 * ```ts
 * import { sweepPage } from "./sweep_page.ts";
 *
 * console.log(sweepPage.length); // 1
 * ```
 */
export function sweepPage(result: SweepResult): string {
  const safe = inert(result);
  const notices = [
    ...(safe.partial
      ? ["Partial: the run was interrupted; this is what was measured until then."]
      : []),
    ...safe.warnings,
  ];
  const notes = safe.environment.notes ?? [];
  return renderDocument(`${safe.job.name}: ${safe.model} by ${safe.axis}`, [
    ...sweepSections(result),
    { id: "method", title: "Method", html: list([...definitionSentences(safe), ...notes]).text },
  ], {
    kicker: "Lanes sweep",
    intro: markup`<p class="where">${environmentLine(safe.environment)}</p>${
      notices.length > 0 &&
      markup`<ul class="notices">${notices.map((notice) => markup`<li>${notice}</li>`)}</ul>`
    }`,
  });
}
