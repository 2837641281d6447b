/**
 * A sweep as Markdown, to be pasted into an issue or a pull request.
 *
 * @module
 */

import { formatDuration, formatNumber, formatPercent } from "../../text/format.ts";
import { inertMarkdown, markdownTable } from "../files/inert_markdown.ts";
import { plain } from "../../text/plain.ts";
import { environmentLine } from "../terminal/verdict_text.ts";
import { capacitySentences, failingSentences, forecastSentences } from "./limit_words.ts";
import type { SweepResult } from "../../scaling/sweep_result.ts";
import {
  fitSentences,
  kneeSentence,
  littleSentences,
  openLoopSentences,
  takeLines,
} from "../../scaling/sweep_words.ts";

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
    : [...lines.slice(0, -1).map(inertMarkdown), ["```ts", plain(code), "```"].join("\n")];
}

/** Writes a sweep as Markdown (GitHub's flavour). Text from outside is escaped. */
export function sweepMarkdown(result: SweepResult): string {
  const { job, model, axis, points, openLoop, fits, warnings, partial } = result;
  const list = (lines: readonly string[]) =>
    lines.map((line) => `- ${inertMarkdown(line)}`).join("\n");
  const notes = (result.environment.notes ?? []).map(inertMarkdown);
  return [
    `### ${inertMarkdown(`${job.name}: ${model} by ${axis}`)}`,
    ...(points.length + openLoop.length === 0 ? ["Nothing was measured."] : []),
    ...(points.length === 0 ? [] : [
      pointsTable(result),
      inertMarkdown(kneeSentence(result)),
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
      : [openLoopTable(result), inertMarkdown(openLoopSentences(result).join(" "))]),
    list(warnings.map((warning) => `Warning: ${warning}`)),
    ...(partial ? ["**Partial:** the run was interrupted."] : []),
    `<sub>${[inertMarkdown(environmentLine(result.environment)), ...notes].join("; ")}</sub>`,
  ].filter((part) => part !== "").join("\n\n") + "\n";
}
