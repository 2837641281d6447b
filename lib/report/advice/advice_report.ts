/** Advice as a report for terminal and Markdown. */

import type { AdviceFile } from "../../advice/advice.ts";
import { functionLines, PROFILE_TITLE, profileLines } from "../../advice/profile/profile_words.ts";
import { type Block, code, documentOf, footnote } from "../document.ts";
import { heading, paragraph, points, together } from "../document.ts";
import { escapeMarkdown } from "../markdown.ts";
import { tableOf } from "../table.ts";
import { paletteFor } from "../terminal.ts";
import * as words from "./advice_words.ts";

export function adviceReport({ advice, environment }: AdviceFile): Block {
  const { job, recommended, surprises, hazards, models } = advice;
  const command = words.commandLine(advice);
  return documentOf([
    heading(`${job.title}: ${words.classLine(advice)}`),
    paragraph(words.sampleLine(advice)),
    ...words.remarkLines(advice).map((line) => paragraph(line, "warning")),
    together(
      tableOf(words.modelColumns(advice), models),
      paragraph(`Gains are against sequential, for ${words.jobItems(advice)}.`),
    ),
    points(`Recommended: ${recommended.name}`, words.recommendationLines(advice)),
    points(PROFILE_TITLE, [...profileLines(advice), ...functionLines(advice)]),
    points("Where the prediction was wrong", surprises.map(({ text }) => text)),
    points("Hazards seen", hazards.map(({ text }) => text), "warning"),
    {
      text: (style) => `${paletteFor(style).heading("The code")} (${command})`,
      markdown: () => `#### The code\n\nSaved as job\\_run.ts: ${escapeMarkdown(command)}`,
    },
    code(words.codeLines(advice), "  "),
    paragraph(words.costLine(advice), "idle"),
    footnote(environment),
  ]);
}
