/**
 * Files of any kinds, in every format that suits them together.
 *
 * @module
 */

import { UsageError } from "../options.ts";
import { renderCsv, renderMarkdown } from "../report/files/comparison_files.ts";
import type { Format, Renderers } from "../files/output_files.ts";
import { peersCsv, peersMarkdown, peersText } from "../report/peers/peers_report.ts";
import type { Style } from "../report/terminal/style.ts";
import { renderText } from "../report/terminal/comparison_text.ts";
import { renderTrace } from "../report/files/trace.ts";
import type { ResultFile } from "../timing/result.ts";
import { adviceMarkdown, renderAdvice } from "../report/advice/advice_text.ts";
import { type ReportFile, sortedByKind } from "../report/report_file.ts";
import { lessonMarkdown, lessonText } from "../report/lesson/lesson_text.ts";
import { sweepCsv, sweepMarkdown } from "../report/scaling/sweep_files.ts";
import { switchMarkdown, switchText } from "../report/switching/switch_text.ts";
import { sweepText } from "../report/scaling/sweep_text.ts";

/** Writes a file of any kind as text for a terminal. */
export function reportText(file: ReportFile, style: Style): string {
  if (!("kind" in file)) return renderText(file, style).trimEnd();
  if (file.kind === "peers") return peersText(file, style);
  if (file.kind === "switch") return switchText(file, style);
  if (file.kind === "lesson") return lessonText(file, style);
  return file.kind === "advice" ? renderAdvice(file.advice, style) : sweepText(file, style);
}

function markdownOf(file: ReportFile): string {
  if (!("kind" in file)) return renderMarkdown(file);
  if (file.kind === "peers") return peersMarkdown(file);
  if (file.kind === "switch") return switchMarkdown(file);
  if (file.kind === "lesson") return lessonMarkdown(file);
  return file.kind === "advice" ? adviceMarkdown(file) : sweepMarkdown(file);
}

/** Several results as one; what they were measured on is the first's, as CSV and traces hardly tell it. */
function joined(results: readonly ResultFile[]): ResultFile {
  return { ...results[0]!, comparisons: results.flatMap(({ comparisons }) => comparisons) };
}

/** What makes each format of files together: one page, one text, one table, one trace of all. */
export function reportRenderers(files: readonly ReportFile[]): Omit<Required<Renderers>, "json"> {
  const { comparisons, sweeps, races, lessons: [lesson] } = sortedByKind(files);
  return {
    csv: () =>
      races.length > 0
        ? peersCsv(races[0]!)
        : sweeps.length > 0
        ? sweepCsv(sweeps[0]!)
        : renderCsv(joined(comparisons)),
    markdown: () => files.map(markdownOf).join("\n"),
    trace: () => renderTrace(joined(comparisons)),
    // Loaded only where it is wanted: the page brings a chart library along.
    html: async () =>
      lesson === undefined
        ? (await import("../report/html/report_page.ts")).reportPage(files)
        : (await import("../report/lesson/lesson_page.ts")).lessonPage(lesson),
  };
}

/**
 * Checks that files can be written in the formats asked for.
 * @throws {UsageError} If a format makes no sense of them: advice has no rounds to put into a table, only
 * comparisons have a trace, and tables of different columns aren't one.
 */
export function checkFormats(
  files: readonly ReportFile[],
  formats: Readonly<Partial<Record<Format, string | undefined>>>,
): void {
  const { comparisons, advice, sweeps, races, switches, lessons } = sortedByKind(files);
  const { csv, trace, html } = formats;
  if (html !== undefined && lessons.length > 0 && files.length > 1) {
    throw new UsageError("--html", html, "a lesson is a page of its own", "give it alone");
  }
  if (trace !== undefined && comparisons.length < files.length) {
    const kind = advice.length > 0
      ? "advice"
      : sweeps.length > 0
      ? "a sweep"
      : races.length > 0
      ? "a race"
      : lessons.length > 0
      ? "a lesson"
      : "experiments on switching";
    throw new UsageError(
      "--trace",
      trace,
      `there is no trace of ${kind}`,
      "leave it out, or give files of io or cpu alone",
    );
  }
  if (csv === undefined) return;
  if (advice.length > 0) {
    throw new UsageError(
      "--csv",
      csv,
      "advice has no table of rounds",
      "use --markdown, or leave it out",
    );
  }
  if (switches.length > 0) {
    throw new UsageError(
      "--csv",
      csv,
      "experiments on switching have no table of rounds",
      "use --markdown, or leave it out",
    );
  }
  if (lessons.length > 0) {
    throw new UsageError(
      "--csv",
      csv,
      "a lesson has no table of rounds",
      "use --markdown, or leave it out",
    );
  }
  if (races.length > 0 && files.length > 1) {
    throw new UsageError(
      "--csv",
      csv,
      "a race's table has columns of its own",
      "give one race at a time",
    );
  }
  if (sweeps.length > 1 || (sweeps.length > 0 && comparisons.length > 0)) {
    throw new UsageError(
      "--csv",
      csv,
      "a sweep's table has columns of its own and names no job",
      "give one sweep at a time",
    );
  }
}
