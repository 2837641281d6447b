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

/**
 * What makes each format of a result.
 *
 * @param result What was measured.
 * @returns A function for each format.
 *
 * @example
 * ```ts
 * import { comparisonRenderers } from "./comparison_files.ts";
 *
 * const environment = { deno: "2", v8: "14", os: "linux", arch: "x86_64", cpus: 2 };
 * const result = {
 *   schemaVersion: 1 as const,
 *   environment: { ...environment, lanesAvailable: 2, startedAt: "2026-01-01T12:00:00Z", seed: 1 },
 *   comparisons: [],
 * };
 * console.log(Object.keys(comparisonRenderers(result))); // ["json", "csv", "markdown", "trace", "html"]
 * ```
 */
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
