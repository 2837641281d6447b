/**
 * Advice as text: for the terminal, as Markdown, and the formats that it is written in.
 *
 * @module
 */

import type { Advice, AdviceFile } from "../../advice/advice.ts";
import { functionLines, PROFILE_TITLE, profileLines } from "../../advice/profile/profile_words.ts";
import type { Renderers } from "../../files/output_files.ts";
import {
  classLine,
  codeLines,
  commandLine,
  costLine,
  MODEL_HEADS,
  modelCells,
  recommendationLines,
  remarkLines,
  sampleLine,
} from "./advice_words.ts";
import { escapeMarkdown, markdownTable } from "../files/escape.ts";
import { paletteFor, type Style, uncoloured } from "../terminal/style.ts";
import { textTable } from "../terminal/text_table.ts";
import { environmentLine } from "../environment_line.ts";
import { plain, wrap } from "../../text/plain.ts";
import { counted } from "../../text/format.ts";

/** Which columns are left out first where the terminal is narrow: start, memory, then the prediction. */
const DROP_ORDER = [0, 2, 0, 4, 3, 0];

/** The short form of a row's remark: an arrow for the recommended, else nothing. */
function shortRemark(cells: readonly string[]): string {
  return cells.at(-1)!.startsWith("←") ? "←" : "";
}

/** Writes advice for a terminal. */
export function renderAdvice(advice: Advice, style: Style): string {
  const palette = paletteFor(style);
  const text = (line: string) => wrap(plain(line), style.columns);
  const list = (lines: readonly string[]) =>
    lines.map((line) => `  • ${wrap(plain(line), style.columns - 4, "    ")}`).join("\n");
  const rows = advice.models.map((model) => modelCells({ advice, model }).map(plain));
  const isChosen = (row: number) => advice.models[row]!.name === advice.recommended.name;
  const table = textTable(
    MODEL_HEADS.map((head, column) => ({
      head,
      cells: rows.map((cells) => cells[column]!),
      left: column === 0 || column === MODEL_HEADS.length - 1,
      dropOrder: DROP_ORDER[column]!,
      paint: (row: number) => isChosen(row) ? palette.good : uncoloured,
      ...(column === MODEL_HEADS.length - 1 &&
        { short: { cells: rows.map(shortRemark), order: 1.5 } }),
    })),
    style,
  );
  const parts = [
    palette.heading(text(`${advice.job.title}: ${classLine(advice)}`)),
    text(sampleLine(advice)),
    ...(advice.classNote === undefined ? [] : [text(advice.classNote)]),
    ...(advice.partial === undefined ? [] : [palette.warning(text(`Partial: ${advice.partial}.`))]),
    `${table}\n` + text(`Gains are against sequential, for ${counted(advice.horizon, "item")}.`),
    palette.heading(text(`Recommended: ${advice.recommended.name}`)) + "\n" +
    list(recommendationLines(advice)),
    ...(advice.profile === undefined ? [] : [
      palette.heading(PROFILE_TITLE) + "\n" +
      list([...profileLines(advice), ...functionLines(advice)]),
    ]),
    ...(advice.surprises.length === 0 ? [] : [
      palette.heading("Where the prediction was wrong") + "\n" +
      list(advice.surprises.map(({ text }) => text)),
    ]),
    ...(advice.hazards.length === 0 ? [] : [
      palette.warning("Hazards seen") + "\n" + list(advice.hazards.map(({ text }) => text)),
    ]),
    palette.heading("The code") +
    ` (${commandLine(advice)})\n\n` +
    codeLines(advice).map((line) => `  ${line}`.trimEnd()).join("\n"),
    palette.idle(text(costLine(advice))),
  ];
  return parts.join("\n\n");
}

/** A block of code: its fence is longer than any within it. */
function codeBlock(lines: readonly string[]): string {
  const runs = lines.join("\n").match(/`+/g) ?? [];
  const fence = "`".repeat(Math.max(3, ...runs.map((run) => run.length + 1)));
  return [`${fence}ts`, ...lines, fence].join("\n");
}

/** Writes advice as Markdown (GitHub's flavour). Text from outside is escaped. */
export function adviceMarkdown({ advice, environment }: AdviceFile): string {
  const name = escapeMarkdown(advice.recommended.name);
  const titled = (title: string, lines: readonly string[]) =>
    lines.length === 0
      ? []
      : [`#### ${title}`, lines.map((line) => `- ${escapeMarkdown(line)}`).join("\n")];
  return [
    `### ${escapeMarkdown(advice.job.title)}: ${name}`,
    `${escapeMarkdown(classLine(advice))}.`,
    escapeMarkdown(sampleLine(advice)),
    ...remarkLines(advice).map(escapeMarkdown),
    markdownTable(MODEL_HEADS, advice.models.map((model) => modelCells({ advice, model }))),
    ...titled(`Recommended: ${name}`, recommendationLines(advice)),
    ...titled(PROFILE_TITLE, [...profileLines(advice), ...functionLines(advice)]),
    ...titled("Where the prediction was wrong", advice.surprises.map(({ text }) => text)),
    ...titled("Hazards seen", advice.hazards.map(({ text }) => text)),
    "#### The code",
    `Saved as job\\_run.ts: ${escapeMarkdown(commandLine(advice))}`,
    codeBlock(codeLines(advice)),
    escapeMarkdown(costLine(advice)),
    `<sub>${escapeMarkdown(environmentLine(environment))}</sub>`,
  ].join("\n\n") + "\n";
}

/** What makes each format of advice. */
export function adviceRenderers(
  file: AdviceFile,
): Required<Pick<Renderers, "json" | "markdown" | "html">> {
  return {
    json: () => JSON.stringify(file, null, 1) + "\n",
    markdown: () => adviceMarkdown(file),
    // The page brings a chart library along: only who wants it waits for it.
    html: async () => (await import("../html/report_page.ts")).reportPage([file]),
  };
}
