/**
 * What each model took: starting its lanes against the work they did, CPU time, memory, and how long each
 * task took, as distributions of all their times.
 */

import * as Plot from "@observablehq/plot";
import { formatBytes, formatCount, formatDuration, middle } from "../../text/format.ts";
import type { Comparison, ModelResult, Round, Timeline } from "../../timing/result.ts";
import { quantile, type Sorted, sorted } from "../../timing/statistics.ts";
import { hasStarted } from "../slots.ts";
import { figure } from "../html/figure.ts";
import { htmlTable } from "../table.ts";
import { type Html, markup } from "../html/markup.ts";
import {
  BESIDE,
  drawBars,
  FINE,
  isWide,
  modelRow,
  plotToSvg,
  rowChart,
  rowNames,
  SOFTLY,
  timeAxis,
  timeTicks,
} from "../html/plot.ts";

const ROW_HEIGHT = 36;
/** More dots than this on a line can't be told apart. */
const MAX_DOTS = 100;

function measuredIn({ models }: Comparison): ModelResult[] {
  return models.filter(({ rounds }) => rounds.length > 0);
}

export function startupSection(comparison: Comparison, id: string): Html {
  const models = measuredIn(comparison);
  if (models.length === 0) return markup``;
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

function drawStartup(models: readonly ModelResult[], width: number): string {
  const wide = isWide(width);
  const rows = models.map(({ model, rounds }) => {
    const [startMs, runMs] = [
      middle(rounds.map(({ startMs }) => startMs)),
      middle(rounds.map(({ runMs }) => runMs)),
    ];
    const totals = rounds.slice(0, MAX_DOTS).map(({ wallMs }) => wallMs);
    const endMs = startMs + runMs;
    return {
      ...modelRow(model),
      startMs,
      runMs,
      endMs,
      totals,
      mostMs: Math.max(endMs, ...totals),
    };
  });
  const axisMs = Math.max(1e-3, ...rows.map(({ mostMs }) => mostMs));
  return rowChart({
    width,
    rows: rows.map(({ name }) => name),
    rowHeight: ROW_HEIGHT,
    padding: 0.42,
    margins: { top: 4, right: wide ? 190 : 96, bottom: 26, left: wide ? 92 : 86 },
    x: { domain: [0, axisMs] },
    marks: [
      timeAxis(timeTicks(axisMs, wide ? 6 : 3)),
      Plot.barX(rows, {
        y: "name",
        x1: 0,
        x2: "startMs",
        fill: "var(--ink)",
        title: ({ name, startMs }) => `${name}: ${formatDuration(startMs)} to start`,
        className: "startup",
      }),
      Plot.barX(rows, {
        y: "name",
        x1: "startMs",
        x2: "endMs",
        fill: "colour",
        title: ({ name, runMs }) => `${name}: ${formatDuration(runMs)} of work`,
        className: "work",
      }),
      Plot.dot(rows.flatMap(({ name, totals }) => totals.map((ms) => ({ name, ms }))), {
        y: "name",
        x: "ms",
        r: 2.6,
        fill: "var(--paper)",
        stroke: "var(--ink)",
        dy: ROW_HEIGHT * 0.36,
        title: ({ name, ms }) => `${name}: ${formatDuration(ms)} in all, in one round`,
      }),
      rowNames(rows),
      Plot.text(rows, {
        y: "name",
        x: wide ? "endMs" : "mostMs",
        text: ({ endMs }) => formatDuration(endMs),
        ...BESIDE,
      }),
      wide
        ? Plot.text(rows, {
          y: "name",
          x: "endMs",
          text: ({ startMs }) => `${formatDuration(startMs)} to start`,
          ...SOFTLY,
          dx: 70,
        })
        : null,
    ],
  }, {
    title: "Start-up against work",
    description: rows.map(({ name, startMs, runMs }) =>
      `${name}: ${formatDuration(startMs)} to start, ${formatDuration(runMs)} of work`
    ).join("; "),
  });
}

/** What is told of a model's rounds in one bar. */
interface Usage {
  readonly id: string;
  readonly title: string;
  readonly lead: string;
  readonly of: (round: Round) => number;
  readonly format: (value: number) => string;
}

const USAGES: readonly Usage[] = [
  {
    id: "cpu",
    title: "CPU time",
    lead: "Of the process, its threads and its subprocesses; the median round.",
    of: ({ cpuMs }) => cpuMs,
    format: formatDuration,
  },
  {
    id: "memory",
    title: "Peak memory",
    lead: "Of the process and each of its subprocesses; the median round.",
    of: ({ peakRssBytes }) => peakRssBytes,
    format: formatBytes,
  },
];

export function usageSection(comparison: Comparison, id: string): Html {
  const models = measuredIn(comparison);
  if (models.length === 0) return markup``;
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
      draw: (width) => drawBars(bars, { title, width, left: 86 }),
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

interface Timed {
  readonly title: string;
  readonly lead: string;
  readonly of: (timeline: Timeline, at: number) => number;
}

const IN_FLIGHT: Timed = {
  title: "How long a task took",
  lead:
    "From its start on a lane to its end. The taller, the more tasks; the mark is the median, " +
    "the line spans the 5th to the 95th percentile.",
  of: (timeline, at) => timeline.endedMs[at]! - timeline.startedMs[at]!,
};

const LATENCY: Timed = {
  title: "Latency: how long its caller waited",
  lead: "The same tasks counted from when they were queued: the wait for a slot included.",
  of: (timeline, at) => timeline.endedMs[at]! - timeline.queuedMs[at]!,
};

/** Writes the distribution of task times, and for jobs that wait that of latency too. */
export function distributionSection(comparison: Comparison, id: string): Html {
  const waits = comparison.verdict?.bound === "io" || comparison.verdict?.bound === "mixed";
  return markup`${distribution(comparison, IN_FLIGHT, id)}${
    waits && distribution(comparison, LATENCY, `${id}-latency`)
  }`;
}

const SHARES = {
  "5th percentile": 0.05,
  median: 0.5,
  "95th percentile": 0.95,
  "99th percentile": 0.99,
  longest: 1,
};

function distribution({ models }: Comparison, { title, lead, of }: Timed, id: string): Html {
  const distributions = models.flatMap(({ model, timeline }): Distribution[] => {
    const values = (timeline?.index ?? []).flatMap((_, at) => {
      const value = hasStarted(timeline!, at) ? of(timeline!, at) : NaN;
      return value >= 0 ? [value] : [];
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

/** The axis of times: logarithmic where the longest takes many times what the shortest does. */
function axisOf(distributions: readonly Distribution[]): { low: number; x: Plot.ScaleOptions } {
  const high = Math.max(...distributions.map(({ times }) => times.at(-1)!), 1e-3);
  const least = Math.min(...distributions.map(({ times }) => quantile(times, 0.01)));
  const log = high / Math.max(least, 1e-3) > 20;
  const low = log ? Math.max(least * 0.8, high / 1e6, 1e-3) : least < high * 0.4 ? 0 : least * 0.9;
  return { low, x: { type: log ? "log" : "linear", domain: [low, high] } };
}

const BINS = 64;
const BINS_HEIGHT = 44;
/** Bars are as high as this share of a row at most; below them lies the line of the percentiles. */
const BARS = { bottom: 0.24, top: 0.88, least: 0.02 } as const;

function drawDistributions(
  title: string,
  distributions: readonly Distribution[],
  width: number,
): string {
  const wide = isWide(width);
  const { low, x } = axisOf(distributions);
  const bins = Plot.scale({ x: { ...x, range: [0, BINS] } })!;
  const rows = distributions.map(({ model, times }, i) => {
    const at = (share: number) => quantile(times, share);
    // A file's models may share a name.
    return {
      ...modelRow(model),
      row: i,
      times,
      p5: Math.max(low, at(0.05)),
      median: at(0.5),
      p95: at(0.95),
    };
  });
  const bars = rows.flatMap(({ name, colour, row, times }) => {
    const counts = new Array<number>(BINS).fill(0);
    for (const ms of times) {
      counts[Math.min(BINS - 1, Math.floor(bins.apply(Math.max(low, ms))))]! += 1;
    }
    const most = Math.max(...counts);
    return counts.flatMap((count, bin) => {
      const [from, to] = [bins.invert!(bin), bins.invert!(bin + 1)] as [number, number];
      const range = `${formatDuration(from)} to ${formatDuration(to)}`;
      return count === 0 ? [] : [{
        row,
        colour,
        from,
        to,
        top: BARS.bottom + Math.max(BARS.least, (BARS.top - BARS.bottom) * count / most),
        title: `${name}: ${formatCount(count)} tasks took\n${range}`,
      }];
    });
  });
  const beside = { fy: "row", frameAnchor: "right", textAnchor: "start", dy: 4 } as const;
  return plotToSvg({
    width,
    height: 6 + rows.length * BINS_HEIGHT + 30,
    marginTop: 6,
    marginLeft: wide ? 92 : 86,
    marginRight: wide ? 198 : 92,
    marginBottom: 30,
    x: { ...x, label: null },
    y: { domain: [0, 1], axis: null },
    fy: { domain: rows.map(({ row }) => row), axis: null, padding: 0 },
    marks: [
      timeAxis(wide ? 6 : 3),
      Plot.rect(bars, {
        fy: "row",
        x1: "from",
        x2: "to",
        y1: BARS.bottom,
        y2: "top",
        fill: "colour",
        fillOpacity: 0.55,
        title: "title",
        className: "times",
      }),
      Plot.ruleY(rows, {
        fy: "row",
        y: 0.16,
        x1: "p5",
        x2: ({ p95 }) => Math.max(low, p95),
        stroke: "colour",
        strokeWidth: 2,
      }),
      Plot.ruleX(rows, {
        fy: "row",
        x: ({ median }) => Math.max(low, median),
        y1: 0.1,
        y2: BARS.top,
        ...FINE,
      }),
      rowNames(rows, { fy: "row" }),
      Plot.text(rows, {
        ...beside,
        text: ({ median }) => formatDuration(median),
        dx: 10,
        className: "strong",
      }),
      wide
        ? Plot.text(rows, {
          ...beside,
          text: ({ p95 }) => `95% under ${formatDuration(p95)}`,
          dx: 72,
          fill: "var(--soft)",
        })
        : null,
    ],
  }, {
    title,
    description: rows.map(({ name, median }) => `${name}: median ${formatDuration(median)}`)
      .join("; "),
  });
}
