/**
 * The formats in which advice is written.
 *
 * @module
 */

import type { Renderers } from "../../files/output_files.ts";
import type { AdviceFile } from "../../advice/advice.ts";
import { adviceMarkdown } from "./advice_markdown.ts";

/** What makes each format of advice. */
export function adviceRenderers(
  file: AdviceFile,
): Required<Pick<Renderers, "json" | "markdown" | "html">> {
  return {
    json: () => JSON.stringify(file, null, 1) + "\n",
    markdown: () => adviceMarkdown(file),
    // The page brings a chart library along: only who wants it waits for it.
    html: async () => (await import("../html/advice/report_page.ts")).reportPage([file]),
  };
}
