/**
 * Comparisons as a part of a page: the verdict first, then charts, all figures, and the method.
 *
 * @module
 */

import { BASELINE } from "../../models.ts";
import { startupSection, usageSection } from "./cost_charts.ts";
import { distributionSection } from "./distribution_chart.ts";
import { type PagePart, type Section, taskWords } from "./page.ts";
import { table } from "./figure.ts";
import { type Html, type Markup, markup } from "./markup.ts";
import { sanitized } from "./sanitize.ts";
import { speedupSection } from "./speedup_chart.ts";
import { timelineSection } from "./timeline_chart.ts";
import {
  exampleLines,
  failureLines,
  isUndecided,
  LESSON,
  verdictText,
} from "../terminal/comparison_words.ts";
import {
  counted,
  formatBytes,
  formatCount,
  formatDuration,
  formatDurationInterval,
  formatNumber,
  formatPercent,
  formatRatio,
  formatSpeedup,
  middle,
  NO_FIGURE,
} from "../../text/format.ts";
import {
  type Comparison,
  nothingSucceeded,
  type ResultFile,
  type Verdict,
} from "../../timing/result.ts";

/** Where comparisons stand in a page. */
interface ComparisonPlace {
  /** How many comparisons stand before, which makes their ids unique. */
  readonly before: number;
  /** Whether the page holds one comparison and nothing else, whose headline is the page's title. */
  readonly alone: boolean;
}

/** A result file as a part of a page. */
export function comparisonPart(
  result: ResultFile,
  { before, alone }: ComparisonPlace,
): PagePart {
  const { environment, comparisons, partial = false } = sanitized(result);
  const idOf = (i: number) => `c${before + i}`;
  const [first] = comparisons;
  return {
    title: first === undefined ? "Nothing was measured" : headlineOf(first),
    did: "compared",
    headlines: comparisons.map((comparison, i) => ({
      id: idOf(i),
      name: comparison.job.name,
      text: headlineOf(comparison),
    })),
    sections: comparisons.map((comparison, i) => comparisonSection(comparison, idOf(i), alone)),
    environment,
    jobs: comparisons.map(jobWords),
    name: comparisons.map(({ job }) => job.name).slice(0, 5).join(", ") || "nothing",
    partial,
    method: { name: "How models are compared", html: methodSection() },
  };
}

function comparisonSection(comparison: Comparison, id: string, alone: boolean): Section {
  return {
    id,
    title: comparison.job.name,
    // With one comparison only, the headline is the page's title.
    html:
      markup`${!alone && markup`<p class="headline">${headlineOf(comparison)}</p>`}${
        verdictSection(comparison)
      }${speedupSection(comparison, `${id}-speedup`)}${
        timelineSection(comparison, `${id}-timeline`)
      }${resultsTable(comparison, `${id}-figures`)}${
        distributionSection(comparison, `${id}-times`)
      }${startupSection(comparison, `${id}-startup`)}${usageSection(comparison, `${id}-usage`)}`
        .text,
  };
}

/** What a comparison ran, in a line. */
function jobWords({ job, models }: Pick<Comparison, "job" | "models">): Html {
  const rounds = Math.max(0, ...models.map(({ rounds }) => rounds.length));
  const what = markup`<b>${job.name}</b>, ${counted(job.items, "item", formatCount(job.items))}, ${
    counted(rounds, "round")
  }. `;
  return markup`${what}${taskWords(job.task, job.options)}`;
}

const BOUND: Record<Verdict["bound"], string> = {
  io: "This job waits",
  cpu: "This job computes",
  mixed: "This job waits and computes",
  small: "This job is small",
};

/** The verdict in a line. */
function headlineOf(comparison: Comparison): string {
  const { job, agree, verdict, models } = comparison;
  if (!agree) return "The models’ results differ";
  if (models.length > 0 && models.every(nothingSucceeded)) {
    return `Nothing of ${job.name} succeeded`;
  }
  if (verdict === null) return `No verdict on ${job.name}`;
  const bound = BOUND[verdict.bound] ?? "This job was measured";
  const chosen = models.find(({ model }) => model === verdict.recommended);
  if (isUndecided(comparison)) return `${bound}: which model is best can’t be told`;
  if (verdict.recommended === BASELINE) return `${bound}: leave it sequential`;
  return chosen?.speedup
    ? `${bound}: ${verdict.recommended} is ${formatRatio(chosen.speedup.median)} as fast`
    : `${bound}: take ${verdict.recommended}`;
}

/** Writes the verdict of a comparison: its text, its figures, its warnings and failures. */
function verdictSection(comparison: Comparison): Html {
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
  const base = models.find(({ model }) => model === BASELINE);
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

/** Writes the table of a comparison: a row a model. */
function resultsTable(comparison: Comparison, id: string): Html {
  const rows = comparison.models.map(({ model, lanes, slots, rounds, wallMs, speedup }) => [
    model,
    `${lanes} × ${slots ?? "all"}`,
    formatDuration(middle(rounds.map(({ startMs }) => startMs))),
    formatDuration(middle(rounds.map(({ runMs }) => runMs))),
    rounds.length === 0 ? NO_FIGURE : formatDurationInterval(wallMs),
    formatDuration(middle(rounds.map(({ cpuMs }) => cpuMs))),
    speedup === null ? NO_FIGURE : model === BASELINE ? "1×" : formatSpeedup(speedup),
    formatBytes(middle(rounds.map(({ peakRssBytes }) => peakRssBytes))),
    formatCount(rounds.reduce((sum, { failed }) => sum + failed, 0)),
  ]);
  return markup`
    <section id="${id}"><h3>All figures</h3>${
    table(
      "Medians over rounds, with 95% intervals",
      [
        { name: "model" },
        { name: "lanes\u00a0× slots", figures: true },
        { name: "start\u2011up", figures: true },
        { name: "work", figures: true },
        { name: "total", figures: true },
        { name: "CPU", figures: true },
        { name: "speedup", figures: true },
        { name: "peak memory", figures: true },
        { name: "failed", figures: true },
      ],
      rows,
    )
  }</section>
  `;
}

/** Writes the method. */
function methodSection(): Html {
  return markup`
    <p><b>Words.</b> A lane is a place where tasks run: this event loop, a worker thread, a
    subprocess. A slot is room for one task in flight on a lane. ${LESSON}</p>
    <ul>
      <li><b>Trials.</b> Each model’s round runs in a fresh process that measures itself. Rounds are
    interleaved and their order shuffled with the seed, so that drift hits all models alike.</li>
      <li><b>Same work.</b> Results are checksummed and compared; if they differ, no speedup is shown.</li>
      <li><b>Speedup.</b> The ratio of sequential’s time to the model’s, paired by round: its median, on
    logarithms. The 95% interval is Student’s <i>t</i> (Biometrika 6, 1908) for 2 to 5 rounds, and from
    6 on the percentile bootstrap of the median (Efron, Annals of Statistics 7, 1979), never narrower than
    the sign test’s (Conover, Practical Nonparametric Statistics, 1999). A single round’s interval is an
    assumed factor of two either way. If the interval holds 1, there is no detectable difference.</li>
      <li><b>Quantiles</b> are definition 7 of Hyndman and Fan (The American Statistician 50, 1996), linear
    between the ordered values, as in R and NumPy. No value is dropped.</li>
      <li><b>Ceiling.</b> The same work in processes that share nothing: what parallelism can gain on this
    machine. A speedup above it means that the sequential run was too slow, not that the model is magic.</li>
      <li><b>CPU time</b> is that of the trial’s process, its threads and its subprocesses; <b>peak memory</b>
    the process’s own resident peak plus that of each subprocess.</li>
    </ul>
  `;
}
