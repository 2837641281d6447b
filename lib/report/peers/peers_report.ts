/**
 * A race against others: in sentences, for the terminal, as CSV and Markdown, and as a part of a page.
 *
 * @module
 */

import { stringify } from "@std/csv/stringify";
import { escapeCell, escapeMarkdown, markdownTable } from "../files/escape.ts";
import { sanitized } from "../html/sanitize.ts";
import { markup } from "../html/markup.ts";
import type { PagePart, PartPlace } from "../html/page.ts";
import { table } from "../html/figure.ts";
import type { PeersAim, PeersFile, PeersRow } from "./peers_file.ts";
import { paletteFor, type Style } from "../terminal/style.ts";
import { type TextColumn, textTable } from "../terminal/text_table.ts";
import { environmentLine } from "../environment_line.ts";
import { counted, formatNumber, formatRatio, formatSpeedup, NO_FIGURE } from "../../text/format.ts";
import { fit, plain, wrap } from "../../text/plain.ts";
import type { Interval } from "../../timing/result.ts";

/** What the contests of a family are about. */
const FAMILIES: Readonly<Record<string, string>> = {
  pools: "Handing out tasks: most do nothing, so that the pool alone takes time.",
  io: "Downloading from a server on this machine: the tasks wait.",
  cpu: "Computing exact sums of squares, all results checked.",
  python: "Computing by Python's own pools: under a GIL only one thread computes at a time.",
  lanes: "Starting a lane, until it takes tasks.",
};

/** What the contests of a family measure; empty for one that isn't known. */
export function familySentence(family: string): string {
  return Object.hasOwn(FAMILIES, family) ? FAMILIES[family]! : "";
}

/** A figure, in thousands or millions where it is large. */
function figureText(value: number): string {
  if (value >= 999_500) return `${formatNumber(value / 1e6)} M`;
  return value >= 9_995 ? `${formatNumber(value / 1e3)} k` : formatNumber(value);
}

/** What a contender did: its median with the least and the greatest, or why there is none. */
export function resultText({ figure, unit, trouble }: PeersRow): string {
  if (trouble !== null) return trouble.kind;
  return figure === null
    ? "not run"
    : `${figureText(figure.median)} ${plain(unit)} (${figureText(figure.low)}–${
      figureText(figure.high)
    })`;
}

/** How many times as fast this library is, whichever figures are better. */
function speedOf({ ratio, better }: PeersRow): Interval | null {
  if (ratio === null || better === "more") return ratio;
  return { median: 1 / ratio.median, low: 1 / ratio.high, high: 1 / ratio.low };
}

/** This library against a contender. */
function comparisonText(row: PeersRow): string {
  const speed = speedOf(row);
  if (row.ours || speed === null) return row.ours ? "" : NO_FIGURE;
  const { median, low, high } = speed;
  return `${figureText(median)}× as fast (${figureText(low)}–${figureText(high)})`;
}

/** What is wanted of a row, and whether it is so. */
export function aimText({ aim }: PeersRow): string {
  if (aim === null) return "";
  return `${aimBounds(aim)}: ${aim.met ? "met" : "missed"}${aim.unsure ? ", unsure" : ""}`;
}

function aimBounds({ of, atLeast, atMost }: PeersAim): string {
  const sign = of === "ratio" ? "×" : "";
  return [
    ...(atLeast === undefined ? [] : [`≥ ${figureText(atLeast)}${sign}`]),
    ...(atMost === undefined ? [] : [`≤ ${figureText(atMost)}${sign}`]),
  ].join(", ");
}

/** What all contests come to. */
export function summarySentences(rows: readonly PeersRow[]): string[] {
  const compared = rows.flatMap((row) => {
    const speed = speedOf(row);
    return row.ours || speed === null ? [] : [{ row, speed }];
  });
  if (compared.length === 0) return ["Nothing can be compared: no contender gave a figure."];
  const faster = compared.filter(({ speed }) => speed.low > 1).length;
  const slower = compared.filter(({ speed }) => speed.high < 1);
  const even = compared.length - faster - slower.length;
  const sentences = [
    `Of ${counted(compared.length, "comparison")} this library is faster in ${faster}, slower in ` +
    `${slower.length}, and in ${even} there is no detectable difference.`,
  ];
  if (slower.length > 0) {
    const names = slower.map(({ row, speed }) =>
      `${plain(row.contender)} (${plain(row.contest)}: ${formatNumber(speed.median)}× as fast)`
    );
    sentences.push(`It is slower than ${names.join("; ")}.`);
  }
  return sentences;
}

/** Which contenders gained over their contest's plain loop, and which didn't: a sentence a contest. */
export function loopSentences(rows: readonly PeersRow[]): string[] {
  const gains = rows.flatMap(({ contest, contender, overLoop }) =>
    overLoop === undefined ? [] : [{ contest, contender, overLoop }]
  );
  return [...Map.groupBy(gains, ({ contest }) => contest)].map(([contest, of]) => {
    const told = of.map(({ contender, overLoop: { median, low, high } }) => {
      const gained = low > 1 ? "" : high < 1 ? " (slower)" : " (no gain)";
      return `${plain(contender)} ${formatRatio(median)}${gained}`;
    });
    return `Against the plain loop, ${plain(contest)}: ${told.join(", ")}.`;
  });
}

/** Why contenders gave no figure, one line each. */
export function troubleLines(rows: readonly PeersRow[]): string[] {
  const lines = rows.flatMap(({ contender, trouble }) =>
    trouble === null ? [] : [plain(`${contender}: ${trouble.kind}: ${trouble.reason}`)]
  );
  return [...new Set(lines)];
}

/** Contenders' names are cut to this where figures would have no room beside them. */
const NAME_COLUMNS = 28;

/** What else a race's text tells. */
interface PeersTextOptions {
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
  const overLoop = rows.map(({ overLoop }) =>
    overLoop === undefined ? "" : formatSpeedup(overLoop)
  );
  if (overLoop.some((text) => text !== "")) {
    const medians = overLoop.map((text) => text.replace(/ .*/, ""));
    columns.push({
      head: "over its loop",
      left: true,
      cells: overLoop,
      short: { cells: medians, order: 4 },
    });
  }
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
  blocks.push(
    palette.heading([...summarySentences(rows), ...loopSentences(rows)].map(text).join("\n")),
  );
  blocks.push(palette.idle(text(environmentLine(environment))));
  return blocks.join("\n\n");
}

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
      escapeCell(family),
      escapeCell(contest),
      escapeCell(contender),
      String(ours),
      figure === "" ? "" : round,
      figure,
      escapeCell(unit),
      better,
      trouble === null ? "" : escapeCell(`${trouble.kind}: ${trouble.reason}`),
    ])
  );
  return stringify([[...COLUMNS], ...cells]);
}

/** A table for each contest. */
export function peersMarkdown({ rows, environment, partial }: PeersFile): string {
  const parts = [...Map.groupBy(rows, ({ contest }) => contest)].map(([contest, of]) =>
    [
      `### ${escapeMarkdown(contest)}`,
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
  const notices = troubleLines(rows).map((line) => `- ${escapeMarkdown(line)}`);
  return [
    ...parts,
    escapeMarkdown([...summarySentences(rows), ...loopSentences(rows)].join(" ")),
    ...(notices.length > 0 ? [notices.join("\n")] : []),
    ...(partial ? ["**Partial:** the race was interrupted."] : []),
    `<sub>${escapeMarkdown(environmentLine(environment))}</sub>`,
  ].join("\n\n") + "\n";
}

/** Room for the few sentences of a reason. */
const MOST_CHARACTERS = 1000;

function contest(name: string, rows: readonly PeersRow[]) {
  return table(
    name,
    [{ name: "contender" }, { name: "median (least–greatest)", figures: true }, {
      name: "this library is",
    }],
    rows.map((row) => [
      row.ours ? markup`<b>${row.contender}</b>` : row.contender,
      resultText(row),
      comparisonText(row),
    ]),
  );
}

/** A race, with nothing in it that could become markup, run, or reach the network. */
export function peersPart(file: PeersFile, { id, alone }: PartPlace): PagePart {
  const { rows, environment, rounds, partial = false } = sanitized(file, MOST_CHARACTERS);
  const families = [...Map.groupBy(rows, ({ family }) => family)];
  const troubles = troubleLines(rows);
  const html = markup`${
    families.map(([family, of]) =>
      markup`<p class="lead">${familySentence(family) || family}</p>${
        [...Map.groupBy(of, (row) => row.contest)].map(([name, contenders]) =>
          contest(name, contenders)
        )
      }`
    )
  }${
    troubles.length > 0 &&
    markup`<ul class="notices">${troubles.map((line) => markup`<li>${line}</li>`)}</ul>`
  }`;
  const summary = [...summarySentences(rows), ...loopSentences(rows)];
  return {
    title: "This library against others",
    did: "raced",
    headlines: [{ id, name: "Against others", text: summary[0]! }],
    sections: [{
      id,
      title: alone ? "Who is faster" : "This library against others",
      html: markup`<p class="verdict">${summary.join(" ")}</p>${html}`.text,
    }],
    environment,
    jobs: [
      markup`${counted(new Set(rows.map((row) => row.contest)).size, "contest")}, ${
        counted(rounds, "round")
      }`,
    ],
    name: "The race against others",
    partial,
    method: {
      name: "How others are raced",
      html:
        markup`<p>Every run is a process of its own, counts only if its results are right, and takes turns
        with the others in shuffled order. Speeds are compared round by round; the interval is the 95 % one.</p>`,
    },
  };
}
