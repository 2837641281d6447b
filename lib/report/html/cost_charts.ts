/**
 * What each model cost: starting its lanes against the work they did, CPU time, and memory.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import { figure, table } from "./figure.ts";
import { type Html, markup } from "./markup.ts";
import { plotToSvg, timeTick, timeTicks } from "./plot.ts";
import { modelColour } from "./style.ts";
import { formatBytes, formatDuration, middle } from "../../text/format.ts";
import type { Comparison, ModelResult, Round } from "../../timing/result.ts";

const STARTUP_ROW_HEIGHT = 36;
/** More dots than this on a line can't be told apart. */
const MAX_DOTS = 100;

/** Writes the figure of start-up against work. */
export function startupSection(comparison: Comparison, id: string): Html {
  const models = comparison.models.filter(({ rounds }) => rounds.length > 0);
  if (models.length === 0) return markup``;
  const many = models.some(({ rounds }) => rounds.length > MAX_DOTS);
  return figure({
    id,
    title: "Start-up against work",
    lead: markup`
      The median time until every lane could take tasks, <b
        class="key start">start-up</b>, and from the first
            item to the last outcome, <b class="key work">work</b>. Each dot is one round’s total.
    `,
    draw: (width) => drawStartup(models, width),
    note: many && `Of each model the first ${MAX_DOTS} rounds have a dot; the medians are of all.`,
    table: table(
      "Every round",
      [
        { name: "model and round" },
        { name: "start-up", figures: true },
        { name: "work", figures: true },
        { name: "total", figures: true },
      ],
      models.flatMap(({ model, rounds }) =>
        rounds.slice(0, MAX_DOTS).map(({ round, startMs, runMs, wallMs }) => [
          `${model}, ${round}`,
          formatDuration(startMs),
          formatDuration(runMs),
          formatDuration(wallMs),
        ])
      ),
    ),
  });
}

function drawStartup(models: readonly ModelResult[], width: number): string {
  const wide = width > 500;
  const top = 4, left = wide ? 92 : 86, right = wide ? 190 : 96;
  const rows = models.map(({ model, rounds }) => ({
    model: model.slice(0, 24),
    startMs: middle(rounds.map(({ startMs }) => startMs)),
    runMs: middle(rounds.map(({ runMs }) => runMs)),
    colour: modelColour(model),
    rounds: rounds.slice(0, MAX_DOTS).map(({ wallMs }) => wallMs),
  }));
  const endMs = Math.max(
    1e-3,
    ...rows.map(({ startMs, runMs, rounds }) => Math.max(startMs + runMs, ...rounds)),
  );
  return plotToSvg({
    width,
    height: top + rows.length * STARTUP_ROW_HEIGHT + 28,
    marginTop: top,
    marginLeft: left,
    marginRight: right,
    marginBottom: 26,
    x: { domain: [0, endMs], label: null },
    y: { domain: rows.map(({ model }) => model), axis: null, padding: 0.42 },
    marks: [
      Plot.axisX({
        ticks: timeTicks(endMs, wide ? 6 : 3),
        tickSize: 4,
        label: null,
        tickFormat: timeTick,
      }),
      ...rows.flatMap((row) => [
        Plot.barX([row], {
          y: "model",
          x1: 0,
          x2: "startMs",
          fill: "var(--ink)",
          title: () => `${row.model}: ${formatDuration(row.startMs)} to start`,
          className: "startup",
        }),
        Plot.barX([row], {
          y: "model",
          x1: "startMs",
          x2: ({ startMs, runMs }) => startMs + runMs,
          fill: row.colour,
          title: () => `${row.model}: ${formatDuration(row.runMs)} of work`,
          className: "work",
        }),
        Plot.dot(row.rounds, {
          y: () => row.model,
          x: (ms) => ms,
          r: 2.6,
          fill: "var(--paper)",
          stroke: "var(--ink)",
          dy: STARTUP_ROW_HEIGHT * 0.36,
          title: (ms) => `${row.model}: ${formatDuration(ms)} in all, in one round`,
        }),
        Plot.text([row.model], {
          y: [row.model],
          frameAnchor: "left",
          textAnchor: "end",
          dx: -10,
          fill: row.colour,
          className: "strong",
        }),
      ]),
      Plot.text(rows, {
        y: "model",
        x: ({ startMs, runMs, rounds }) =>
          wide ? startMs + runMs : Math.max(startMs + runMs, ...rounds),
        text: ({ startMs, runMs }) => formatDuration(startMs + runMs),
        textAnchor: "start",
        dx: 8,
        className: "strong",
      }),
      ...(wide
        ? [Plot.text(rows, {
          y: "model",
          x: ({ startMs, runMs }) => startMs + runMs,
          text: ({ startMs }) => `${formatDuration(startMs)} to start`,
          textAnchor: "start",
          dx: 70,
          fill: "var(--soft)",
        })]
        : []),
    ],
  }, {
    title: "Start-up against work",
    description: rows.map(({ model, startMs, runMs }) =>
      `${model}: ${formatDuration(startMs)} to start, ${formatDuration(runMs)} of work`
    ).join("; "),
  });
}

const USAGE_ROW_HEIGHT = 30;
const USAGE_WIDTHS = { wide: 408, narrow: 328 };

/** Writes the figures of CPU time and of peak memory. */
export function usageSection(comparison: Comparison, id: string): Html {
  const models = comparison.models.filter(({ rounds }) => rounds.length > 0);
  if (models.length === 0) return markup``;
  const part = (
    name: string,
    title: string,
    lead: string,
    of: (round: Round) => number,
    format: (value: number) => string,
  ) => {
    const rows = models.map(({ model, rounds }) => ({ model, value: middle(rounds.map(of)) }));
    return figure({
      id: `${id}-${name}`,
      title,
      lead,
      widths: USAGE_WIDTHS,
      draw: (width) => drawUsage(title, rows, format, width),
      table: table(
        title,
        [{ name: "model" }, { name: "median", figures: true }],
        rows.map(({ model, value }) => [model, format(value)]),
      ),
    });
  };
  return markup`<div class="pair">${
    part(
      "cpu",
      "CPU time",
      "Of the process, its threads and its subprocesses; the median round.",
      ({ cpuMs }) => cpuMs,
      formatDuration,
    )
  }${
    part(
      "memory",
      "Peak memory",
      "Of the process and each of its subprocesses; the median round.",
      ({ peakRssBytes }) => peakRssBytes,
      formatBytes,
    )
  }</div>`;
}

function drawUsage(
  title: string,
  rows: readonly { model: string; value: number }[],
  format: (value: number) => string,
  width: number,
): string {
  const bars = rows.map(({ model, value }) => ({
    model: model.slice(0, 24),
    value,
    words: format(value),
    colour: modelColour(model),
  }));
  return plotToSvg({
    width,
    height: rows.length * USAGE_ROW_HEIGHT + 8,
    marginTop: 4,
    marginLeft: 86,
    marginRight: 74,
    marginBottom: 4,
    x: { domain: [0, Math.max(1e-9, ...bars.map(({ value }) => value || 0))], axis: null },
    y: { domain: bars.map(({ model }) => model), axis: null, padding: 0.36 },
    marks: [
      ...bars.flatMap((bar) => [
        Plot.barX([bar], {
          y: "model",
          x: "value",
          fill: bar.colour,
          title: ({ model, words }) => `${model}: ${words}`,
          className: "used",
        }),
        Plot.text([bar], {
          y: "model",
          text: "model",
          frameAnchor: "left",
          textAnchor: "end",
          dx: -10,
          fill: bar.colour,
          className: "strong",
        }),
      ]),
      Plot.text(bars, {
        y: "model",
        x: "value",
        text: "words",
        textAnchor: "start",
        dx: 8,
        className: "strong",
      }),
      Plot.ruleX([0], { stroke: "var(--ink)" }),
    ],
  }, { title, description: bars.map(({ model, words }) => `${model} ${words}`).join("; ") });
}
