/**
 * What each model used: CPU time and memory.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import type { Comparison, Round } from "../../timing/result.ts";
import { formatBytes, formatDuration, middle } from "../../text/format.ts";
import { figure } from "./figure.ts";
import { type Html, markup } from "./markup.ts";
import { modelColour } from "./palette.ts";
import { plotToSvg } from "./plot_to_svg.ts";
import { table } from "./table.ts";

const ROW_HEIGHT = 30;
const WIDTHS = { wide: 408, narrow: 328 };

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
      widths: WIDTHS,
      draw: (width) => drawBars(title, rows, format, width),
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

function drawBars(
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
    height: rows.length * ROW_HEIGHT + 8,
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
