/**
 * How long tasks took under each model, as distributions of all their times.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import type { Comparison, Timeline } from "../../timing/result.ts";
import { quantile, type Sorted, sorted } from "../../timing/statistics.ts";
import { formatCount, formatDuration } from "../../text/format.ts";
import { hasStarted } from "../slots.ts";
import { figure, table } from "./figure.ts";
import { type Html, markup } from "./markup.ts";
import { modelColour } from "./style.ts";
import { plotToSvg, timeTick } from "./plot.ts";

interface Distribution {
  readonly model: string;
  readonly times: Sorted;
}

interface Kind {
  readonly title: string;
  readonly lead: Html;
  readonly of: (timeline: Timeline, at: number) => number;
}

const IN_FLIGHT: Kind = {
  title: "How long a task took",
  lead:
    markup`From its start on a lane to its end. The taller, the more tasks; the mark is the median,
    the line spans the 5th to the 95th percentile.`,
  of: (timeline, at) => timeline.endedMs[at]! - timeline.startedMs[at]!,
};

const LATENCY: Kind = {
  title: "Latency: how long its caller waited",
  lead: markup`The same tasks counted from when they were queued: the wait for a slot included.`,
  of: (timeline, at) => timeline.endedMs[at]! - timeline.queuedMs[at]!,
};

const BINS = 64;
const ROW_HEIGHT = 44;

/** Writes the distribution of task times, and for jobs that wait that of latency too. */
export function distributionSection(comparison: Comparison, id: string): Html {
  const waits = comparison.verdict?.bound === "io" || comparison.verdict?.bound === "mixed";
  return markup`${distribution(comparison, IN_FLIGHT, id)}${
    waits && distribution(comparison, LATENCY, `${id}-latency`)
  }`;
}

function distribution(comparison: Comparison, kind: Kind, id: string): Html {
  const distributions = comparison.models.flatMap(({ model, timeline }): Distribution[] => {
    const values: number[] = [];
    timeline?.index.forEach((_, at) => {
      const value = hasStarted(timeline, at) ? kind.of(timeline, at) : NaN;
      if (value >= 0) values.push(value);
    });
    return values.length === 0 ? [] : [{ model, times: sorted(values) }];
  });
  if (distributions.length === 0) return markup``;
  const shares = [0.05, 0.5, 0.95, 0.99, 1];
  return figure({
    id,
    title: kind.title,
    lead: kind.lead,
    draw: (width) => drawDistributions(kind.title, distributions, width),
    table: table(
      kind.title,
      [
        { name: "model" },
        { name: "tasks", figures: true },
        ...["5th percentile", "median", "95th percentile", "99th percentile", "longest"]
          .map((name) => ({ name, figures: true })),
      ],
      distributions.map(({ model, times }) => [
        model,
        formatCount(times.length),
        ...shares.map((share) => formatDuration(quantile(times, share))),
      ]),
    ),
  });
}

/** Logarithmic where the longest takes many times what the shortest does. */
function scaleOf(
  distributions: readonly Distribution[],
): { log: boolean; low: number; high: number } {
  const high = Math.max(...distributions.map(({ times }) => times.at(-1)!), 1e-3);
  const low = Math.min(...distributions.map(({ times }) => quantile(times, 0.01)));
  const log = high / Math.max(low, 1e-3) > 20;
  if (log) return { log, low: Math.max(low * 0.8, high / 1e6, 1e-3), high };
  return { log, low: low < high * 0.4 ? 0 : low * 0.9, high };
}

function drawDistributions(title: string, distributions: readonly Distribution[], width: number) {
  const wide = width > 500;
  const { log, low, high } = scaleOf(distributions);
  const place = (value: number) => log ? Math.log(Math.max(value, low) / low) : value - low;
  const full = place(high) || 1;
  const at = (bin: number) => log ? low * Math.exp(full * bin / BINS) : low + full * bin / BINS;
  const top = 6, left = wide ? 92 : 86, right = wide ? 184 : 92;
  const marks = distributions.flatMap(({ model, times }, row) => {
    const base = top + (row + 1) * ROW_HEIGHT - 10;
    const counts = new Array<number>(BINS).fill(0);
    for (const value of times) {
      counts[Math.min(BINS - 1, Math.floor(place(value) / full * BINS))]! += 1;
    }
    const most = counts.reduce((most, count) => Math.max(most, count), 1);
    const colour = modelColour(model);
    const median = quantile(times, 0.5), p95 = quantile(times, 0.95);
    const bars = counts.flatMap((count, bin) =>
      count === 0 ? [] : [{
        x1: at(bin),
        x2: at(bin + 1),
        y1: base - Math.max(1, (ROW_HEIGHT - 16) * count / most),
        y2: base,
        title: `${model}: ${formatCount(count)} tasks took\n${formatDuration(at(bin))} to ${
          formatDuration(at(bin + 1))
        }`,
      }]
    );
    const clamped = (value: number) => Math.max(low, value);
    const label = (words: string, dx: number, more: Plot.TextOptions) =>
      Plot.text([words], {
        y: () => base - 8,
        frameAnchor: "right",
        textAnchor: "start",
        dx,
        ...more,
      });
    return [
      Plot.rect(bars, {
        x1: "x1",
        x2: "x2",
        y1: "y1",
        y2: "y2",
        fill: colour,
        fillOpacity: 0.55,
        title: "title",
        className: "times",
      }),
      Plot.ruleY([base + 3], {
        x1: clamped(quantile(times, 0.05)),
        x2: clamped(p95),
        stroke: colour,
        strokeWidth: 2,
      }),
      Plot.ruleX([clamped(median)], {
        y1: base - (ROW_HEIGHT - 16),
        y2: base + 6,
        stroke: "var(--ink)",
        strokeWidth: 1.5,
      }),
      Plot.text([model.slice(0, 24)], {
        y: () => base - 8,
        frameAnchor: "left",
        textAnchor: "end",
        dx: -10,
        fill: colour,
        className: "strong",
      }),
      label(formatDuration(median), 10, { className: "strong" }),
      ...(wide ? [label(`95% under ${formatDuration(p95)}`, 72, { fill: "var(--soft)" })] : []),
    ];
  });
  return plotToSvg({
    width,
    height: top + distributions.length * ROW_HEIGHT + 30,
    marginTop: 0,
    marginLeft: left,
    marginRight: right,
    marginBottom: 26,
    x: { type: log ? "log" : "linear", domain: [low, high], label: null },
    y: { type: "identity", axis: null },
    marks: [
      Plot.axisX({
        ticks: wide ? 6 : 3,
        tickSize: 4,
        label: null,
        tickFormat: timeTick,
      }),
      ...marks,
    ],
  }, {
    title,
    description: distributions.map(({ model, times }) =>
      `${model}: median ${formatDuration(quantile(times, 0.5))}`
    ).join("; "),
  });
}
