/**
 * How long tasks took under each model, as distributions of all their times.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import { formatCount, formatDuration } from "../../text/format.ts";
import type { Comparison, Timeline } from "../../timing/result.ts";
import { quantile, type Sorted, sorted } from "../../timing/statistics.ts";
import { hasStarted } from "../slots.ts";
import { figure } from "./figure.ts";
import { htmlTable } from "../table.ts";
import { type Html, markup } from "./markup.ts";
import { FINE, isWide, modelRow, plotToSvg, rowNames, timeAxis } from "./plot.ts";

interface Distribution {
  readonly model: string;
  readonly times: Sorted;
}

interface Kind {
  readonly title: string;
  readonly lead: string;
  readonly of: (timeline: Timeline, at: number) => number;
}

const IN_FLIGHT: Kind = {
  title: "How long a task took",
  lead:
    "From its start on a lane to its end. The taller, the more tasks; the mark is the median, " +
    "the line spans the 5th to the 95th percentile.",
  of: (timeline, at) => timeline.endedMs[at]! - timeline.startedMs[at]!,
};

const LATENCY: Kind = {
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

function distribution({ models }: Comparison, { title, lead, of }: Kind, id: string): Html {
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
const ROW_HEIGHT = 44;
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
    height: 6 + rows.length * ROW_HEIGHT + 30,
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
