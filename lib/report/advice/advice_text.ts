/** Advice as text: for the terminal, and as Markdown. */

import type { Advice, AdviceFile } from "../../advice/advice.ts";
import { functionLines, PROFILE_TITLE, profileLines } from "../../advice/profile/profile_words.ts";
import { plain, wrap } from "../../text/plain.ts";
import { escapeMarkdown, markdownCode, markdownList, markdownReport } from "../files/markdown.ts";
import { markdownTable, textTable } from "../table.ts";
import { blocks, paletteFor, sentences, type Style, type Tone } from "../terminal/style.ts";
import * as words from "./advice_words.ts";

function titledLists(advice: Advice): { title: string; lines: string[]; tone: Tone }[] {
  const { recommended, surprises, hazards } = advice;
  const lists = [
    { title: `Recommended: ${recommended.name}`, lines: words.recommendationLines(advice) },
    { title: PROFILE_TITLE, lines: [...profileLines(advice), ...functionLines(advice)] },
    { title: "Where the prediction was wrong", lines: surprises.map(({ text }) => text) },
    { title: "Hazards seen", lines: hazards.map(({ text }) => text), tone: "warning" as const },
  ];
  return lists.filter(({ lines }) => lines.length > 0)
    .map((list) => ({ tone: "heading", ...list }));
}

export function renderAdvice(advice: Advice, style: Style): string {
  const text = (line: string, tone?: Tone) => sentences([line], style, tone, "");
  const lists = titledLists(advice).map(({ title, lines, tone }) =>
    [
      text(title, tone),
      ...lines.map((line) => `  • ${wrap(plain(line), style.columns - 4, "    ")}`),
    ].join("\n")
  );
  const gains = `Gains are against sequential, for ${words.jobItems(advice)}.`;
  return blocks([
    text(`${advice.job.title}: ${words.classLine(advice)}`, "heading"),
    text(words.sampleLine(advice)),
    ...words.remarkLines(advice).map((line) => text(line, "warning")),
    `${textTable(words.modelColumns(advice), advice.models, style)}\n${text(gains)}`,
    ...lists,
    `${paletteFor(style).heading("The code")} (${words.commandLine(advice)})`,
    words.codeLines(advice).map((line) => `  ${line}`.trimEnd()).join("\n"),
    text(words.costLine(advice), "idle"),
  ]);
}

export function adviceMarkdown({ advice, environment }: AdviceFile): string {
  return markdownReport([
    `### ${escapeMarkdown(advice.job.title)}: ${escapeMarkdown(advice.recommended.name)}`,
    `${escapeMarkdown(words.classLine(advice))}.`,
    escapeMarkdown(words.sampleLine(advice)),
    ...words.remarkLines(advice).map(escapeMarkdown),
    markdownTable(words.modelColumns(advice), advice.models),
    ...titledLists(advice).flatMap(({ title, lines }) => [
      `#### ${escapeMarkdown(title)}`,
      markdownList(lines),
    ]),
    "#### The code",
    `Saved as job\\_run.ts: ${escapeMarkdown(words.commandLine(advice))}`,
    markdownCode(words.codeLines(advice)),
    escapeMarkdown(words.costLine(advice)),
  ], { environment });
}
