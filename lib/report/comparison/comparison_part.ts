/** Comparisons as a part of a page: the verdict first, then charts, all figures, and the method. */

import { BASELINE } from "../../models.ts";
import {
  counted,
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  formatRatio,
} from "../../text/format.ts";
import {
  type Comparison,
  nothingSucceeded,
  type ResultFile,
  type Verdict,
} from "../../timing/result.ts";
import { MODEL_COLUMNS } from "./comparison_report.ts";
import { isUndecided, LESSON, noticeLines, roundsOf, verdictText } from "./comparison_words.ts";
import { distributionSection, startupSection, usageSection } from "./cost_charts.ts";
import { list } from "../html/figure.ts";
import { htmlTable } from "../table.ts";
import { speedupSection } from "../html/gains_chart.ts";
import { type Html, markup, unbroken } from "../html/markup.ts";
import { type PagePart, type PartPlace, type Section, taskWords } from "../html/page.ts";
import { timelineSection } from "../html/timeline_chart.ts";

export function comparisonPart(
  { environment, comparisons, partial = false }: ResultFile,
  { before, alone }: PartPlace,
): PagePart {
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
  const notices = noticeLines(comparison).map(({ kind, text }) => markup`<b>${kind}:</b> ${text}`);
  // With one comparison only, the headline is the page's title.
  const html = markup`${!alone && markup`<p class="headline">${headlineOf(comparison)}</p>`}
    <p class="verdict">${unbroken(verdictText(comparison))}</p>
    <dl class="tiles">${tiles(comparison)}</dl>
    ${list(notices, "notices")}
    ${speedupSection(comparison, `${id}-speedup`)}
    ${timelineSection(comparison, `${id}-timeline`)}
    <section id="${id}-figures"><h3>All figures</h3>${
    htmlTable("Medians over rounds, with 95% intervals", MODEL_COLUMNS, comparison.models)
  }</section>
    ${distributionSection(comparison, `${id}-times`)}
    ${startupSection(comparison, `${id}-startup`)}
    ${usageSection(comparison, `${id}-usage`)}`;
  return { id, title: comparison.job.name, html };
}

function jobWords(comparison: Comparison): Html {
  const { name, items, task, options } = comparison.job;
  return markup`<b>${name}</b>, ${counted(items, "item", formatCount(items))}, ${
    roundsOf(comparison)
  }. ${taskWords(task, options)}`;
}

const BOUND: Record<Verdict["bound"], string> = {
  io: "This job waits",
  cpu: "This job computes",
  mixed: "This job waits and computes",
  small: "This job is small",
};

function headlineOf(comparison: Comparison): string {
  const { job, agree, verdict, models } = comparison;
  if (!agree) return "The models’ results differ";
  if (models.length > 0 && models.every(nothingSucceeded)) {
    return `Nothing of ${job.name} succeeded`;
  }
  if (verdict === null) return `No verdict on ${job.name}`;
  const bound = BOUND[verdict.bound] ?? "This job was measured";
  if (isUndecided(comparison)) return `${bound}: which model is best can’t be told`;
  if (verdict.recommended === BASELINE) return `${bound}: leave it sequential`;
  const chosen = models.find(({ model }) => model === verdict.recommended);
  return chosen?.speedup
    ? `${bound}: ${verdict.recommended} is ${formatRatio(chosen.speedup.median)} as fast`
    : `${bound}: take ${verdict.recommended}`;
}

/** A figure in large letters: its name, itself, and what it is. */
type Tile = readonly [name: string, figure: string, detail: string];

function tiles({ verdict, models, ceiling, agree }: Comparison): Html[] {
  const base = models.find(({ model }) => model === BASELINE);
  const chosen = agree
    ? models.find(({ model }) => model === verdict?.recommended && model !== BASELINE)
    : undefined;
  const all: (Tile | false | null | undefined)[] = [
    base && base.rounds.length > 0 &&
    ["one after the other", formatDuration(base.wallMs.median), "sequential, median"],
    chosen && ["recommended", formatDuration(chosen.wallMs.median), chosen.model],
    chosen?.speedup && [
      "as fast",
      formatRatio(chosen.speedup.median),
      `95% interval ${formatNumber(chosen.speedup.low)} to ${formatNumber(chosen.speedup.high)}`,
    ],
    verdict && [
      "of its time computing",
      formatPercent(Math.min(1, verdict.cpuShare)),
      "the rest it waits",
    ],
    ceiling && [
      "ceiling",
      formatRatio(ceiling.speedup),
      `with ${counted(ceiling.lanes, "independent process")}`,
    ],
    verdict && ["confidence", formatPercent(verdict.confidence), "in this verdict"],
  ];
  return all.filter((tile) => !!tile).map(([name, figure, detail]) =>
    markup`
      <div>
        <dt>${name}</dt>
        <dd><b>${figure}</b> <span>${detail}</span></dd>
      </div>
    `
  );
}

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
