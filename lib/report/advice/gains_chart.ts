/**
 * What each model was predicted to gain, and what it gained when it was raced.
 *
 * @module
 */

import { BASELINE } from "../../models.ts";
import * as Plot from "@observablehq/plot";
import type { Advice, ModelAdvice } from "../../advice/advice.ts";
import type { Machine } from "../../advice/prediction/machine.ts";
import { MODEL_HEADS, modelCells } from "./advice_words.ts";
import { figure, table } from "../html/figure.ts";
import { type Html, markup } from "../html/markup.ts";
import { plotToSvg, ratioAxis, ratioTick } from "../html/plot.ts";
import { modelColour } from "../html/style.ts";
import { counted, formatNumber, formatRatio, formatSpeedup } from "../../text/format.ts";
import type { Interval } from "../../timing/result.ts";

/** Advice has fewer models; an edited file may have more. */
const MOST_ROWS = 40;

/** The table of all models: what the chart shows, and what it can't. */
function modelsTable(advice: Advice): Html {
  return table(
    `Gains against sequential, for ${counted(advice.horizon, "item")}`,
    MODEL_HEADS.map((name, i) => ({ name, figures: i > 0 && i < 5 })),
    advice.models.map((model) => modelCells({ advice, model })),
  );
}

function shown(gain: number): boolean {
  return gain > 0 && Number.isFinite(gain);
}

function rowOf(model: ModelAdvice, i: number, advice: Advice): GainRow {
  const chosen = model.name === advice.recommended.name;
  const plain = model.model === BASELINE;
  const gain = model.measured?.gain ?? null;
  return {
    key: String(i),
    name: model.name.slice(0, 34),
    colour: modelColour(model.model),
    remark: chosen ? "recommended" : modelCells({ advice, model }).at(-1)!,
    chosen,
    // The plain loop against itself is 1 by definition, whatever the noise.
    predicted: plain ? { median: 1, low: 1, high: 1 } : {
      median: model.predictedGain,
      low: model.predictedGainLow,
      high: model.predictedGainHigh,
    },
    measured: !plain && gain !== null && shown(gain.median) ? gain : null,
    plain,
  };
}

/** Writes the figure of predicted and measured gains. */
export function gainsFigure(advice: Advice, id: string): Html {
  // The plain loop is what the others are compared with; it has a row only where it is the advice.
  const rows = advice.models.map((model, i) => rowOf(model, i, advice))
    .filter(({ chosen, predicted, plain }) => shown(predicted.median) && (chosen || !plain));
  if (rows.every(({ plain }) => plain)) {
    return markup`<section id="${id}">${modelsTable(advice)}</section>`;
  }
  const raced = rows.some(({ measured }) => measured !== null);
  const { cores, ceiling } = advice.machine;
  const limit = ceiling < cores
    ? markup`The dashed line is the <b>ceiling</b>: what ${cores} independent processes that share
      nothing gain on this machine.`
    : markup`The dashed line is the number of cores.`;
  return figure({
    id,
    title: raced ? "What was predicted, and what was measured" : "What was predicted",
    lead: markup`Against one after the other, for ${counted(advice.horizon, "item")}. ${
      raced
        ? markup`<b>Bars</b> were measured, the fine line is the 95% interval; <b>circles</b>`
        : markup`<b>Circles</b>`
    } are predicted, with the prediction’s range. ${limit} It bounds computing; waiting
      takes no CPU.`,
    draw: (width) => drawGains(rows.slice(0, MOST_ROWS), advice.machine, width),
    note: rows.length > MOST_ROWS && `The first ${MOST_ROWS} models are drawn; the table has all.`,
    table: modelsTable(advice),
  });
}

const ROW_HEIGHT = 58;
/** Within a row: the bar's distance from its edges, and the prediction's from its middle. */
const BAR = { top: 21, bottom: 22, dy: -0.5 } as const;
const PREDICTED_DY = 17;

/** A model as it is drawn. */
interface GainRow {
  /** Unique in the chart, unlike a name in a file that may hold anything. */
  readonly key: string;
  /** The model with its size. */
  readonly name: string;
  /** The model's colour. */
  readonly colour: string;
  /** Recommended, not raced, or why it was taken out. */
  readonly remark: string;
  /** Whether it is the recommended one. */
  readonly chosen: boolean;
  /** Whether it is the plain loop, which all others are compared with. */
  readonly plain: boolean;
  /** Against sequential, as predicted, with the prediction's range. */
  readonly predicted: Interval;
  /** Against sequential, with its interval; null if it wasn't raced. */
  readonly measured: Interval | null;
}

/**
 * Draws the gains: of each model its name, a bar for what was measured, a circle for what was predicted.
 */
function drawGains(rows: readonly GainRow[], machine: Machine, width: number): string {
  const wide = width > 500;
  const { domain: [low, high], log, ticks } = ratioAxis(
    rows.flatMap(({ predicted, measured }) =>
      [predicted, measured ?? predicted].flatMap(({ median, low, high }) => [median, low, high])
    ).concat(machine.ceiling),
  );
  const clamped = (value: number) => Math.min(high, Math.max(low, value || low));
  const margin = { top: 26, left: 10, right: wide ? 150 : 134, bottom: 30 };
  const ceiling = clamped(machine.ceiling);
  const part = log
    ? Math.log(ceiling / low) / Math.log(high / low)
    : (ceiling - low) / (high - low);
  const measured = rows.flatMap(({ measured, ...row }) =>
    measured === null ? [] : [{
      ...row,
      median: clamped(measured.median),
      low: clamped(measured.low),
      high: clamped(measured.high),
      label: formatRatio(measured.median),
      range: `${formatNumber(measured.low)} to ${formatNumber(measured.high)}`,
      title: `${row.name}: ${formatSpeedup(measured)} measured`,
    }]
  );
  const predicted = rows.map(({ predicted, ...row }) => ({
    ...row,
    median: clamped(predicted.median),
    low: clamped(predicted.low),
    high: clamped(predicted.high),
    label: row.plain ? "1×, by definition" : `${formatRatio(predicted.median)} predicted`,
    title: row.plain
      ? "sequential: 1×, by definition"
      : `${row.name}: ${formatRatio(predicted.median)} predicted\nfrom ${
        formatRatio(predicted.low)
      } to ${formatRatio(predicted.high)}`,
  }));
  const end = ({ median, high }: Interval) => Math.max(median, high);
  const halo = {
    stroke: ({ chosen }: Pick<GainRow, "chosen">) => chosen ? "var(--panel)" : "var(--paper)",
    strokeWidth: 5,
  } as const;
  return plotToSvg({
    width,
    height: margin.top + rows.length * ROW_HEIGHT + margin.bottom,
    marginTop: margin.top,
    marginLeft: margin.left,
    marginRight: margin.right,
    marginBottom: margin.bottom,
    x: { type: log ? "log" : "linear", domain: [low, high], label: null },
    y: { type: "band", domain: rows.map(({ key }) => key), axis: null, padding: 0 },
    marks: [
      Plot.barX(rows.filter(({ chosen }) => chosen), {
        y: "key",
        x1: () => low,
        x2: () => high,
        fill: "var(--panel)",
        insetLeft: -margin.left,
        insetRight: -margin.right,
        className: "chosen",
      }),
      Plot.axisX({
        ticks: ticks(wide),
        tickSize: 4,
        text: ratioTick,
        label: null,
      }),
      Plot.ruleX([1], { stroke: "var(--ink)" }),
      Plot.ruleX([ceiling], {
        stroke: "var(--bad)",
        strokeWidth: 1.5,
        strokeDasharray: "5 4",
        className: "ceiling",
      }),
      Plot.text([ceilingWords(machine)], {
        x: [ceiling],
        frameAnchor: "top",
        textAnchor: part < 0.5 ? "start" : "end",
        dx: part < 0.5 ? -8 : 8,
        dy: -14,
        fill: "var(--bad)",
        className: "strong",
      }),
      Plot.text(rows, {
        y: "key",
        text: "name",
        frameAnchor: "left",
        dx: 5,
        dy: -19,
        fill: "colour",
        className: "strong",
        ...halo,
      }),
      Plot.text(rows, {
        y: "key",
        text: "remark",
        frameAnchor: "right",
        textAnchor: "end",
        dx: margin.right - 6,
        dy: -19,
        fill: (row) => row.chosen ? "var(--ink)" : "var(--soft)",
        className: "remark",
        ...halo,
      }),
      Plot.barX(measured, {
        y: "key",
        x1: 1,
        x2: "median",
        insetTop: BAR.top,
        insetBottom: BAR.bottom,
        fill: "colour",
        title: "title",
        className: "gain",
      }),
      Plot.ruleY(measured, {
        y: "key",
        x1: "low",
        x2: "high",
        dy: BAR.dy,
        stroke: "var(--ink)",
        strokeWidth: 1.5,
      }),
      Plot.ruleY(predicted, {
        y: "key",
        x1: "low",
        x2: "high",
        dy: PREDICTED_DY,
        stroke: "colour",
        strokeWidth: 1.5,
        className: "range",
      }),
      Plot.dot(predicted, {
        y: "key",
        x: "median",
        dy: PREDICTED_DY,
        r: 4,
        fill: "var(--paper)",
        stroke: "colour",
        strokeWidth: 1.8,
        title: "title",
        className: "predicted",
      }),
      Plot.text(measured, {
        y: "key",
        x: (row) => Math.max(1, end(row)),
        text: "label",
        textAnchor: "start",
        dx: 8,
        className: "strong",
        fill: "var(--ink)",
        ...halo,
      }),
      Plot.text(measured, {
        y: "key",
        x: (row) => Math.max(1, end(row)),
        text: "range",
        textAnchor: "start",
        dx: 54,
        fill: "var(--soft)",
        ...halo,
      }),
      Plot.text(predicted, {
        y: "key",
        x: end,
        text: "label",
        textAnchor: "start",
        dx: 8,
        dy: PREDICTED_DY,
        fill: "var(--soft)",
        ...halo,
      }),
    ],
  }, {
    title: "Predicted and measured gains",
    description: `${
      rows.map(({ name, predicted, measured, remark }) =>
        `${name}: ${formatRatio(predicted.median)} predicted${
          measured === null ? "" : `, ${formatSpeedup(measured)} measured`
        }${remark === "" ? "" : ` (${remark})`}`
      ).join("; ")
    }. ${ceilingWords(machine)}.`,
  });
}

/** A ceiling that wasn't measured, as for jobs that wait, is the number of cores. */
function ceilingWords({ cores, ceiling }: Machine): string {
  return ceiling < cores
    ? `ceiling ${formatRatio(ceiling)}`
    : `${cores} core${cores === 1 ? "" : "s"}`;
}
