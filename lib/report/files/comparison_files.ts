/** Comparisons as files: a row a round as CSV, and Markdown for an issue or a pull request. */

import { counted } from "../../text/format.ts";
import type { Comparison, ModelResult, ResultFile, Round } from "../../timing/result.ts";
import { markdownTable } from "../table.ts";
import { MODEL_COLUMNS } from "../terminal/comparison_text.ts";
import { noticeLines, verdictText } from "../terminal/comparison_words.ts";
import { csv, type CsvColumns } from "./csv.ts";
import { escapeMarkdown, markdownList, markdownReport } from "./markdown.ts";

interface Row extends Pick<ModelResult, "model" | "lanes" | "slots">, Round {
  readonly of: Comparison;
}

/** Columns are named as in the result file. Slots without a limit are an empty cell. */
const COLUMNS: CsvColumns<Row> = {
  job: ({ of }) => of.job.name,
  task: ({ of }) => of.job.task,
  items: ({ of }) => of.job.items,
  model: ({ model }) => model,
  lanes: ({ lanes }) => lanes,
  slots: ({ slots }) => slots,
  round: ({ round }) => round,
  startMs: ({ startMs }) => startMs,
  runMs: ({ runMs }) => runMs,
  wallMs: ({ wallMs }) => wallMs,
  cpuMs: ({ cpuMs }) => cpuMs,
  peakRssBytes: ({ peakRssBytes }) => peakRssBytes,
  succeeded: ({ succeeded }) => succeeded,
  failed: ({ failed }) => failed,
  reasons: ({ reasons = {} }) =>
    Object.entries(reasons).map(([reason, count]) => `${count} ${reason}`).join("; "),
  checksum: ({ checksum }) => checksum,
  agree: ({ of }) => of.agree,
  examples: ({ examples = {} }) =>
    Object.entries(examples).map(([reason, example]) => `${reason}: ${example}`).join("; "),
};

export function renderCsv(results: readonly Pick<ResultFile, "comparisons">[]): string {
  const rows = results.flatMap(({ comparisons }) =>
    comparisons.flatMap((of) =>
      of.models.flatMap(({ model, lanes, slots, rounds }) =>
        rounds.map((round) => ({ ...round, model, lanes, slots, of }))
      )
    )
  );
  return csv(COLUMNS, rows);
}

/** Writes a result as Markdown: a heading, a table and the verdict for each comparison. */
export function renderMarkdown(result: ResultFile): string {
  const { comparisons } = result;
  const parts = comparisons.flatMap((comparison) => [
    `### ${escapeMarkdown(comparison.job.name)}, ${counted(comparison.job.items, "item")}`,
    markdownTable(MODEL_COLUMNS, comparison.models),
    escapeMarkdown(verdictText(comparison)),
    markdownList(noticeLines(comparison).map(({ kind, text }) => `${kind}: ${text}`)),
  ]);
  return markdownReport(comparisons.length === 0 ? ["Nothing was measured."] : parts, result);
}
