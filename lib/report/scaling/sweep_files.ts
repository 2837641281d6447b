/**
 * The formats in which a sweep is written.
 *
 * @module
 */

import type { Renderers } from "../../files/output_files.ts";
import { sweepCsv } from "./sweep_csv.ts";
import { sweepMarkdown } from "./sweep_markdown.ts";
import type { SweepResult } from "../../scaling/sweep_result.ts";

/** What makes each format of a sweep. */
export function sweepRenderers(result: SweepResult): Omit<Required<Renderers>, "trace"> {
  return {
    json: () => JSON.stringify(result, null, 1) + "\n",
    csv: () => sweepCsv(result),
    markdown: () => sweepMarkdown(result),
    // The page brings a chart library along: only who wants it waits for it.
    html: async () => (await import("../html/advice/report_page.ts")).reportPage([result]),
  };
}
