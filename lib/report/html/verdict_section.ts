/**
 * The verdict, before everything else: a headline, the figures it rests on, and what to mind.
 *
 * @module
 */

import {
  counted,
  formatDuration,
  formatNumber,
  formatPercent,
  formatRatio,
} from "../../text/format.ts";
import { type Comparison, nothingSucceeded, type Verdict } from "../../timing/result.ts";
import { exampleLines, failureLines, isUndecided, verdictText } from "../terminal/verdict_text.ts";
import { formatCount } from "./count.ts";
import { type Html, type Markup, markup } from "./markup.ts";

const BOUND: Record<Verdict["bound"], string> = {
  io: "This job waits",
  cpu: "This job computes",
  mixed: "This job waits and computes",
  small: "This job is small",
};

/** The verdict in a line. */
export function headlineOf(comparison: Comparison): string {
  const { job, agree, verdict, models } = comparison;
  if (!agree) return "The models’ results differ";
  if (models.length > 0 && models.every(nothingSucceeded)) {
    return `Nothing of ${job.name} succeeded`;
  }
  if (verdict === null) return `No verdict on ${job.name}`;
  const bound = BOUND[verdict.bound] ?? "This job was measured";
  const chosen = models.find(({ model }) => model === verdict.recommended);
  if (isUndecided(comparison)) return `${bound}: which model is best can’t be told`;
  if (verdict.recommended === "sequential") return `${bound}: leave it sequential`;
  return chosen?.speedup
    ? `${bound}: ${verdict.recommended} is ${formatRatio(chosen.speedup.median)} as fast`
    : `${bound}: take ${verdict.recommended}`;
}

/** Writes the verdict of a comparison: its text, its figures, its warnings and failures. */
export function verdictSection(comparison: Comparison): Html {
  const notices = [
    ...failureLines(comparison).map((line) => ["Failed", line]),
    ...exampleLines(comparison).map((line) => ["Example", line]),
    ...comparison.warnings.map((warning) => ["Mind", warning]),
  ];
  return markup`<p class="verdict">${unbroken(verdictText(comparison))}</p>
<dl class="tiles">${tiles(comparison)}</dl>
${
    notices.length > 0 && markup`
      <ul class="notices">${
      notices.slice(0, 50).map(([kind, text]) => markup`<li><b>${kind}:</b> ${text}</li>`)
    }${notices.length > 50 && markup`<li>And ${formatCount(notices.length - 50)} more.</li>`}</ul>
    `
  }`;
}

function tiles({ verdict, models, ceiling, agree }: Comparison): Html[] {
  const base = models.find(({ model }) => model === "sequential");
  const chosen = models.find(({ model }) => model === verdict?.recommended);
  const tile = (name: string, figure: Markup, detail: Markup) =>
    markup`
      <div>
        <dt>${name}</dt>
        <dd><b>${figure}</b> <span>${detail}</span></dd>
      </div>
    `;
  const all: Html[] = [];
  if (base && base.rounds.length > 0) {
    all.push(tile("one after the other", formatDuration(base.wallMs.median), "sequential, median"));
  }
  if (chosen && chosen !== base && agree) {
    all.push(tile("recommended", formatDuration(chosen.wallMs.median), chosen.model));
  }
  if (chosen?.speedup && chosen !== base && agree) {
    const { median, low, high } = chosen.speedup;
    const detail = `95% interval ${formatNumber(low)} to ${formatNumber(high)}`;
    all.push(tile("as fast", formatRatio(median), detail));
  }
  if (verdict) {
    all.push(
      tile(
        "of its time computing",
        formatPercent(Math.min(1, verdict.cpuShare)),
        "the rest it waits",
      ),
    );
  }
  if (ceiling) {
    all.push(
      tile(
        "ceiling",
        formatRatio(ceiling.speedup),
        `with ${counted(ceiling.lanes, "independent process")}`,
      ),
    );
  }
  if (verdict) all.push(tile("confidence", formatPercent(verdict.confidence), "in this verdict"));
  return all;
}

/** Keeps figures and their units on one line. */
function unbroken(text: string): string {
  return text.replace(/(\d) (ms|s|kB|MB|GB)\b/g, "$1\u00a0$2");
}
