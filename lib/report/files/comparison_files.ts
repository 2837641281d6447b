/**
 * The formats in which comparisons are written.
 *
 * @module
 */

import type { ResultFile } from "../../timing/result.ts";
import { renderCsv } from "./csv.ts";
import { renderMarkdown } from "./markdown.ts";
import type { Renderers } from "../../files/output_files.ts";
import { renderTrace } from "./trace.ts";

/** What makes each format of a result. */
export function comparisonRenderers(result: ResultFile): Required<Renderers> {
  return {
    json: () => JSON.stringify(result, null, 1) + "\n",
    csv: () => renderCsv(result),
    markdown: () => renderMarkdown(result),
    trace: () => renderTrace(result),
    // The page brings a chart library and a document model along: only who wants it waits for it.
    html: async () => (await import("../html/page.ts")).renderPage(result),
  };
}
