/**
 * How much faster models are than one after the other: as measured, with intervals, and as predicted,
 * with what this machine can give at most.
 */

import * as Plot from "@observablehq/plot";
import { BASELINE } from "../../models.ts";
import { formatNumber, formatRatio, formatSpeedup } from "../../text/format.ts";
import type { Comparison, Interval } from "../../timing/result.ts";
import { figure } from "./figure.ts";
import { htmlTable } from "../table.ts";
import { type Html, markup } from "./markup.ts";
import {
  BESIDE,
  FINE,
  isWide,
  LIMIT,
  modelRow,
  type RatioAxis,
  ratioAxis,
  rowChart,
  SOFTLY,
} from "./plot.ts";

export interface GainRow {
  readonly name: string;
  readonly colour: string;
  /** What is said of it: at the end of its row, or in place of the interval if nothing was predicted. */
  readonly remark: string;
  readonly chosen?: boolean;
  /** Null if it wasn't measured. */
  readonly measured: Interval | null;
  /** Its range is the prediction's; null if nothing was predicted. */
  readonly predicted: Interval | null;
  /** What is said of the prediction, if it isn't one. */
  readonly predictedWords?: string;
}

/** What the gains of computing can't go beyond. */
export interface GainLimit {
  readonly ratio: number;
  readonly words: string;
}

/** Within a row: the bar's distance from its edges, and the prediction's from its middle. */
const ROW = {
  measured: { rowHeight: 44, insetTop: 21, insetBottom: 8, dy: 6.5, nameDy: -12 },
  predicted: { rowHeight: 58, insetTop: 21, insetBottom: 22, dy: -0.5, nameDy: -19 },
} as const;
const PREDICTED_DY = 17;
/** An interval's end is drawn up to so many times beyond the medians. */
const FARTHEST_END = 5;

function axisOf(rows: readonly GainRow[], limit: GainLimit | undefined): RatioAxis {
  const intervals = rows.flatMap(({ predicted, measured }) => [predicted ?? [], measured ?? []])
    .flat();
  const ratios = [...intervals.map(({ median }) => median), limit?.ratio ?? 1, 1]
    .filter((ratio) => ratio > 0);
  // An end that is next to nothing, or to everything, would leave no room for the rest.
  const [least, most] = [Math.min(...ratios) / FARTHEST_END, Math.max(...ratios) * FARTHEST_END];
  const ends = intervals.flatMap(({ low, high }) => [Math.max(least, low), Math.min(most, high)]);
  return ratioAxis([...ratios, ...ends]);
}

/** Draws of each model its name, a bar for what was measured, a circle for what was predicted. */
export function drawGains(
  rows: readonly GainRow[],
  limit: GainLimit | undefined,
  title: string,
  width: number,
): string {
  const { rowHeight, insetTop, insetBottom, dy, nameDy } =
    rows.some(({ predicted }) => predicted !== null) ? ROW.predicted : ROW.measured;
  const margins = { top: 26, left: 10, right: isWide(width) ? 204 : 134, bottom: 30 };
  const axis = axisOf(rows, limit);
  const [low, high] = axis.x.domain;
  // Names in a file that may hold anything needn't be unique.
  const keyed = rows.map((row, i) => ({ ...row, key: String(i) }));
  const within = (of: Interval) => {
    const [median, low, high] = [of.median, of.low, of.high].map(axis.clamped);
    return { median, low, high, end: Math.max(median!, high!) };
  };
  const measured = keyed.flatMap(({ measured, ...row }) => {
    if (measured === null) return [];
    const range = `${formatNumber(measured.low)} to ${formatNumber(measured.high)}`;
    const isAlone = row.predicted === null && row.remark !== "" && isWide(width);
    const title = `${row.name}: ${formatSpeedup(measured)} measured`;
    const label = formatRatio(measured.median);
    return [{ ...row, ...within(measured), label, detail: isAlone ? row.remark : range, title }];
  });
  const predicted = keyed.flatMap(({ predicted, predictedWords, ...row }) => {
    if (predicted === null) return [];
    const { median, low, high } = predicted;
    const label = predictedWords ?? `${formatRatio(median)} predicted`;
    const range = `\nfrom ${formatRatio(low)} to ${formatRatio(high)}`;
    const title = `${row.name}: ${label}${predictedWords === undefined ? range : ""}`;
    return [{ ...row, ...within(predicted), label, title }];
  });
  // Words lie upon lines, so that they have a halo.
  const text = <Row extends Pick<GainRow, "chosen">>(of: Row[], options: Plot.TextOptions) =>
    Plot.text(of, {
      y: "key",
      ...options,
      stroke: ({ chosen }: Row) => chosen ? "var(--panel)" : "var(--paper)",
      strokeWidth: 5,
    });
  const ends = { y: "key", x1: "low", x2: "high" } as const;
  const behind = { x: ({ end }: { readonly end: number }) => Math.max(1, end), dy } as const;
  return rowChart({
    width,
    rows: keyed.map(({ key }) => key),
    rowHeight,
    margins,
    x: axis.x,
    marks: [
      Plot.barX(keyed.filter(({ chosen }) => chosen), {
        y: "key",
        x1: () => low,
        x2: () => high,
        fill: "var(--panel)",
        insetLeft: -margins.left,
        insetRight: -margins.right,
        className: "chosen",
      }),
      axis.mark(width),
      Plot.ruleX([1], { stroke: "var(--ink)" }),
      ...limitMarks(limit, axis),
      text(keyed, {
        text: "name",
        frameAnchor: "left",
        dx: 5,
        dy: nameDy,
        fill: "colour",
        className: "strong",
      }),
      text(keyed.filter(({ predicted }) => predicted !== null), {
        text: "remark",
        frameAnchor: "right",
        textAnchor: "end",
        dx: margins.right - 6,
        dy: nameDy,
        fill: ({ chosen }: GainRow) => chosen ? "var(--ink)" : "var(--soft)",
        className: "remark",
      }),
      Plot.barX(measured, {
        y: "key",
        x1: 1,
        x2: "median",
        insetTop,
        insetBottom,
        fill: "colour",
        title: "title",
        className: "gain",
      }),
      Plot.ruleY(measured, { ...ends, dy, ...FINE }),
      Plot.ruleY(predicted, { ...ends, dy: PREDICTED_DY, ...FINE, stroke: "colour" }),
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
      text(measured, { ...behind, text: "label", ...BESIDE, fill: "var(--ink)" }),
      text(measured, { ...behind, text: "detail", ...SOFTLY, dx: 54 }),
      text(predicted, { x: "end", text: "label", ...SOFTLY, dx: 8, dy: PREDICTED_DY }),
    ],
  }, {
    title,
    description: rows.map(({ name, predicted, measured, remark }) => {
      const told = [
        ...(predicted === null ? [] : [`${formatRatio(predicted.median)} predicted`]),
        ...(measured === null ? [] : [`${formatSpeedup(measured)} measured`]),
      ];
      return `${name}: ${told.join(", ")}${remark === "" ? "" : ` (${remark})`}`;
    }).join("; ") + (limit === undefined ? "" : `. ${limit.words}.`),
  });
}

/** The line that computing can't go beyond, its words on the side that has room. */
function limitMarks(
  limit: GainLimit | undefined,
  { x: { type, domain: [low, high] }, clamped }: RatioAxis,
): Plot.Markish[] {
  if (limit === undefined) return [];
  const at = clamped(limit.ratio);
  const scale = type === "log" ? Math.log : (ratio: number) => ratio;
  const left = (scale(at) - scale(low)) / (scale(high) - scale(low)) < 0.5;
  return [
    Plot.ruleX([at], { ...LIMIT, className: "ceiling" }),
    Plot.text([limit.words], {
      x: [at],
      frameAnchor: "top",
      textAnchor: left ? "start" : "end",
      dx: left ? -8 : 8,
      dy: -14,
      fill: "var(--bad)",
      className: "strong",
    }),
  ];
}

export function speedupSection({ models, ceiling, agree }: Comparison, id: string): Html {
  const most = ceiling !== null && ceiling.speedup > 0 ? ceiling.speedup : undefined;
  const gains = models.flatMap(({ model, speedup }) =>
    model !== BASELINE && speedup !== null && speedup.median > 0
      ? [{ ...modelRow(model), speedup, words: gainWords(speedup, most) }]
      : []
  );
  if (gains.length === 0) {
    const why = agree
      ? "there is no sequential run to compare with."
      : "the models’ results differ, so they did not do the same work.";
    return markup`
      <figure id="${id}"><h3>Speedup</h3><p class="lead">No speedup is shown: ${why}</p></figure>
    `;
  }
  const rows = gains.map(({ speedup, words, ...row }) => ({
    ...row,
    remark: words,
    measured: speedup,
    predicted: null,
  }));
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
        axisOf(rows, limit).x.type === "log" &&
        "The axis is logarithmic: each step to the right multiplies."
      }`,
    draw: (width) => drawGains(rows, limit, "Speedup against sequential", width),
    table: htmlTable("Speedup against sequential", [
      { head: "model", cell: ({ name }) => name },
      { head: "median", cell: ({ speedup }) => formatRatio(speedup.median) },
      { head: "low", cell: ({ speedup }) => formatRatio(speedup.low) },
      { head: "high", cell: ({ speedup }) => formatRatio(speedup.high) },
      { head: "in words", left: true, cell: ({ words }) => words },
    ], gains),
  });
}

function gainWords({ low, high, median }: Interval, ceiling: number | undefined): string {
  if (low <= 1 && high >= 1) return "no detectable difference";
  if (median < 1) return "slower";
  return ceiling !== undefined && low > ceiling ? "above the ceiling" : "";
}
