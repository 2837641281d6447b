/** A chart of how much faster each model is than sequential, as measured and as predicted. */

import { formatEnds, formatRatio, formatSpeedup } from "../../text/format.ts";
import type { Interval } from "../../timing/result.ts";
import type { Html } from "./markup.ts";
import * as chart from "./svg.ts";

export interface GainRow {
  readonly name: string;
  readonly colour: string;
  /** A remark at the end of the row, or in place of the interval if nothing was predicted. */
  readonly remark: string;
  readonly chosen?: boolean;
  /** Null if it wasn't measured. */
  readonly measured: Interval | null;
  /** The predicted gain with its range; null if nothing was predicted. */
  readonly predicted: Interval | null;
  /** A label in place of the prediction's, for a gain that is known without one. */
  readonly predictedWords?: string;
}

export type GainLimit = { readonly ratio: number; readonly words: string };

const TOP = 26;
const LEFT = 10;
/** The places of a row's name, bar and prediction, in pixels from its top, and the heights of rows. */
const ROW = { name: 10, barTop: 21, barEnd: 36, predicted: 46, height: 44, heightPredicted: 58 };
/** An interval's end is drawn up to this many times above the greatest or below the least median. */
const FARTHEST_END = 5;
/** If the axis spans more than this ratio it is logarithmic: a linear one would hide the smaller gains. */
const LINEAR_UP_TO = 10;

/** The ends of an axis that includes the rows' ratios, the limit, and 1. */
function axisEnds(rows: readonly GainRow[], limit: GainLimit | undefined): [number, number] {
  const intervals = rows.flatMap(({ predicted, measured }) => [predicted ?? [], measured ?? []])
    .flat();
  const ratios = [...intervals.map(({ median }) => median), limit?.ratio ?? 1, 1]
    .filter((ratio) => ratio > 0);
  // An interval's end that is extremely small or large would leave no room for the rest.
  const [least, most] = [Math.min(...ratios) / FARTHEST_END, Math.max(...ratios) * FARTHEST_END];
  const ends = intervals.flatMap(({ low, high }) => [Math.max(least, low), Math.min(most, high)]);
  const all = [...ratios, ...ends].filter((value) => value > 0);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  return [low < 1 ? low * 0.9 : 1, high > 1 ? high * 1.02 : 1.1];
}

export function isLogarithmic(rows: readonly GainRow[], limit: GainLimit | undefined): boolean {
  const [low, high] = axisEnds(rows, limit);
  return high / low > LINEAR_UP_TO;
}

function describe(rows: readonly GainRow[], limit: GainLimit | undefined): string {
  const told = rows.map(({ name, predicted, measured, remark }) => {
    const gains = [
      ...(predicted === null ? [] : [`${formatRatio(predicted.median)} predicted`]),
      ...(measured === null ? [] : [`${formatSpeedup(measured)} measured`]),
    ];
    return `${name}: ${gains.join(", ")}${remark === "" ? "" : ` (${remark})`}`;
  });
  return told.join("; ") + (limit === undefined ? "" : `. ${limit.words}.`);
}

/** Rows with their tops, and the halo that keeps their words readable above lines. */
function placed(rows: readonly GainRow[], height: number) {
  return rows.map((row, i) => {
    const halo = row.chosen ? { ...chart.HALO, stroke: "var(--panel)" } : chart.HALO;
    return { ...row, top: TOP + i * height, halo };
  });
}

type PlacedRow = ReturnType<typeof placed>[number];

/** For each measured row: a bar from 1 to the median, the interval, and both in figures. */
function measuredMarks(rows: readonly PlacedRow[], x: (ratio: number) => number, wide: boolean) {
  const measured = rows.flatMap(({ measured, ...row }) =>
    measured === null ? [] : [{ ...row, ...measured, y: row.top + (ROW.barTop + ROW.barEnd) / 2 }]
  );
  return {
    bars: chart.marks("gain", measured, ({ name, colour, top, ...of }) => {
      const [from, to] = [x(1), x(of.median)].sort((a, b) => a - b) as [number, number];
      const title = `${name}: ${formatSpeedup(of)} measured`;
      return chart.rect(from, top + ROW.barTop, to, top + ROW.barEnd, { fill: colour, title });
    }),
    intervals: measured.map(({ low, high, y }) => chart.line(x(low), y, x(high), y, chart.FINE)),
    words: measured.map(({ median, low, high, y, remark, predicted, halo }) => {
      const behind = Math.max(x(1), x(median), x(high));
      const range = formatEnds({ low, high }, { to: " to " });
      const detail = predicted === null && remark !== "" && wide ? remark : range;
      return [
        chart.text(formatRatio(median), behind + 8, y, { ...halo, ...chart.STRONG }),
        chart.text(detail, behind + 54, y, { ...halo, ...chart.SOFT }),
      ];
    }),
  };
}

/** For each predicted row: a circle at the prediction, its range, and its label. */
function predictedMarks(rows: readonly PlacedRow[], x: (ratio: number) => number) {
  const predicted = rows.flatMap(({ predicted, predictedWords, ...row }) => {
    if (predicted === null) return [];
    const label = predictedWords ?? `${formatRatio(predicted.median)} predicted`;
    const range = `\nfrom ${formatRatio(predicted.low)} to ${formatRatio(predicted.high)}`;
    const title = `${row.name}: ${label}${predictedWords === undefined ? range : ""}`;
    return [{ ...row, ...predicted, y: row.top + ROW.predicted, label, title }];
  });
  return {
    ranges: predicted.map(({ low, high, y, colour }) =>
      chart.line(x(low), y, x(high), y, { ...chart.FINE, stroke: colour })
    ),
    circles: chart.marks(
      "predicted",
      predicted,
      ({ median, y, colour: stroke, title }) =>
        chart.dot(x(median), y, 4, { fill: "var(--paper)", stroke, strokeWidth: 1.8, title }),
    ),
    words: predicted.map(({ median, high, y, label, halo }) =>
      chart.text(label, Math.max(x(median), x(high)) + 8, y, { ...halo, ...chart.SOFT })
    ),
  };
}

/** Draws each model's name, a bar for its measured gain, and a circle for its predicted gain. */
export function drawGains(
  rows: readonly GainRow[],
  limit: GainLimit | undefined,
  title: string,
  width: number,
): Html {
  const wide = chart.isWide(width);
  const height = rows.some(({ predicted }) => predicted) ? ROW.heightPredicted : ROW.height;
  const end = width - (wide ? 204 : 134);
  const bottom = TOP + rows.length * height;
  const ends = axisEnds(rows, limit);
  const place = chart.scale(ends, [LEFT, end], isLogarithmic(rows, limit));
  // A ratio beyond the axis is placed at its end.
  const x = (ratio: number) => place(Math.min(ends[1], Math.max(ends[0], ratio || ends[0])));
  const drawn = placed(rows, height);
  const measured = measuredMarks(drawn, x, wide);
  const predicted = predictedMarks(drawn, x);
  const most = wide ? 12 : 5;
  const ticks = place.isLog ? chart.ticksOf(place, most) : chart.ticksOf(place, wide ? 6 : 3);
  return chart.svg(width, bottom + 30, { title, description: describe(rows, limit) }, [
    chart.marks(
      "chosen",
      drawn.filter(({ chosen }) => chosen),
      ({ top }) => chart.rect(0, top, width, top + height, { fill: "var(--panel)" }),
    ),
    chart.axis(place, bottom, ticks, (ratio) => `${Number(ratio.toPrecision(3))}×`),
    chart.line(x(1), TOP, x(1), bottom),
    limit && limitMarks(limit, x(limit.ratio), (LEFT + end) / 2, bottom),
    drawn.map(({ name, colour, top, halo }) =>
      chart.text(name, LEFT + 5, top + ROW.name, { ...halo, fill: colour, ...chart.STRONG })
    ),
    chart.marks("remark", drawn.filter(({ predicted }) => predicted), (row) => {
      const fill = row.chosen ? "var(--ink)" : "var(--soft)";
      const look = { ...row.halo, textAnchor: "end", fill };
      return chart.text(row.remark, width - 6, row.top + ROW.name, look);
    }),
    ...[measured.bars, measured.intervals, predicted.ranges, predicted.circles],
    ...[measured.words, predicted.words],
  ]);
}

/** The line of the limit, with its label on the side that has room. */
function limitMarks({ words }: GainLimit, at: number, middle: number, bottom: number): Html[] {
  const isLeft = at < middle;
  return [
    chart.line(at, TOP, at, bottom, { ...chart.LIMIT, strokeDasharray: "5 4", class: "ceiling" }),
    chart.text(words, at + (isLeft ? -8 : 8), TOP - 14, {
      textAnchor: isLeft ? "start" : "end",
      fill: "var(--bad)",
      ...chart.STRONG,
    }),
  ];
}
