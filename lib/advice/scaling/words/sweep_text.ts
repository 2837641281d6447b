/**
 * A sweep's report for the terminal.
 *
 * @module
 */

import { counted } from "../../../plural.ts";
import { type Failures, sumOfFailures } from "../../../timing/reasons.ts";
import { formatDuration, formatNumber, formatPercent } from "../../../reporting/format.ts";
import { plain, wrap } from "../../../reporting/plain.ts";
import { paletteFor, type Style } from "../../../reporting/style.ts";
import { environmentLine } from "../../../reporting/verdict_text.ts";
import { chartText } from "./chart_text.ts";
import { definitionSentences } from "./definitions.ts";
import { capacitySentences, failingSentences, forecastSentences } from "./limit_words.ts";
import type { OpenLoopPoint, SweepPoint, SweepResult } from "../sweep_result.ts";
import {
  fitSentences,
  formatRate,
  kneeSentence,
  littleSentences,
  openLoopSentences,
} from "./sweep_words.ts";

/** Columns set flush: the first column and all figures to the right. */
function columnsOf(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) => row.map((cell, i) => cell.padStart(widths[i]!)).join("  ").trimEnd())
    .join("\n");
}

function pointRow({ size, throughputPerSecond: x, latencyMs, efficiency, refined }: SweepPoint) {
  const times = latencyMs === null
    ? ["–", "–", "–"]
    : [latencyMs.median, latencyMs.p95, latencyMs.p99].map(formatDuration);
  return [
    `${size}${refined ? "+" : " "}`,
    formatNumber(x.median),
    `${formatNumber(x.low)}–${formatNumber(x.high)}`,
    ...times,
    formatPercent(efficiency),
  ];
}

function pointsTable({ points, axis }: SweepResult): string {
  const heads = [axis + " ", "items/s", "95%", "median", "p95", "p99", "efficiency"];
  const note = points.some(({ refined }) => refined) ? "\n+ added around the bend" : "";
  return columnsOf([heads, ...points.map(pointRow)]) + note;
}

function openLoopTable(points: readonly OpenLoopPoint[]): string {
  const heads = [
    "due/s",
    "done/s",
    "naive p50",
    "p99",
    "corrected p50",
    "p99",
    "backlog",
    "kept up",
  ];
  return columnsOf([
    heads,
    ...points.map((point) => [
      formatNumber(point.ratePerSecond),
      formatNumber(point.achievedPerSecond),
      formatDuration(point.naive.median),
      formatDuration(point.naive.p99),
      formatDuration(point.corrected.median),
      // What never got an answer took longer than it is counted with.
      (point.unanswered + point.unstarted > 0 ? "≥" : "") + formatDuration(point.corrected.p99),
      String(point.backlogAtEnd),
      point.sustained ? "yes" : "no",
    ]),
  ]);
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
 * @param result The sweep.
 * @returns True if one did.
 *
 * @example
 * ```ts
 * import { anyFailed } from "./sweep_text.ts";
 *
 * console.log(anyFailed.length); // 1
 * ```
 */
export function anyFailed(result: SweepResult): boolean {
  return failures(result).length > 0;
}

/**
 * Writes a sweep's report: chart, table, what follows from them, and how it is all defined.
 *
 * @param result The sweep.
 * @param style Width and colour.
 * @returns The report, without a newline at the end.
 *
 * @example
 * ```ts
 * import { sweepText } from "./sweep_text.ts";
 *
 * console.log(sweepText.length); // 2
 * ```
 */
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
    const chart = chartText(result, { columns: style.columns });
    if (chart !== "") blocks.push(chart);
    blocks.push(pointsTable(result));
    blocks.push(lines([
      kneeSentence(result),
      ...failingSentences(result),
      ...capacitySentences(result),
    ], palette.heading));
    const shown = fits.toSorted((a, b) => Number(b.name === chosen) - Number(a.name === chosen));
    const laws = shown.flatMap(fitSentences);
    blocks.push(lines([...laws, ...littleSentences(result)]));
    if (forecasts.length > 0) blocks.push(lines(forecastSentences(result)));
  }
  if (openLoop.length > 0) {
    blocks.push(openLoopTable(openLoop), lines(openLoopSentences(result), palette.heading));
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
