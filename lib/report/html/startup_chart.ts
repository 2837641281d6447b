/**
 * What starting the lanes cost, against the work they did, round by round.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import type { Comparison, ModelResult } from "../../timing/result.ts";
import { formatDuration, middle } from "../../text/format.ts";
import { figure } from "./figure.ts";
import { type Html, markup } from "./markup.ts";
import { modelColour } from "./palette.ts";
import { plotToSvg } from "./plot_to_svg.ts";
import { table } from "./table.ts";
import { timeTicks } from "./time_axis.ts";

const ROW_HEIGHT = 36;
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
    draw: (width) => drawModels(models, width),
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

function drawModels(models: readonly ModelResult[], width: number): string {
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
    height: top + rows.length * ROW_HEIGHT + 28,
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
        tickFormat: (ms: number) => ms === 0 ? "0" : formatDuration(ms).replace(/\.0+ /, " "),
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
          dy: ROW_HEIGHT * 0.36,
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
