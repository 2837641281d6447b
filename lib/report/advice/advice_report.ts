/** Advice as a report for terminal and Markdown, and as a part of a page. */

import type { Advice, AdviceFile } from "../../advice/advice.ts";
import { COMPUTES, WAITS } from "../../judge/thresholds.ts";
import { capitalized, formatPercent } from "../../text/format.ts";
import { shellWord } from "../../text/plain.ts";
import * as doc from "../document.ts";
import {
  codeBlock,
  filled,
  type Html,
  list,
  markup,
  paragraphs,
  sanitizedText,
} from "../html/markup.ts";
import { type PagePart, type PartPlace, taskWords } from "../html/page.ts";
import { paletteFor } from "../terminal.ts";
import { gainsFigure, profileSection, splitFigure } from "./advice_charts.ts";
import {
  classLine,
  costLine,
  foundWords,
  functionLines,
  jobItems,
  joinedLines,
  modelColumns,
  PROFILE_TITLE,
  profileLines,
  recommendationLines,
  remarkLines,
  sampleLine,
  scaledWords,
} from "./advice_words.ts";
import method from "./method.html" with { type: "text" };

export function adviceReport({ advice, environment }: AdviceFile): doc.Block {
  const { job, recommended, surprises, hazards, models } = advice;
  const command = commandLine(advice);
  return doc.documentOf([
    doc.heading(`${job.title}: ${classLine(advice)}`),
    doc.paragraph(sampleLine(advice)),
    ...joinedLines(advice).map((line) => doc.paragraph(line)),
    ...remarkLines(advice).map((line) => doc.paragraph(line, "warning")),
    doc.together(
      doc.tableOf(modelColumns(advice), models),
      doc.paragraph(`Gains are against sequential, for ${jobItems(advice)}.${scaledWords(advice)}`),
    ),
    doc.points(`Recommended: ${recommended.name}`, recommendationLines(advice)),
    doc.points(PROFILE_TITLE, [...profileLines(advice), ...functionLines(advice)]),
    doc.points("Where the prediction was wrong", surprises.map(({ text }) => text)),
    doc.points("Hazards seen", hazards.map(({ text }) => text), "warning"),
    {
      text: (style) => `${paletteFor(style).heading("The code")} (saved as job_run.ts: ${command})`,
      markdown: () => `#### The code\n\nSaved as job\\_run.ts: ${doc.escapeMarkdown(command)}`,
    },
    doc.code(advice.code.trimEnd().split("\n"), "  "),
    doc.paragraph(costLine(advice), "idle"),
    doc.footnote(environment),
  ]);
}

function commandLine({ flags }: Pick<Advice, "flags">): string {
  return ["deno run", ...flags.map(shellWord), "job_run.ts"].join(" ");
}

function shownCode(code: string): string {
  return code.trimEnd().split("\n").map((line) => /^ {0,80}/.exec(line)![0] + sanitizedText(line))
    .join("\n");
}

function titledList(title: string, lines: readonly string[], kind?: "notices"): Html {
  return lines.length === 0
    ? markup``
    : markup`<section><h3>${title}</h3>${list(lines, kind)}</section>`;
}

export function adviceSection(advice: Advice, code: string, id: string, title = "The advice") {
  const { recommended, surprises, hazards } = advice;
  const [reason, ...details] = recommendationLines(advice);
  const html = markup`
    <p class="verdict">${capitalized(classLine(advice))}. ${reason}</p>
    ${paragraphs("partial", remarkLines(advice))}
    ${titledList(`Recommended: ${recommended.name}`, details)}
    ${splitFigure(advice, `${id}-split`)}
    ${paragraphs("note", [sampleLine(advice), ...joinedLines(advice)])}
    ${gainsFigure(advice, `${id}-gains`)}
    ${profileSection(advice, `${id}-profile`)}
    ${titledList("Where the prediction was wrong", surprises.map(({ text }) => text))}
    ${titledList("Hazards seen", hazards.map(({ text }) => text), "notices")}
    <section><h3>The code</h3>
    <p class="note">Saved as <code>job_run.ts</code>: <code>${commandLine(advice)}</code></p>
    ${codeBlock("The code", shownCode(code))}
    <p class="note">${costLine(advice)}</p></section>
  `;
  return { id, title, html };
}

export function advicePart(
  { advice }: AdviceFile,
  { id, alone }: PartPlace,
  read: AdviceFile,
): PagePart {
  const { job, recommended } = advice;
  const title = `${job.title}: ${recommended.name}`;
  const name = `Advice on ${job.title}`;
  return {
    title,
    sections: [{
      ...adviceSection(advice, read.advice.code, id, alone ? undefined : `Advice on ${title}`),
      found: { name, text: foundWords(advice) },
    }],
    jobs: [
      [
        markup`<b>${job.title}</b>, ${jobItems(advice)}. `,
        taskWords(`${job.module}#${job.export}`),
      ],
    ],
    name,
    method: {
      name: "How advice is come by",
      html: filled(method, { waits: formatPercent(WAITS), computes: formatPercent(COMPUTES) }),
    },
  };
}
