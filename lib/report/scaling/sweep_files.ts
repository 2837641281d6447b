/**
 * A sweep as files: JSON, CSV, Markdown for an issue or a pull request, a page.
 *
 * @module
 */

import { stringify } from "@std/csv/stringify";
import type { Renderers } from "../../files/output_files.ts";
import { escapeMarkdown, markdownTable } from "../files/escape.ts";
import {
  capacitySentences,
  failingSentences,
  failureSentences,
  fitSentences,
  forecastSentences,
  kneeSentence,
  littleSentences,
  openLoopSentences,
  takeLines,
} from "./sweep_words.ts";
import { environmentLine } from "../environment_line.ts";
import type { SweepResult } from "../../scaling/sweep_result.ts";
import { formatDuration, formatNumber, formatPercent } from "../../text/format.ts";
import { plain } from "../../text/plain.ts";

/** What makes each format of a sweep. */
export function sweepRenderers(result: SweepResult): Omit<Required<Renderers>, "trace"> {
  return {
    json: () => JSON.stringify(result, null, 1) + "\n",
    csv: () => sweepCsv(result),
    markdown: () => sweepMarkdown(result),
    // The page brings a chart library along: only who wants it waits for it.
    html: async () => (await import("../html/report_page.ts")).reportPage([result]),
  };
}

const CLOSED = [
  "axis",
  "size",
  "lanes",
  "slots",
  "refined",
  "round",
  "startMs",
  "runMs",
  "cpuMs",
  "succeeded",
  "failed",
  "throughputPerSecond",
  "meanLatencyMs",
  "medianLatencyMs",
  "p95LatencyMs",
  "p99LatencyMs",
  "efficiency",
] as const;

const OPEN = [
  "ratePerSecond",
  "durationMs",
  "rounds",
  "scheduled",
  "succeeded",
  "failed",
  "unanswered",
  "unstarted",
  "achievedPerSecond",
  "correctedMedianMs",
  "correctedP95Ms",
  "correctedP99Ms",
  "correctedMaxMs",
  "naiveMedianMs",
  "naiveP95Ms",
  "naiveP99Ms",
  "naiveMaxMs",
  "mostWaiting",
  "backlogAtEnd",
  "sustained",
] as const;

/**
 * Writes a sweep as CSV (RFC 4180), columns named as in the result file. Latencies' quantiles and
 * efficiency are those of the size, the same in each of its rounds. It holds numbers and fixed words
 * alone, so that no cell can be taken for a formula.
 */
export function sweepCsv(
  { axis, points, openLoop }: Pick<SweepResult, "axis" | "points" | "openLoop">,
): string {
  if (axis === "rate") {
    const rows = openLoop.map((p) => [
      p.ratePerSecond,
      p.durationMs,
      p.rounds,
      p.scheduled,
      p.succeeded,
      p.failed,
      p.unanswered,
      p.unstarted,
      p.achievedPerSecond,
      ...[p.corrected, p.naive].flatMap(({ median, p95, p99, max }) => [median, p95, p99, max]),
      p.mostWaiting,
      p.backlogAtEnd,
      p.sustained,
    ]);
    return stringify([[...OPEN], ...rows]);
  }
  const rows = points.flatMap(({ size, lanes, slots, refined, rounds, latencyMs, efficiency }) =>
    rounds.map((r) => [
      axis,
      size,
      lanes,
      slots,
      refined,
      r.round,
      r.startMs,
      r.runMs,
      r.cpuMs,
      r.succeeded,
      r.failed,
      r.throughputPerSecond,
      r.meanLatencyMs ?? "",
      latencyMs?.median ?? "",
      latencyMs?.p95 ?? "",
      latencyMs?.p99 ?? "",
      efficiency,
    ])
  );
  return stringify([[...CLOSED], ...rows]);
}

function pointsTable({ points, axis }: SweepResult): string {
  return markdownTable(
    [axis, "items/s", "95% interval", "median", "p95", "p99", "efficiency"],
    points.map(({ size, throughputPerSecond: x, latencyMs, efficiency }) => [
      String(size),
      formatNumber(x.median),
      `${formatNumber(x.low)} to ${formatNumber(x.high)}`,
      ...(["median", "p95", "p99"] as const).map((of) =>
        latencyMs === null ? "–" : formatDuration(latencyMs[of])
      ),
      formatPercent(efficiency),
    ]),
  );
}

function openLoopTable({ openLoop }: SweepResult): string {
  return markdownTable(
    ["due/s", "done/s", "naive p50", "naive p99", "corrected p50", "corrected p99", "kept up"],
    openLoop.map(({ ratePerSecond, achievedPerSecond, naive, corrected, sustained }) => [
      formatNumber(ratePerSecond),
      formatNumber(achievedPerSecond),
      formatDuration(naive.median),
      formatDuration(naive.p99),
      formatDuration(corrected.median),
      formatDuration(corrected.p99),
      sustained ? "yes" : "no",
    ]),
  );
}

/** The size to take, with its line of code. */
function takeMarkdown(result: SweepResult): string[] {
  const lines = takeLines(result);
  const code = lines.at(-1);
  return code === undefined
    ? []
    : [...lines.slice(0, -1).map(escapeMarkdown), ["```ts", plain(code), "```"].join("\n")];
}

/** Writes a sweep as Markdown (GitHub's flavour). Text from outside is escaped. */
export function sweepMarkdown(result: SweepResult): string {
  const { job, model, axis, points, openLoop, fits, warnings, partial } = result;
  const list = (lines: readonly string[]) =>
    lines.map((line) => `- ${escapeMarkdown(line)}`).join("\n");
  const notes = (result.environment.notes ?? []).map(escapeMarkdown);
  return [
    `### ${escapeMarkdown(`${job.name}: ${model} by ${axis}`)}`,
    ...(points.length + openLoop.length === 0 ? ["Nothing was measured."] : []),
    ...(points.length === 0 ? [] : [
      pointsTable(result),
      escapeMarkdown(kneeSentence(result)),
      ...takeMarkdown(result),
      list([
        ...failingSentences(result),
        ...capacitySentences(result),
        ...fits.flatMap(fitSentences),
        ...forecastSentences(result),
        ...littleSentences(result),
      ]),
    ]),
    ...(openLoop.length === 0
      ? []
      : [openLoopTable(result), escapeMarkdown(openLoopSentences(result).join(" "))]),
    list([
      ...failureSentences(result).map((text) => `Failed: ${text}`),
      ...warnings.map((warning) => `Warning: ${warning}`),
    ]),
    ...(partial ? ["**Partial:** the run was interrupted."] : []),
    `<sub>${[escapeMarkdown(environmentLine(result.environment)), ...notes].join("; ")}</sub>`,
  ].filter((part) => part !== "").join("\n\n") + "\n";
}
