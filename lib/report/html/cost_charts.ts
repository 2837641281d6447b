/**
 * What each model cost: starting its lanes against the work they did, CPU time, and memory.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import { formatBytes, formatDuration, middle } from "../../text/format.ts";
import type { Comparison, ModelResult, Round } from "../../timing/result.ts";
import { figure } from "./figure.ts";
import { htmlTable } from "../table.ts";
import { type Html, markup } from "./markup.ts";
import {
  BESIDE,
  drawBars,
  isWide,
  modelRow,
  rowChart,
  rowNames,
  SOFTLY,
  timeAxis,
  timeTicks,
} from "./plot.ts";

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
