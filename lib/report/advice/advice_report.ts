/** Advice as a report for terminal and Markdown, and as a part of a page. */

import type { Advice, AdviceFile } from "../../advice/advice.ts";
import { COMPUTES, WAITS } from "../../judge/thresholds.ts";
import { capitalized, formatPercent } from "../../text/format.ts";
import { shellWord } from "../../text/plain.ts";
import {
  type Block,
  code,
  documentOf,
  escapeMarkdown,
  footnote,
  heading,
  paragraph,
  points,
  tableOf,
  together,
} from "../document.ts";
import { codeBlock, type Html, list, markup, paragraphs, sanitizedText } from "../html/markup.ts";
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

export function adviceReport({ advice, environment }: AdviceFile): Block {
  const { job, recommended, surprises, hazards, models } = advice;
  const command = commandLine(advice);
  return documentOf([
    heading(`${job.title}: ${classLine(advice)}`),
    paragraph(sampleLine(advice)),
    ...joinedLines(advice).map((line) => paragraph(line)),
    ...remarkLines(advice).map((line) => paragraph(line, "warning")),
    together(
      tableOf(modelColumns(advice), models),
      paragraph(`Gains are against sequential, for ${jobItems(advice)}.${scaledWords(advice)}`),
    ),
    points(`Recommended: ${recommended.name}`, recommendationLines(advice)),
    points(PROFILE_TITLE, [...profileLines(advice), ...functionLines(advice)]),
    points("Where the prediction was wrong", surprises.map(({ text }) => text)),
    points("Hazards seen", hazards.map(({ text }) => text), "warning"),
    {
      text: (style) => `${paletteFor(style).heading("The code")} (${command})`,
      markdown: () => `#### The code\n\nSaved as job\\_run.ts: ${escapeMarkdown(command)}`,
    },
    code(advice.code.trimEnd().split("\n"), "  "),
    paragraph(costLine(advice), "idle"),
    footnote(environment),
  ]);
}

function commandLine({ flags }: Pick<Advice, "flags">): string {
  return ["deno run", ...flags.map(shellWord), "job_run.ts"].join(" ");
}

/** The code that advice gives is shorter; an edited file's may not be. */
const MOST_LINES = 400;

function shownCode(code: string): string {
  const lines = code.slice(0, 100_000).trimEnd().split("\n").slice(0, MOST_LINES);
  return lines.map((line) => /^ {0,80}/.exec(line)![0] + sanitizedText(line)).join("\n");
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

function method(): Html {
  return markup`
    <ul>
      <li><b>Sample.</b> Items run one by one in a process that measures its CPU time and the time that
    passes. Their ratio, less what other programs took, is the share of computing: up to
    ${formatPercent(WAITS)} a job is I/O-bound, from ${formatPercent(COMPUTES)} on CPU-bound. Its
    error is that of a ratio estimator (Cochran, Sampling Techniques, 1977).</li>
      <li><b>Prediction.</b> Between list scheduling of the sample’s own times over the slots, at best, and
    mean value analysis of tasks that queue for the event loop, at worst; with start-up, copying of
    items and results, and this machine’s ceiling.</li>
      <li><b>Race.</b> The promising models run the job’s own items, each trial in a fresh process. A
    measured gain is the ratio of sequential’s time to the model’s, paired by round, with its 95%
    interval.</li>
      <li><b>Where the time goes.</b> Tasks that compute are run once more under V8’s sampling profiler,
    which looks several thousand times a second at what runs. What the runtime does for a function
    counts with that function; collecting garbage is told by itself.</li>
      <li><b>Recommendation.</b> The simplest model that isn’t detectably slower than the best.</li>
    </ul>
  `;
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
    headlines: [{ id, name, text: foundWords(advice) }],
    sections: [
      adviceSection(advice, read.advice.code, id, alone ? undefined : `Advice on ${title}`),
    ],
    jobs: [
      [
        markup`<b>${job.title}</b>, ${jobItems(advice)}. `,
        taskWords(`${job.module}#${job.export}`),
      ],
    ],
    name,
    method: { name: "How advice is come by", html: method() },
  };
}
