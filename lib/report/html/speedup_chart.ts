/**
 * How much faster each model was than sequential, with intervals and this machine's ceiling.
 *
 * @module
 */

import { BASELINE } from "../../models.ts";
import * as Plot from "@observablehq/plot";
import type { Comparison, Interval } from "../../timing/result.ts";
import { formatNumber, formatRatio, formatSpeedup } from "../../text/format.ts";
import { figure, table } from "./figure.ts";
import { type Html, markup } from "./markup.ts";
import { modelColour } from "./style.ts";
import { plotToSvg, type RatioAxis, ratioAxis, ratioTick } from "./plot.ts";

interface Gain {
  readonly model: string;
  readonly speedup: Interval;
  readonly words: string;
}

const ROW_HEIGHT = 34;

/** Writes the speedup figure of a comparison. */
export function speedupSection(comparison: Comparison, id: string): Html {
  const ceiling = comparison.ceiling && comparison.ceiling.speedup > 0
    ? comparison.ceiling.speedup
    : undefined;
  const gains = comparison.models.flatMap(({ model, speedup }): Gain[] =>
    model !== BASELINE && speedup !== null && speedup.median > 0
      ? [{ model, speedup, words: gainWords(speedup, ceiling) }]
      : []
  );
  if (gains.length === 0) {
    return markup`
      <figure id="${id}">
        <h3>Speedup</h3>
        <p class="lead">No speedup is shown: ${
      comparison.agree
        ? "there is no sequential run to compare with."
        : "the models’ results differ, so they did not do the same work."
    }</p>
      </figure>
    `;
  }
  const axis = ratioAxis(
    gains.flatMap(({ speedup: { median, low, high } }) => [median, low, high])
      .concat(ceiling ?? 1),
  );
  return figure({
    id,
    title: "How much faster than one after the other",
    lead:
      markup`Bars begin at 1×, the time of <b>sequential</b>; the fine line is the 95% interval. ${
        ceiling !== undefined &&
        markup`The dashed line is the <b>ceiling</b>: what ${
          comparison.ceiling!.lanes
        } independent processes
        that share nothing gain on this machine.`
      } ${axis.log && "The axis is logarithmic: each step to the right multiplies."}`,
    draw: (width) => drawGains(gains, ceiling, axis, width),
    table: table(
      "Speedup against sequential",
      [
        { name: "model" },
        { name: "median", figures: true },
        { name: "low", figures: true },
        { name: "high", figures: true },
        { name: "in words" },
      ],
      gains.map(({ model, speedup: { median, low, high }, words }) => [
        model,
        formatRatio(median),
        formatRatio(low),
        formatRatio(high),
        words,
      ]),
    ),
  });
}

function gainWords({ low, high, median }: Interval, ceiling: number | undefined): string {
  if (low <= 1 && high >= 1) return "no detectable difference";
  if (median < 1) return "slower";
  return ceiling !== undefined && low > ceiling ? "above the ceiling" : "";
}

function drawGains(
  gains: readonly Gain[],
  ceiling: number | undefined,
  { domain: [low, high], log, ticks }: RatioAxis,
  width: number,
): string {
  const wide = width > 500;
  const right = wide ? 190 : 118, left = wide ? 92 : 86;
  const top = ceiling === undefined ? 6 : 24;
  const clamped = (value: number) => Math.min(high, Math.max(low, value));
  const rows = gains.map(({ model, speedup, words }) => ({
    model: model.slice(0, 24),
    median: clamped(speedup.median),
    low: clamped(speedup.low),
    high: clamped(speedup.high),
    label: formatRatio(speedup.median),
    detail: words !== "" && wide
      ? words
      : `${formatNumber(speedup.low)} to ${formatNumber(speedup.high)}`,
    colour: modelColour(model),
    title: `${model}: ${formatSpeedup(speedup)}${words === "" ? "" : `\n${words}`}`,
  }));
  return plotToSvg({
    width,
    height: top + rows.length * ROW_HEIGHT + 30,
    marginTop: top,
    marginLeft: left,
    marginRight: right,
    marginBottom: 30,
    x: { type: log ? "log" : "linear", domain: [low, high], label: null },
    y: { domain: rows.map(({ model }) => model), axis: null, padding: 0.36 },
    marks: [
      Plot.axisX({
        ticks: ticks(wide),
        tickSize: 4,
        text: ratioTick,
        label: null,
      }),
      ...rows.flatMap((row) => [
        Plot.barX([row], {
          y: "model",
          x1: 1,
          x2: "median",
          fill: row.colour,
          title: "title",
          className: "gain",
        }),
        Plot.text([row], {
          y: "model",
          text: "model",
          frameAnchor: "left",
          dx: -10,
          textAnchor: "end",
          fill: row.colour,
          className: "strong",
        }),
      ]),
      Plot.ruleY(rows, {
        y: "model",
        x1: "low",
        x2: "high",
        stroke: "var(--ink)",
        strokeWidth: 1.5,
      }),
      Plot.tickX(rows, { y: "model", x: "low", stroke: "var(--ink)", inset: 6 }),
      Plot.tickX(rows, { y: "model", x: "high", stroke: "var(--ink)", inset: 6 }),
      Plot.ruleX([1], { stroke: "var(--ink)" }),
      ...(ceiling === undefined ? [] : [
        Plot.ruleX([clamped(ceiling)], {
          stroke: "var(--bad)",
          strokeWidth: 1.5,
          strokeDasharray: "5 4",
          className: "ceiling",
        }),
        Plot.text([`ceiling ${formatRatio(ceiling)}`], {
          x: [clamped(ceiling)],
          frameAnchor: "top",
          dy: -14,
          fill: "var(--bad)",
          className: "strong",
        }),
      ]),
      Plot.text(rows, {
        y: "model",
        x: (row) => Math.max(row.high, row.median, 1),
        text: "label",
        textAnchor: "start",
        dx: 8,
        className: "strong",
        fill: "var(--ink)",
        stroke: "var(--paper)",
        strokeWidth: 5,
      }),
      Plot.text(rows, {
        y: "model",
        x: (row) => Math.max(row.high, row.median, 1),
        text: "detail",
        textAnchor: "start",
        dx: 52,
        fill: "var(--soft)",
        stroke: "var(--paper)",
        strokeWidth: 5,
      }),
    ],
  }, {
    title: "Speedup against sequential",
    description: gains.map(({ model, speedup }) => `${model} ${formatSpeedup(speedup)}`).join("; "),
  });
}
