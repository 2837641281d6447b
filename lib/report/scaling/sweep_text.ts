/**
 * A sweep's report for the terminal.
 *
 * @module
 */

import {
  counted,
  formatDuration,
  formatNumber,
  formatPercent,
  NO_FIGURE,
} from "../../text/format.ts";
import { type Failures, sumOfFailures } from "../../timing/reasons.ts";
import { plain, wrap } from "../../text/plain.ts";
import { paletteFor, type Style } from "../terminal/style.ts";
import { textTable } from "../terminal/text_table.ts";
import { environmentLine } from "../terminal/verdict_text.ts";
import { chartText } from "./chart_text.ts";
import { definitionSentences } from "./definitions.ts";
import { capacitySentences, failingSentences, forecastSentences } from "./limit_words.ts";
import type { OpenLoopPoint, SweepPoint, SweepResult } from "../../scaling/sweep_result.ts";
import {
  fitSentences,
  formatRate,
  kneeSentence,
  littleSentences,
  nothingWorked,
  openLoopSentences,
  takeLines,
} from "../../scaling/sweep_words.ts";

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

/** What never got an answer took longer than it is counted with. */
function correctedP99({ corrected, unanswered, unstarted }: OpenLoopPoint): string {
  return (unanswered + unstarted > 0 ? "≥" : "") + formatDuration(corrected.p99);
}

/** Reasons with their counts and an example of each. */
function reasonsText(of: readonly Partial<Failures>[]): string {
  const { reasons, examples } = sumOfFailures(of);
  const texts = Object.entries(reasons).map(([reason, count]) => {
    const example = examples[reason] === undefined ? [] : [plain(examples[reason])];
    const missing = reason === "NotCapable"
      ? ["a permission is missing: give it with --allow-…"]
      : [];
    const more = [...example, ...missing];
    return `${count} ${plain(reason)}${more.length > 0 ? ` (${more.join("; ")})` : ""}`;
  });
  return texts.join(", ");
}

/** Failures, one line for each size or rate that had some. */
function failures({ points, openLoop }: SweepResult): string[] {
  const closed = points.flatMap(({ size, rounds }) => {
    const failed = rounds.reduce((sum, round) => sum + round.failed, 0);
    const all = rounds.reduce((sum, round) => sum + round.failed + round.succeeded, 0);
    return failed > 0
      ? [`At ${size}: ${failed} of ${counted(all, "task")} failed: ${reasonsText(rounds)}.`]
      : [];
  });
  const open = openLoop.flatMap((point) => {
    const { ratePerSecond, failed, scheduled } = point;
    return failed > 0
      ? [
        `At ${formatRate(ratePerSecond)}: ${failed} of ${counted(scheduled, "request")} failed: ${
          reasonsText([point])
        }.`,
      ]
      : [];
  });
  return [...closed, ...open];
}

/**
 * Whether a task failed in a sweep.
 *
 * @returns True if one did.
 */
export function anyFailed(result: SweepResult): boolean {
  return failures(result).length > 0;
}

/** Writes a sweep's report: chart, table, what follows from them, and how it is all defined. */
export function sweepText(result: SweepResult, style: Style): string {
  const { job, model, why, axis, points, fits, chosen, forecasts, openLoop, warnings, partial } =
    result;
  const palette = paletteFor(style);
  const lines = (texts: readonly string[], paint = (text: string) => text) =>
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
    ...failures(result).map((text) => lines([`Failed: ${text}`], palette.bad)),
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
