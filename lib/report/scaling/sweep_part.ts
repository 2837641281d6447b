/**
 * A sweep as a part of a page.
 *
 * @module
 */

import { formatDuration, formatNumber, formatPercent } from "../../text/format.ts";
import { taskWords } from "../html/environment_section.ts";
import { figure } from "../html/figure.ts";
import { inert } from "../html/inert.ts";
import { type Html, type Markup, markup } from "../html/markup.ts";
import { definitionSentences } from "./definitions.ts";
import type { PagePart } from "../html/parts.ts";
import type { Section } from "../html/section.ts";
import { table } from "../html/table.ts";
import { capacitySentences, failingSentences, forecastSentences } from "./limit_words.ts";
import { LAW_TITLES } from "../../scaling/laws/laws.ts";
import { drawOpenLoop, drawSweep, isFollowed } from "./sweep_chart.ts";
import type { SweepPoint, SweepResult } from "../../scaling/sweep_result.ts";
import {
  fitSentences,
  kneeSentence,
  littleSentences,
  nothingWorked,
  openLoopSentences,
  takeLines,
} from "../../scaling/sweep_words.ts";

/** A warning may be a few sentences. */
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
        isFollowed(result) ? ", dashed where nothing was measured" : ""
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

function notices({ warnings }: SweepResult): Markup {
  return warnings.length > 0 &&
    markup`<ul class="notices">${
      warnings.slice(0, 50).map((warning) => markup`<li>${warning}</li>`)
    }</ul>`;
}

/** Where a sweep stands in a page. */
export interface SweepPlace {
  /** The section's id, unique in its page; default "sweep". */
  readonly id?: string;
  /** Whether the page holds this sweep and nothing else; default true. */
  readonly alone?: boolean;
}

/** A sweep as a part of a page. */
export function sweepPart(result: SweepResult, place: SweepPlace = {}): PagePart {
  const { id = "sweep", alone = true } = place;
  const safe = inert(result, MOST_CHARACTERS);
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
