/**
 * Advice as a part of a page.
 *
 * @module
 */

import { counted, formatNumber, formatPercent, formatRatio } from "../../../text/format.ts";
import { taskWords } from "../environment_section.ts";
import { inert, inertText } from "../inert.ts";
import { type Html, type Markup, markup } from "../markup.ts";
import type { PagePart } from "../parts.ts";
import type { Section } from "../section.ts";
import type { Advice, AdviceFile } from "../../../advice/advice.ts";
import {
  classLine,
  className,
  codeLines,
  commandLine,
  costLine,
  recommendationLines,
  remarkLines,
  sampleLine,
} from "../../advice/advice_words.ts";
import { COMPUTES, WAITS } from "../../../judge/thresholds.ts";
import { gainsFigure } from "./gains_figure.ts";
import { profileSection } from "./profile_section.ts";
import { splitFigure } from "./split_chart.ts";

/** A hazard is told in two or three sentences. */
const MOST_CHARACTERS = 1000;
/** More lines of code than this aren't ours. */
const MOST_LINES = 400;

/** The program, cut to what can be laid out. */
function inertCode({ code }: Advice): string {
  const lines = codeLines({ code: code.slice(0, 100_000) }).slice(0, MOST_LINES);
  return lines.map((line) => /^ {0,80}/.exec(line)![0] + inertText(line)).join("\n");
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function list(title: string, lines: readonly string[], kind?: string): Markup {
  if (lines.length === 0) return false;
  const items = lines.slice(0, 50).map((line) => markup`<li>${line}</li>`);
  return markup`
    <section><h3>${title}</h3>${
    kind === undefined ? markup`<ul>${items}</ul>` : markup`<ul class="${kind}">${items}</ul>`
  }</section>
  `;
}

/**
 * Advice as a section of a page.
 *
 * @param title The section's heading; default "The advice".
 */
export function adviceSection(advice: Advice, id: string, title = "The advice"): Section {
  const safe = inert(advice, MOST_CHARACTERS);
  const { recommended, surprises, hazards } = safe;
  const [reason, ...details] = recommendationLines(safe);
  const html = markup`
    <p class="verdict">${capital(classLine(safe))}. ${reason}</p>
    ${remarkLines(safe).map((line) => markup`<p class="partial">${line}</p>`)}
    ${list(`Recommended: ${recommended.name}`, details)}
    ${splitFigure(safe, `${id}-split`)}
    <p class="note">${sampleLine(safe)}</p>
    ${gainsFigure(safe, `${id}-gains`)}
    ${profileSection(safe, `${id}-profile`)}
    ${list("Where the prediction was wrong", surprises.map(({ text }) => text))}
    ${list("Hazards seen", hazards.map(({ text }) => text), "notices")}
    <section><h3>The code</h3>
    <p class="note">Saved as <code>job_run.ts</code>: <code>${commandLine(safe)}</code></p>
    <pre role="region" tabindex="0" aria-label="The code"><code>${inertCode(advice)}</code></pre>
    <p class="note">${costLine(safe)}</p></section>
  `;
  return { id, title, html: html.text };
}

/** How advice is come by: the same for every job. */
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

/** The advice in a line. */
function foundWords({ bound, recommended: { model, name, gain }, hazards }: Advice): string {
  const take = model === "sequential" ? "leave it sequential" : `take ${name}`;
  const fast = gain === null || model === "sequential"
    ? ""
    : `, ${formatRatio(gain.median)} as fast (${formatNumber(gain.low)} to ${
      formatNumber(gain.high)
    })`;
  const seen = hazards.length === 0
    ? ""
    : `; ${hazards.length} hazard${hazards.length === 1 ? "" : "s"} seen`;
  return `${capital(className(bound))}: ${take}${fast}${seen}`;
}

/** Where advice stands in a page. */
export interface AdvicePlace {
  /** The section's id, unique in its page; default "advice". */
  readonly id?: string;
  /** Whether the page holds this advice and nothing else; default true. */
  readonly alone?: boolean;
}

/** Advice as a part of a page. */
export function advicePart(file: AdviceFile, place: AdvicePlace = {}): PagePart {
  const { id = "advice", alone = true } = place;
  const { advice, environment } = inert(file, MOST_CHARACTERS);
  const { job, recommended } = advice;
  const title = `${job.title}: ${recommended.name}`;
  return {
    title,
    did: "advised on",
    headlines: [{
      id,
      name: `Advice on ${job.title}`,
      text: foundWords(advice),
    }],
    sections: [
      adviceSection(file.advice, id, alone ? undefined : `Advice on ${title}`),
    ],
    environment,
    jobs: [
      markup`<b>${job.title}</b>, ${counted(advice.horizon, "item")}. ${
        taskWords(`${job.module}#${job.export}`, {})
      }`,
    ],
    name: `Advice on ${job.title}`,
    partial: false,
    method: { name: "How advice is come by", html: method() },
  };
}
