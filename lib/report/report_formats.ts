/** Files of any kinds, in every format that suits them together. */

import type { Format, Renderers } from "../files/output_files.ts";
import { UsageError } from "../options.ts";
import type { ResultFile } from "../timing/result.ts";
import { adviceMarkdown, renderAdvice } from "./advice/advice_text.ts";
import { renderCsv, renderMarkdown } from "./files/comparison_files.ts";
import { renderTrace } from "./files/trace.ts";
import { lessonMarkdown, lessonText } from "./lesson/lesson_text.ts";
import { peersCsv, peersMarkdown, peersText } from "./peers/peers_report.ts";
import { type Files, type Kind, kindOf, type ReportFile } from "./report_file.ts";
import { runMarkdown, runText } from "./running/run_text.ts";
import { sweepCsv, sweepMarkdown, sweepText } from "./scaling/sweep_text.ts";
import { switchMarkdown, switchText } from "./switching/switch_text.ts";
import { renderText } from "./terminal/comparison_text.ts";
import type { Style } from "./terminal/style.ts";

interface KindFormats<File> {
  readonly name: string;
  readonly text: (file: File, style: Style) => string;
  readonly markdown: (file: File) => string;
  /** None if it has no rounds to put into a table. */
  readonly csv?: (files: readonly File[]) => string;
  /** Its page, if it is one of its own. */
  readonly page?: (file: File) => Promise<string>;
}

const FORMATS: { readonly [K in Kind]: KindFormats<Files[K]> } = {
  comparison: {
    name: "comparisons",
    text: renderText,
    markdown: renderMarkdown,
    csv: renderCsv,
  },
  advice: {
    name: "advice",
    text: ({ advice }, style) => renderAdvice(advice, style),
    markdown: adviceMarkdown,
  },
  sweep: {
    name: "a sweep",
    text: sweepText,
    markdown: sweepMarkdown,
    csv: ([sweep]) => sweepCsv(sweep!),
  },
  peers: {
    name: "a race",
    text: peersText,
    markdown: peersMarkdown,
    csv: ([race]) => peersCsv(race!),
  },
  switch: {
    name: "experiments on switching",
    text: switchText,
    markdown: switchMarkdown,
  },
  run: {
    name: "a run",
    text: ({ run }, style) => runText(run, style),
    markdown: runMarkdown,
  },
  lesson: {
    name: "a lesson",
    text: lessonText,
    markdown: lessonMarkdown,
    page: async (file) => (await import("./lesson/lesson_page.ts")).lessonPage(file),
  },
};

function formatsOf(file: ReportFile): KindFormats<ReportFile> {
  return FORMATS[kindOf(file)] as KindFormats<ReportFile>;
}

export function reportText(file: ReportFile, style: Style): string {
  return formatsOf(file).text(file, style);
}

/** Several results as one; what they were measured on is the first's. */
function joined(results: readonly ResultFile[]): ResultFile {
  return { ...results[0]!, comparisons: results.flatMap(({ comparisons }) => comparisons) };
}

/** What makes each format of files together: one page, one text, one table, one trace of all. */
export function reportRenderers(files: readonly ReportFile[]): Required<Renderers> {
  return {
    json: () => files.map((file) => JSON.stringify(file, null, 1)).join("\n") + "\n",
    csv: () => formatsOf(files[0]!).csv!(files),
    markdown: () => files.map((file) => formatsOf(file).markdown(file)).join("\n"),
    trace: () => renderTrace(joined(files as readonly ResultFile[])),
    // Loaded only where it is wanted: the page brings a chart library along.
    html: async () =>
      await formatsOf(files[0]!).page?.(files[0]!) ??
        (await import("./html/report_page.ts")).reportPage(files),
  };
}

/** Checks that files can be written in the formats asked for. */
export function checkFormats(
  files: readonly ReportFile[],
  { csv, trace, html }: Readonly<Partial<Record<Format, string | undefined>>>,
): void {
  const others = files.filter((file) => kindOf(file) !== "comparison").map(formatsOf);
  const [other] = others;
  if (other === undefined) return;
  const own = others.find(({ page }) => page !== undefined);
  if (html !== undefined && own !== undefined && files.length > 1) {
    throw new UsageError("--html", html, `${own.name} is a page of its own`, "give it alone");
  }
  if (trace !== undefined) {
    const remedy = "leave it out, or give files of io or cpu alone";
    throw new UsageError("--trace", trace, `there is no trace of ${other.name}`, remedy);
  }
  if (csv === undefined) return;
  const without = others.find(({ csv }) => csv === undefined);
  if (without !== undefined) {
    const problem = `there is no table of rounds of ${without.name}`;
    throw new UsageError("--csv", csv, problem, "use --markdown, or leave it out");
  }
  if (files.length > 1) {
    const problem = `the table of ${other.name} has columns of its own`;
    const remedy = `give ${other.name.replace(/^a /, "one ")} at a time`;
    throw new UsageError("--csv", csv, problem, remedy);
  }
}
