/** A comparison's charts on a page, each with its table: speedups, start-up, use of the machine, task times. */

import { BASELINE } from "../../models.ts";
import {
  counted,
  formatBytes,
  formatCount,
  formatDuration,
  formatRatio,
} from "../../text/format.ts";
import {
  type Comparison,
  type Interval,
  isOfCores,
  type ModelResult,
  type Round,
} from "../../timing/result.ts";
import { htmlTable } from "../document.ts";
import { middle, quantile, type Sorted, sorted } from "../../timing/statistics.ts";
import { drawGains, isLogarithmic } from "../html/gains_chart.ts";
import { figure, type Html, markup } from "../html/markup.ts";
import * as chart from "../html/svg.ts";

/** How many rounds of a model get a dot; more dots on a line can't be told apart. */
const MAX_DOTS = 100;
/** The margins for the names of models, in pixels. */
const NAMES = { wide: 92, narrow: 86 } as const;

export function speedupSection({ models, ceiling, agree }: Comparison, id: string): Html {
  const most = ceiling !== null && ceiling.speedup > 0 ? ceiling.speedup : undefined;
  const rows = models.flatMap(({ speedup: measured, ...of }) => {
    if (of.model === BASELINE || measured === null || !(measured.median > 0)) return [];
    const remark = gainWords(measured, isOfCores(of) ? most : undefined);
    return [{ ...chart.modelRow(of.model), measured, remark, predicted: null }];
  });
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
  const dashed = ceiling && markup` The dashed line is the <b>ceiling</b>: what ${ceiling.lanes}
    independent processes that share nothing gain on this machine.`;
  const axis = isLogarithmic(rows, limit) &&
    "The axis is logarithmic: each step to the right multiplies.";
  return figure({
    id,
    title: "How much faster than one after the other",
    lead: [
      markup`Bars begin at 1×, the time of <b>sequential</b>; the fine line is the 95% interval.`,
      markup`${most !== undefined && dashed} ${axis}`,
    ],
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

export function startupSection(models: readonly ModelResult[], id: string): Html {
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
      { head: "model and round", cell: ({ model, round }) => `${model}, ${round + 1}` },
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
    return { ...chart.modelRow(model), startMs, runMs, endMs: startMs + runMs, totals, y };
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
    chart.marks("startup", rows, ({ name, startMs, y }) => {
      const title = `${name}: ${formatDuration(startMs)} to start`;
      return chart.rect(left, y - 10.5, x(startMs), y + 10.5, { fill: "var(--ink)", title });
    }),
    chart.marks("work", rows, ({ name, colour, startMs, runMs, endMs, y }) => {
      const title = `${name}: ${formatDuration(runMs)} of work`;
      return chart.rect(x(startMs), y - 10.5, x(endMs), y + 10.5, { fill: colour, title });
    }),
    chart.marks("rounds", rows, ({ name, totals, y }) =>
      totals.map((ms) => {
        const title = `${name}: ${formatDuration(ms)} in all, in one round`;
        const look = { fill: "var(--paper)", stroke: "var(--ink)", title };
        return chart.dot(x(ms), y + 13, 2.6, look);
      })),
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

export function usageSection(models: readonly ModelResult[], id: string): Html {
  const figures = USAGES.map(({ id: kind, title, lead, of, format }) => {
    const bars = models.map(({ model, rounds }) => {
      const value = middle(rounds.map(of));
      return { ...chart.modelRow(model), value, words: format(value) };
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

type Distribution = { readonly model: string; readonly times: Sorted };

const DISTRIBUTIONS = [
  {
    since: "startedMs",
    of: "",
    title: "How long a task took",
    lead:
      "From its start on a lane to its end. The taller, the more tasks; the mark is the median, " +
      "the line spans the 5th to the 95th percentile.",
  },
  {
    since: "queuedMs",
    of: "-latency",
    title: "Latency: how long its caller waited",
    lead: "The same tasks counted from when they were queued: the wait for a slot included.",
  },
] as const;

/** Writes the distribution of task times, and also that of latency if the job waits. */
export function distributionSection({ models, verdict }: Comparison, id: string): Html {
  const waits = verdict?.bound === "io" || verdict?.bound === "mixed";
  const shown = DISTRIBUTIONS.slice(0, waits ? 2 : 1);
  return markup`${shown.map((one) => distribution(models, `${id}${one.of}`, one))}`;
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
  { since, title, lead }: typeof DISTRIBUTIONS[number],
): Html {
  const distributions = models.flatMap(({ model, timeline }): Distribution[] => {
    const values = timeline?.endedMs.map((ms, at) => ms - timeline[since][at]!)
      .filter((ms, at) => ms >= 0 && timeline.lane[at]! >= 0) ?? [];
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
/** In pixels from a row's top: the top of the highest bar, the bars' foot, and the line of percentiles. */
const BARS = { top: 5, foot: 33.5, line: 37 } as const;

/** An axis of times, logarithmic if the longest is more than 20 times the 1st percentile. */
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

function drawDistributions(title: string, distributions: readonly Distribution[], width: number) {
  const wide = chart.isWide(width);
  const [left, right] = [wide ? NAMES.wide : NAMES.narrow, width - (wide ? 198 : 92)];
  const scale = timesScale(distributions, [left, right]);
  const x = (ms: number) => scale(Math.max(scale.domain[0], ms));
  const bottom = 6 + distributions.length * BINS_HEIGHT;
  const bin = (right - left) / BINS;
  const bars = ({ model, times }: Distribution, top: number) => {
    const { name } = chart.modelRow(model);
    const counts = new Array<number>(BINS).fill(0);
    for (const ms of times) counts[Math.min(BINS - 1, Math.floor((x(ms) - left) / bin))]! += 1;
    const most = Math.max(...counts);
    return counts.map((count, at) => {
      if (count === 0) return undefined;
      const [from, to] = [left + at * bin, left + (at + 1) * bin];
      const range = [from, to].map((place) => formatDuration(scale.invert(place))).join(" to ");
      const height = Math.max(1, (BARS.foot - BARS.top) * count / most);
      return chart.rect(from, top + BARS.foot - height, to, top + BARS.foot, {
        title: `${name}: ${counted(count, "task")} took\n${range}`,
      });
    });
  };
  const ticks = chart.ticksOf(scale, wide ? 6 : 3);
  return chart.svg(width, bottom + 30, {
    title,
    description: distributions.map(({ model, times }) =>
      `${chart.modelRow(model).name}: median ${formatDuration(quantile(times, 0.5))}`
    ).join("; "),
  }, [
    chart.axis(scale, bottom, ticks),
    distributions.map((of, i) => {
      const { row, top } = { row: chart.modelRow(of.model), top: 6 + i * BINS_HEIGHT };
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
