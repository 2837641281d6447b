/**
 * A result as Markdown, to be pasted into an issue or a pull request.
 *
 * @module
 */

import {
  counted,
  formatBytes,
  formatDuration,
  formatSpeedup,
  middle,
  NO_FIGURE,
} from "../../text/format.ts";
import type { Comparison, ModelResult, ResultFile } from "../../timing/result.ts";
import { inertMarkdown } from "./inert_markdown.ts";
import { failedOf, sizeOf } from "../terminal/table.ts";
import {
  environmentLine,
  exampleLines,
  failureLines,
  verdictText,
} from "../terminal/verdict_text.ts";

const HEADS = [
  "model",
  "lanes × slots",
  "start",
  "work",
  "total",
  "CPU",
  "speedup",
  "memory",
  "failed",
];

/**
 * Writes a result as Markdown (GitHub's flavour): a heading, a table and the verdict for each
 * comparison. Text from outside is escaped, so that it can't format, link, mention or embed.
 */
export function renderMarkdown(result: ResultFile): string {
  const parts = result.comparisons.map(renderComparison);
  if (result.comparisons.length === 0) parts.push("Nothing was measured.");
  if (result.partial) parts.push("**Partial:** the run was interrupted.");
  const notes = (result.environment.notes ?? []).map(inertMarkdown);
  const foot = [inertMarkdown(environmentLine(result.environment)), ...notes].join("; ");
  return [...parts, `<sub>${foot}</sub>`].join("\n\n") + "\n";
}

function renderComparison(comparison: Comparison): string {
  const rows = [HEADS, [":--", ":--", ...HEADS.slice(2).map(() => "--:")]];
  for (const model of comparison.models) rows.push(rowOf(model));
  const notices = [
    ...failureLines(comparison).map((line) => `- Failed: ${inertMarkdown(line)}`),
    ...exampleLines(comparison).map((line) => `- Example of ${inertMarkdown(line)}`),
    ...comparison.warnings.map((text) => `- Warning: ${inertMarkdown(text)}`),
  ];
  return [
    `### ${inertMarkdown(comparison.job.name)}, ${counted(comparison.job.items, "item")}`,
    rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n"),
    inertMarkdown(verdictText(comparison)),
    ...(notices.length > 0 ? [notices.join("\n")] : []),
  ].join("\n\n");
}

function rowOf(model: ModelResult): string[] {
  const { rounds, speedup } = model;
  const time = (of: (round: ModelResult["rounds"][number]) => number) =>
    formatDuration(middle(rounds.map(of)));
  return [
    inertMarkdown(model.model),
    sizeOf(model),
    time((r) => r.startMs),
    time((r) => r.runMs),
    rounds.length === 0 ? NO_FIGURE : formatDuration(model.wallMs.median),
    time((r) => r.cpuMs),
    speedup === null ? NO_FIGURE : model.model === "sequential" ? "1×" : formatSpeedup(speedup),
    formatBytes(middle(rounds.map((r) => r.peakRssBytes))),
    String(failedOf(rounds)),
  ];
}
