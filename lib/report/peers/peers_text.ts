/**
 * A race's report for the terminal.
 *
 * @module
 */

import { counted } from "../../text/format.ts";
import { fit, plain, wrap } from "../../text/plain.ts";
import { paletteFor, type Style } from "../terminal/style.ts";
import { type TextColumn, textTable } from "../terminal/text_table.ts";
import { environmentLine } from "../terminal/verdict_text.ts";
import type { PeersFile, PeersRow } from "./peers_result.ts";
import {
  aimText,
  comparisonText,
  familySentence,
  resultText,
  summarySentences,
  troubleLines,
} from "./peers_words.ts";

/** Names are long; this leaves room for figures in 80 columns. */
const NAME_COLUMNS = 28;

/** What is told beside. */
export interface PeersTextOptions {
  /** Whether to tell what the project wants of each figure. */
  readonly aims?: boolean;
}

function contestTable(rows: readonly PeersRow[], style: Style, aims: boolean): string {
  const short = (texts: readonly string[]) => texts.map((text) => text.replace(/ \(.*/, ""));
  const results = rows.map(resultText);
  const compared = rows.map(comparisonText);
  const columns: TextColumn[] = [
    {
      head: "contender",
      left: true,
      cells: rows.map(({ contender, ours }) => `${ours ? "▸ " : "  "}${plain(contender)}`),
      short: {
        cells: rows.map(({ contender, ours }) =>
          fit(`${ours ? "▸ " : "  "}${plain(contender)}`, NAME_COLUMNS)
        ),
        order: 2,
      },
    },
    { head: "median", dropOrder: 0.5, cells: results, short: { cells: short(results), order: 3 } },
    {
      head: "this library is",
      left: true,
      cells: compared,
      short: { head: "as fast", cells: compared.map((text) => text.replace(/ .*/, "")), order: 1 },
    },
  ];
  const wanted = rows.map(aimText);
  return textTable(
    aims && wanted.some((text) => text !== "")
      ? [...columns, { head: "aim", left: true, cells: wanted }]
      : columns,
    style,
  );
}

/**
 * Writes a race for people: what was measured, each contender's figure, how many times as fast this
 * library is, and what all that comes to.
 */
export function peersText(
  { environment, rounds, partial, rows }: PeersFile,
  style: Style,
  { aims = false }: PeersTextOptions = {},
): string {
  const palette = paletteFor(style);
  const text = (line: string) => wrap(line, style.columns, "  ");
  const blocks = [
    text(
      `This library (▸) against others, each run a process of its own; ` +
        `${counted(rounds, "round")}, medians with the least and the greatest.`,
    ),
  ];
  for (const [family, of] of Map.groupBy(rows, (row) => row.family)) {
    const sentence = familySentence(family);
    blocks.push(palette.heading(text(`${plain(family)}${sentence === "" ? "" : `: ${sentence}`}`)));
    for (const [contest, contenders] of Map.groupBy(of, (row) => row.contest)) {
      blocks.push(`${text(plain(contest))}\n${contestTable(contenders, style, aims)}`);
    }
  }
  const troubles = troubleLines(rows);
  if (troubles.length > 0) blocks.push(palette.warning(troubles.map(text).join("\n")));
  if (partial) {
    blocks.push(palette.warning(text("Partial: the race was interrupted; this is what ran.")));
  }
  blocks.push(palette.heading(summarySentences(rows).map(text).join("\n")));
  blocks.push(palette.idle(text(environmentLine(environment))));
  return blocks.join("\n\n");
}
