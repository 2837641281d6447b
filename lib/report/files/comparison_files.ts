/**
 * Comparisons as files: JSON, a row a round as CSV, Markdown for an issue or a pull request, a trace, a
 * page.
 *
 * @module
 */

import { BASELINE } from "../../models.ts";
import { stringify } from "@std/csv/stringify";
import type { Renderers } from "../../files/output_files.ts";
import { escapeCell, escapeMarkdown, markdownTable } from "./escape.ts";
import { renderTrace } from "./trace.ts";
import { failedOf, sizeOf } from "../terminal/comparison_text.ts";
import { exampleLines, failureLines, verdictText } from "../terminal/comparison_words.ts";
import { environmentLine } from "../environment_line.ts";
import {
  counted,
  formatBytes,
  formatDuration,
  formatSpeedup,
  middle,
  NO_FIGURE,
} from "../../text/format.ts";
import type { Comparison, ModelResult, ResultFile } from "../../timing/result.ts";

/** What makes each format of a result. */
export function comparisonRenderers(result: ResultFile): Required<Renderers> {
  return {
    json: () => JSON.stringify(result, null, 1) + "\n",
    csv: () => renderCsv(result),
    markdown: () => renderMarkdown(result),
    trace: () => renderTrace(result),
    // The page brings a chart library and a document model along: only who wants it waits for it.
    html: async () => (await import("../html/report_page.ts")).reportPage([result]),
  };
}

const COLUMNS = [
  "job",
  "task",
  "items",
  "model",
  "lanes",
  "slots",
  "round",
  "startMs",
  "runMs",
  "wallMs",
  "cpuMs",
  "peakRssBytes",
  "succeeded",
  "failed",
  "reasons",
  "checksum",
  "agree",
  "examples",
] as const;

/**
 * Writes a result as CSV (RFC 4180), columns named as in the result file. Slots without a limit are
 * an empty cell.
 */
export function renderCsv(result: ResultFile): string {
  const rows: (string | number)[][] = [[...COLUMNS]];
  for (const { job, agree, models } of result.comparisons) {
    for (const { model, lanes, slots, rounds } of models) {
      for (const round of rounds) {
        const reasons = Object.entries(round.reasons ?? {})
          .map(([reason, count]) => `${count} ${reason}`).join("; ");
        const examples = Object.entries(round.examples ?? {})
          .map(([reason, example]) => `${reason}: ${example}`).join("; ");
        rows.push([
          escapeCell(job.name),
          escapeCell(job.task),
          job.items,
          escapeCell(model),
          lanes,
          slots ?? "",
          round.round,
          round.startMs,
          round.runMs,
          round.wallMs,
          round.cpuMs,
          round.peakRssBytes,
          round.succeeded,
          round.failed,
          escapeCell(reasons),
          escapeCell(round.checksum),
          String(agree),
          escapeCell(examples),
        ]);
      }
    }
  }
  return stringify(rows);
}

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
  const notes = (result.environment.notes ?? []).map(escapeMarkdown);
  const foot = [escapeMarkdown(environmentLine(result.environment)), ...notes].join("; ");
  return [...parts, `<sub>${foot}</sub>`].join("\n\n") + "\n";
}

function renderComparison(comparison: Comparison): string {
  const notices = [
    ...failureLines(comparison).map((line) => `- Failed: ${escapeMarkdown(line)}`),
    ...exampleLines(comparison).map((line) => `- Example of ${escapeMarkdown(line)}`),
    ...comparison.warnings.map((text) => `- Warning: ${escapeMarkdown(text)}`),
  ];
  return [
    `### ${escapeMarkdown(comparison.job.name)}, ${counted(comparison.job.items, "item")}`,
    markdownTable(HEADS, comparison.models.map(rowOf), 2),
    escapeMarkdown(verdictText(comparison)),
    ...(notices.length > 0 ? [notices.join("\n")] : []),
  ].join("\n\n");
}

function rowOf(model: ModelResult): string[] {
  const { rounds, speedup } = model;
  const time = (of: (round: ModelResult["rounds"][number]) => number) =>
    formatDuration(middle(rounds.map(of)));
  return [
    model.model,
    sizeOf(model),
    time((r) => r.startMs),
    time((r) => r.runMs),
    rounds.length === 0 ? NO_FIGURE : formatDuration(model.wallMs.median),
    time((r) => r.cpuMs),
    speedup === null ? NO_FIGURE : model.model === BASELINE ? "1×" : formatSpeedup(speedup),
    formatBytes(middle(rounds.map((r) => r.peakRssBytes))),
    String(failedOf(rounds)),
  ];
}
