/** Comparisons as a part of a page: the verdict first, then charts, all figures, and the method. */

import { BASELINE } from "../../models.ts";
import {
  counted,
  formatBytes,
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  formatRatio,
  middle,
} from "../../text/format.ts";
import {
  type Comparison,
  type Interval,
  type ModelResult,
  nothingSucceeded,
  type ResultFile,
  type Round,
  type Verdict,
} from "../../timing/result.ts";
import { quantile, type Sorted, sorted } from "../../timing/statistics.ts";
import { htmlTable } from "../document.ts";
import { drawGains, isLogarithmic } from "../html/gains_chart.ts";
import { figure, type Html, list, markup, unbroken } from "../html/markup.ts";
import { type PagePart, type PartPlace, type Section, taskWords } from "../html/page.ts";
import * as chart from "../html/svg.ts";
import { modelRow } from "../html/svg.ts";
import { timelineSection } from "../html/timeline.ts";
import { hasStarted } from "../slots.ts";
import { MODEL_COLUMNS } from "./comparison_report.ts";
import { isUndecided, LESSON, noticeLines, roundsOf, verdictText } from "./comparison_words.ts";

export function comparisonPart(
  { comparisons }: ResultFile,
  { before, alone }: PartPlace,
): PagePart {
  const idOf = (i: number) => `c${before + i}`;
  const [first] = comparisons;
  return {
    title: first === undefined ? "Nothing was measured" : headlineOf(first),
    headlines: comparisons.map((comparison, i) => ({
      id: idOf(i),
      name: comparison.job.name,
      text: headlineOf(comparison),
    })),
    sections: comparisons.map((comparison, i) => comparisonSection(comparison, idOf(i), alone)),
    jobs: comparisons.map(jobWords),
    name: comparisons.map(({ job }) => job.name).slice(0, 5).join(", ") || "nothing",
    method: { name: "How models are compared", html: methodSection() },
  };
}

function comparisonSection(comparison: Comparison, id: string, alone: boolean): Section {
  const notices = noticeLines(comparison).map(({ kind, text }) => markup`<b>${kind}:</b> ${text}`);
  const measured = measuredIn(comparison);
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
    ${measured.length > 0 && startupSection(measured, `${id}-startup`)}
    ${measured.length > 0 && usageSection(measured, `${id}-usage`)}`;
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

/** What more than this can't be told apart: dots on a line. */
const MAX_DOTS = 100;
/** The names of models stand in so much of a margin. */
const NAMES = { wide: 92, narrow: 86 } as const;

function measuredIn({ models }: Comparison): ModelResult[] {
  return models.filter(({ rounds }) => rounds.length > 0);
}

function speedupSection({ models, ceiling, agree }: Comparison, id: string): Html {
  const most = ceiling !== null && ceiling.speedup > 0 ? ceiling.speedup : undefined;
  const rows = models.flatMap(({ model, speedup: measured }) =>
    model !== BASELINE && measured !== null && measured.median > 0
      ? [{ ...modelRow(model), measured, remark: gainWords(measured, most), predicted: null }]
      : []
  );
  if (rows.length === 0) {
    const why = agree
      ? "there is no sequential run to compare with."
      : "the models’ results differ, so they did not do the same work.";
    return markup`
      <figure id="${id}"><h3>Speedup</h3><p class="lead">No speedup is shown: ${why}</p></figure>
    `;
  }
  const limit = most === undefined
    ? undefined
    : { ratio: most, words: `ceiling ${formatRatio(most)}` };
  return figure({
    id,
    title: "How much faster than one after the other",
    lead:
      markup`Bars begin at 1×, the time of <b>sequential</b>; the fine line is the 95% interval.${
        most !== undefined &&
        markup` The dashed line is the <b>ceiling</b>: what ${
          ceiling!.lanes
        } independent processes that share nothing gain on this machine.`
      } ${
        isLogarithmic(rows, limit) &&
        "The axis is logarithmic: each step to the right multiplies."
      }`,
    draw: (width) => drawGains(rows, limit, "Speedup against sequential", width),
    table: htmlTable("Speedup against sequential", [
      { head: "model", cell: ({ name }) => name },
      { head: "median", cell: ({ measured }) => formatRatio(measured.median) },
      { head: "low", cell: ({ measured }) => formatRatio(measured.low) },
      { head: "high", cell: ({ measured }) => formatRatio(measured.high) },
      { head: "in words", left: true, cell: ({ remark }) => remark },
    ], rows),
  });
}

function gainWords({ low, high, median }: Interval, ceiling: number | undefined): string {
  if (low <= 1 && high >= 1) return "no detectable difference";
  if (median < 1) return "slower";
  return ceiling !== undefined && low > ceiling ? "above the ceiling" : "";
}

function startupSection(models: readonly ModelResult[], id: string): Html {
  const rounds = models.flatMap(({ model, rounds }) =>
    rounds.slice(0, MAX_DOTS).map((round) => ({ model, ...round }))
  );
  return figure({
    id,
    title: "Start-up against work",
    lead: markup`The median time until every lane could take tasks, <b
      class="key start">start-up</b>, and from the first item to the last outcome, <b
      class="key work">work</b>. Each dot is one round’s total.`,
    draw: (width) => drawStartup(models, width),
    note: models.some(({ rounds }) => rounds.length > MAX_DOTS) &&
      `Of each model the first ${MAX_DOTS} rounds have a dot; the medians are of all.`,
    table: htmlTable("Every round", [
      { head: "model and round", cell: ({ model, round }) => `${model}, ${round}` },
      { head: "start-up", cell: ({ startMs }) => formatDuration(startMs) },
      { head: "work", cell: ({ runMs }) => formatDuration(runMs) },
      { head: "total", cell: ({ wallMs }) => formatDuration(wallMs) },
    ], rounds),
  });
}

function drawStartup(models: readonly ModelResult[], width: number): Html {
  const [wide, height] = [chart.isWide(width), 36];
  const left = wide ? NAMES.wide : NAMES.narrow;
  const rows = models.map(({ model, rounds }, i) => {
    const startMs = middle(rounds.map(({ startMs }) => startMs));
    const runMs = middle(rounds.map(({ runMs }) => runMs));
    const totals = rounds.slice(0, MAX_DOTS).map(({ wallMs }) => wallMs);
    const y = 4 + (i + 0.5) * height;
    return { ...modelRow(model), startMs, runMs, endMs: startMs + runMs, totals, y };
  });
  const axisMs = Math.max(1e-3, ...rows.flatMap(({ endMs, totals }) => [endMs, ...totals]));
  const x = chart.scale([0, axisMs], [left, width - (wide ? 190 : 96)]);
  const bottom = 4 + rows.length * height;
  return chart.svg(width, bottom + 26, {
    title: "Start-up against work",
    description: rows.map(({ name, startMs, runMs }) =>
      `${name}: ${formatDuration(startMs)} to start, ${formatDuration(runMs)} of work`
    ).join("; "),
  }, [
    chart.axis(x, bottom, chart.linearTicks(axisMs, wide ? 6 : 3)),
    chart.group(
      "startup",
      rows.map(({ name, startMs, y }) => {
        const title = `${name}: ${formatDuration(startMs)} to start`;
        return chart.rect(left, y - 10.5, x(startMs), y + 10.5, { fill: "var(--ink)", title });
      }),
    ),
    chart.group(
      "work",
      rows.map(({ name, colour, startMs, runMs, endMs, y }) => {
        const title = `${name}: ${formatDuration(runMs)} of work`;
        return chart.rect(x(startMs), y - 10.5, x(endMs), y + 10.5, { fill: colour, title });
      }),
    ),
    chart.group(
      "rounds",
      rows.flatMap(({ name, totals, y }) =>
        totals.map((ms) =>
          chart.dot(x(ms), y + 13, 2.6, {
            fill: "var(--paper)",
            stroke: "var(--ink)",
            title: `${name}: ${formatDuration(ms)} in all, in one round`,
          })
        )
      ),
    ),
    rows.map((row) => {
      const behind = x(wide ? row.endMs : Math.max(row.endMs, ...row.totals));
      return [
        chart.rowName(row, left, row.y),
        chart.text(formatDuration(row.endMs), behind + 8, row.y, chart.STRONG),
        wide &&
        chart.text(`${formatDuration(row.startMs)} to start`, behind + 70, row.y, chart.SOFT),
      ];
    }),
  ]);
}

const USAGES = [
  {
    id: "cpu",
    title: "CPU time",
    lead: "Of the process, its threads and its subprocesses; the median round.",
    of: ({ cpuMs }: Round) => cpuMs,
    format: formatDuration,
  },
  {
    id: "memory",
    title: "Peak memory",
    lead: "Of the process and each of its subprocesses; the median round.",
    of: ({ peakRssBytes }: Round) => peakRssBytes,
    format: formatBytes,
  },
];

function usageSection(models: readonly ModelResult[], id: string): Html {
  const figures = USAGES.map(({ id: kind, title, lead, of, format }) => {
    const bars = models.map(({ model, rounds }) => {
      const value = middle(rounds.map(of));
      return { ...modelRow(model), value, words: format(value) };
    });
    return figure({
      id: `${id}-${kind}`,
      title,
      lead,
      widths: { wide: 408, narrow: 328 },
      draw: (width) => chart.drawBars(bars, { title, width, left: NAMES.narrow }),
      table: htmlTable(title, [
        { head: "model", cell: ({ name }) => name },
        { head: "median", cell: ({ words }) => words },
      ], bars),
    });
  });
  return markup`<div class="pair">${figures}</div>`;
}

interface Distribution {
  readonly model: string;
  readonly times: Sorted;
}

/** Writes the distribution of task times, and for jobs that wait that of latency too. */
export function distributionSection({ models, verdict }: Comparison, id: string): Html {
  const waits = verdict?.bound === "io" || verdict?.bound === "mixed";
  return markup`${
    distribution(
      models,
      id,
      "How long a task took",
      "From its start on a lane to its end. The taller, the more tasks; the mark is the median, " +
        "the line spans the 5th to the 95th percentile.",
      "startedMs",
    )
  }${
    waits && distribution(
      models,
      `${id}-latency`,
      "Latency: how long its caller waited",
      "The same tasks counted from when they were queued: the wait for a slot included.",
      "queuedMs",
    )
  }`;
}

const SHARES = {
  "5th percentile": 0.05,
  median: 0.5,
  "95th percentile": 0.95,
  "99th percentile": 0.99,
  longest: 1,
};

function distribution(
  models: readonly ModelResult[],
  id: string,
  title: string,
  lead: string,
  since: "startedMs" | "queuedMs",
): Html {
  const distributions = models.flatMap(({ model, timeline }): Distribution[] => {
    const values = (timeline?.index ?? []).flatMap((_, at) => {
      const ms = timeline!.endedMs[at]! - timeline![since][at]!;
      return hasStarted(timeline!, at) && ms >= 0 ? [ms] : [];
    });
    return values.length === 0 ? [] : [{ model, times: sorted(values) }];
  });
  if (distributions.length === 0) return markup``;
  return figure({
    id,
    title,
    lead,
    draw: (width) => drawDistributions(title, distributions, width),
    table: htmlTable(title, [
      { head: "model", cell: ({ model }) => model },
      { head: "tasks", cell: ({ times }) => formatCount(times.length) },
      ...Object.entries(SHARES).map(([head, share]) => ({
        head,
        cell: ({ times }: Distribution) => formatDuration(quantile(times, share)),
      })),
    ], distributions),
  });
}

const BINS = 64;
const BINS_HEIGHT = 44;
/** From a row's top: the highest bar's, the bars' foot, and the line of the percentiles below. */
const BARS = { top: 5, foot: 33.5, line: 37 } as const;

/** An axis of times, logarithmic where the longest takes many times what the shortest does. */
function timesScale(distributions: readonly Distribution[], places: [number, number]) {
  const high = Math.max(...distributions.map(({ times }) => times.at(-1)!), 1e-3);
  const least = Math.min(...distributions.map(({ times }) => quantile(times, 0.01)));
  const isLog = high / Math.max(least, 1e-3) > 20;
  const low = isLog
    ? Math.max(least * 0.8, high / 1e6, 1e-3)
    : least < high * 0.4
    ? 0
    : least * 0.9;
  return chart.scale([low, high], places, isLog);
}

function drawDistributions(
  title: string,
  distributions: readonly Distribution[],
  width: number,
): Html {
  const wide = chart.isWide(width);
  const [left, right] = [wide ? NAMES.wide : NAMES.narrow, width - (wide ? 198 : 92)];
  const scale = timesScale(distributions, [left, right]);
  const x = (ms: number) => scale(Math.max(scale.domain[0], ms));
  const bottom = 6 + distributions.length * BINS_HEIGHT;
  const bin = (right - left) / BINS;
  const bars = ({ model, times }: Distribution, top: number) => {
    const { name } = modelRow(model);
    const counts = new Array<number>(BINS).fill(0);
    for (const ms of times) counts[Math.min(BINS - 1, Math.floor((x(ms) - left) / bin))]! += 1;
    const most = Math.max(...counts);
    return counts.map((count, at) => {
      if (count === 0) return undefined;
      const [from, to] = [left + at * bin, left + (at + 1) * bin];
      const range = [from, to].map((place) => formatDuration(scale.invert(place))).join(" to ");
      const height = Math.max(1, (BARS.foot - BARS.top) * count / most);
      return chart.rect(from, top + BARS.foot - height, to, top + BARS.foot, {
        title: `${name}: ${formatCount(count)} tasks took\n${range}`,
      });
    });
  };
  const ticks = chart.ticksOf(scale, wide ? 6 : 3);
  return chart.svg(width, bottom + 30, {
    title,
    description: distributions.map(({ model, times }) =>
      `${modelRow(model).name}: median ${formatDuration(quantile(times, 0.5))}`
    ).join("; "),
  }, [
    chart.axis(scale, bottom, ticks),
    distributions.map((of, i) => {
      const { row, top } = { row: modelRow(of.model), top: 6 + i * BINS_HEIGHT };
      const [p5, median, p95] = [0.05, 0.5, 0.95].map((share) => quantile(of.times, share));
      const [at, y] = [x(median!), top + BARS.line];
      return [
        chart.group("times", bars(of, top), { fill: row.colour, fillOpacity: 0.55 }),
        chart.line(x(p5!), y, x(p95!), y, { stroke: row.colour, strokeWidth: 2 }),
        chart.line(at, top + BARS.top, at, y + 3, chart.FINE),
        chart.rowName(row, left, top + BINS_HEIGHT / 2),
        chart.text(formatDuration(median!), right + 10, top + 26, chart.STRONG),
        wide && chart.text(`95% under ${formatDuration(p95!)}`, right + 72, top + 26, chart.SOFT),
      ];
    }),
  ]);
}
