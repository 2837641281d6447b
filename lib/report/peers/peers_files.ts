/**
 * The formats in which races are written: tables for spreadsheets and for issues.
 *
 * @module
 */

import { stringify } from "@std/csv/stringify";
import { inertCell } from "../files/csv.ts";
import { inertMarkdown, markdownTable } from "../files/inert_markdown.ts";
import { environmentLine } from "../terminal/verdict_text.ts";
import type { PeersFile } from "./peers_result.ts";
import { comparisonText, resultText, summarySentences, troubleLines } from "./peers_words.ts";

const COLUMNS = [
  "family",
  "contest",
  "contender",
  "ours",
  "round",
  "figure",
  "unit",
  "better",
  "trouble",
] as const;

/** One row for each round of each contender, and one for a contender without any. */
export function peersCsv({ rows }: Pick<PeersFile, "rows">): string {
  const cells = rows.flatMap((
    { family, contest, contender, ours, figures, unit, better, trouble },
  ) =>
    (figures.length > 0 ? figures : [""]).map((figure, round) => [
      inertCell(family),
      inertCell(contest),
      inertCell(contender),
      String(ours),
      figure === "" ? "" : round,
      figure,
      inertCell(unit),
      better,
      trouble === null ? "" : inertCell(`${trouble.kind}: ${trouble.reason}`),
    ])
  );
  return stringify([[...COLUMNS], ...cells]);
}

/** A table for each contest. */
export function peersMarkdown({ rows, environment, partial }: PeersFile): string {
  const parts = [...Map.groupBy(rows, ({ contest }) => contest)].map(([contest, of]) =>
    [
      `### ${inertMarkdown(contest)}`,
      markdownTable(
        ["contender", "median (least–greatest)", "this library is"],
        of.map((row) => [
          row.ours ? `${row.contender} (this library)` : row.contender,
          resultText(row),
          comparisonText(row),
        ]),
      ),
    ].join("\n\n")
  );
  const notices = troubleLines(rows).map((line) => `- ${inertMarkdown(line)}`);
  return [
    ...parts,
    inertMarkdown(summarySentences(rows).join(" ")),
    ...(notices.length > 0 ? [notices.join("\n")] : []),
    ...(partial ? ["**Partial:** the race was interrupted."] : []),
    `<sub>${inertMarkdown(environmentLine(environment))}</sub>`,
  ].join("\n\n") + "\n";
}
