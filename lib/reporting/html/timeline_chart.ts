/**
 * Draws the timeline: one panel a model, lanes as rows, all on one time axis.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import { formatDuration, formatPercent } from "../format.ts";
import { formatCount } from "./count.ts";
import type { Panel, PlacedBar } from "./timeline_panel.ts";
import { modelColour } from "./palette.ts";
import { type ChartName, plotToSvg } from "./plot_to_svg.ts";
import { timeTicks } from "./time_axis.ts";

/** Room around the panels, in pixels. */
const TITLE_HEIGHT = 24;
const PANEL_GAP = 18;
const AXIS_HEIGHT = 34;
const TOP = 8;

/**
 * The pixels between a timeline's edges and its time axis.
 *
 * @param width The chart's width in pixels.
 * @returns Left and right.
 *
 * @example
 * ```ts
 * import { timelineMargins } from "./timeline_chart.ts";
 *
 * console.log(timelineMargins(840).left); // 56
 * ```
 */
export function timelineMargins(width: number): { left: number; right: number } {
  return width > 500 ? { left: 56, right: 62 } : { left: 44, right: 54 };
}

interface Band {
  x1: number;
  x2: number;
  y1: number;
  y2: number;
  title?: string;
  opacity?: number;
}

/**
 * Draws panels below each other.
 *
 * @param panels The panels, laid out for the same axis.
 * @param axisMs Where the axis ends, in milliseconds; it begins at the first item.
 * @param width The chart's width in pixels.
 * @param up Whether panels tell how much was done when the axis ends, rather than when all was.
 * @param name The chart's accessible name.
 * @returns The SVG.
 *
 * @example
 * ```ts
 * import { timelineChart } from "./timeline_chart.ts";
 *
 * const svg = timelineChart([], 10, 328, false, { title: "Timeline", description: "Nothing ran" });
 * console.log(svg.includes('role="img"')); // true
 * ```
 */
export function timelineChart(
  panels: readonly Panel[],
  axisMs: number,
  width: number,
  up: boolean,
  name: ChartName,
): string {
  const { left, right } = timelineMargins(width);
  const pixelMs = axisMs / (width - left - right);
  const marks: Plot.Markish[] = [];
  let top = TOP;
  for (const panel of panels) {
    marks.push(...panelMarks(panel, { top, left, axisMs, pixelMs, up, wide: width > 500 }));
    top += TITLE_HEIGHT + panel.height + PANEL_GAP;
  }
  const height = top - PANEL_GAP + AXIS_HEIGHT;
  const ticks = timeTicks(axisMs, width > 500 ? 8 : 4);
  return plotToSvg({
    width,
    height,
    marginLeft: left,
    marginRight: right,
    marginTop: 0,
    marginBottom: AXIS_HEIGHT - 6,
    x: { domain: [0, axisMs], label: null },
    y: { type: "identity", axis: null },
    marks: [
      ...marks,
      Plot.ruleX(ticks, { stroke: "var(--ink)", strokeOpacity: 0.1, ariaLabel: "grid" }),
      Plot.axisX({
        ticks: [...ticks],
        tickFormat: (ms: number) => ms === 0 ? "0" : formatTick(ms),
        tickSize: 4,
        label: null,
      }),
    ],
  }, name);
}

function formatTick(ms: number): string {
  return ms < 1000 ? `${formatShort(ms)} ms` : `${formatShort(ms / 1000)} s`;
}

function formatShort(value: number): string {
  return String(Number(value.toPrecision(3)));
}

interface Place {
  readonly top: number;
  readonly left: number;
  readonly axisMs: number;
  readonly pixelMs: number;
  readonly up: boolean;
  readonly wide: boolean;
}

function panelMarks(panel: Panel, place: Place): Plot.Markish[] {
  const { axisMs, pixelMs, left } = place;
  const colour = modelColour(panel.model);
  const body = place.top + TITLE_HEIGHT;
  const bands = (lanes: Panel["lanes"]): Band[] =>
    lanes.map(({ top, height }) => ({
      x1: 0,
      x2: axisMs,
      y1: body + top,
      y2: body + top + height,
    }));
  const rect = (data: Band[], fill: string, ariaLabel: string, more: Plot.RectOptions = {}) =>
    Plot.rect(data, { x1: "x1", x2: "x2", y1: "y1", y2: "y2", fill, ariaLabel, ...more });
  const text = (words: string, x: number, y: number, more: Plot.TextOptions = {}) =>
    Plot.text([words], {
      x: () => 0,
      y: () => y,
      dx: x - left,
      textAnchor: "start",
      fill: "var(--soft)",
      ...more,
    });

  const inFlight = [
    ...panel.bars.map((bar) => ({ ...flightBand(bar, body, place), bad: isBad(bar.status) })),
    ...depthBands(panel, body),
  ];
  const shown = place.up
    ? `${formatCount(panel.done)} of ${formatCount(panel.tasks)} done`
    : formatDuration(panel.endMs);
  const labels = panel.lanes.filter(({ label }) => label !== "");
  return [
    text(panel.model.slice(0, 24), 0, place.top + 8, { fill: colour, className: "strong" }),
    text(panelNote(panel, place.wide), 0, place.top + 8, {
      dx: 12 + Math.min(24, panel.model.length) * 8 - left,
    }),
    rect(bands(panel.lanes), "var(--panel)", `${panel.model} lanes`, { pointerEvents: "none" }),
    rect(queueBands(panel, body), "var(--soft)", `${panel.model} queue`, {
      title: "title",
      fillOpacity: 0.26,
    }),
    rect(inFlight.filter(({ bad }) => !bad), colour, `${panel.model} in flight`, {
      title: "title",
      fillOpacity: 0.38,
    }),
    rect(inFlight.filter(({ bad }) => bad), "var(--bad)", `${panel.model} gave no value`, {
      title: "title",
    }),
    rect(runningBands(panel, body, place), colour, `${panel.model} running`, {
      pointerEvents: "none",
    }),
    ...(panel.queueHeight > 0 ? [text("queue", 0, body + panel.queueHeight / 2)] : []),
    ...labels.map(({ label, top, height }) => text(label, 0, body + top + height / 2)),
    Plot.text([shown], {
      x: [Math.min(axisMs, panel.endMs)],
      y: () => body + panel.height / 2,
      dx: 6,
      textAnchor: "start",
      className: "strong",
      ...(place.up ? { lineWidth: 5.5, lineHeight: 1.15 } : {}),
    }),
  ].map((mark) => mark as Plot.Markish).filter(() => pixelMs > 0);
}

function panelNote(panel: Panel, wide: boolean): string {
  const { lanes, slots } = panel.size;
  const size = `${lanes} ${lanes === 1 ? "lane" : "lanes"} × ${slots ?? "all"} ${
    slots === 1 ? "slot" : "slots"
  }`;
  const cpu = panel.cpuShare === undefined ? "" : ` · CPU ${formatPercent(panel.cpuShare)}`;
  const most = panel.mostTasksInABar;
  const joined = wide && most > 1 ? ` · up to ${formatCount(most)} tasks in a bar` : "";
  const deepest = panel.depth.reduce((deepest, { depth }) => Math.max(deepest, depth), 0);
  const depth = deepest > 0 ? ` · up to ${formatCount(deepest)} in flight` : "";
  return `${size}${cpu}${joined}${depth}`;
}

function isBad(status: string): boolean {
  return status !== "fulfilled";
}

/** Leaves a hairline between neighbours where there is room, and hides none. */
function across(bar: PlacedBar, { axisMs, pixelMs }: Place): { x1: number; x2: number } {
  const wide = (bar.toMs - bar.fromMs) / pixelMs;
  const x2 = bar.toMs - (bar.tasks === 1 && wide > 2.5 ? 0.6 * pixelMs : 0);
  return { x1: bar.fromMs, x2: Math.min(axisMs, Math.max(x2, bar.fromMs + 0.8 * pixelMs)) };
}

function flightBand(bar: PlacedBar, body: number, place: Place): Band {
  const when = `${formatDuration(bar.fromMs)} to ${formatDuration(bar.toMs)}`;
  const ending = bar.status === "fulfilled" ? "" : `\n${bar.status}`;
  const running = bar.running === undefined
    ? ""
    : `\nrunning about ${formatPercent(bar.running)} of it`;
  const took = formatDuration(bar.toMs - bar.fromMs);
  const title = bar.tasks === 1
    ? `task ${bar.index} on lane ${bar.lane}: ${took}\n${when}\nwaited ${
      formatDuration(bar.queuedForMs)
    } for a slot${running}${ending}`
    : `${
      formatCount(bar.tasks)
    } tasks on lane ${bar.lane}, from task ${bar.index}\n${when}${running}${ending}`;
  const y1 = body + bar.top;
  return { ...across(bar, place), y1, y2: y1 + bar.height, title };
}

function runningBands(panel: Panel, body: number, place: Place): Band[] {
  const bars = panel.bars.filter(({ running, status }) => running! > 0 && !isBad(status)).map(
    (bar) => {
      const bottom = body + bar.top + bar.height;
      return { ...across(bar, place), y1: bottom - bar.height * bar.running!, y2: bottom };
    },
  );
  const deep = depthBands(panel, body).map((band, i) => {
    const share = panel.depth[i]!.running ?? 0;
    return { ...band, y1: band.y2 - (band.y2 - band.y1) * share };
  });
  return [...bars, ...deep.filter(({ y1, y2 }) => y2 > y1)];
}

function depthBands(panel: Panel, body: number): (Band & { bad: boolean })[] {
  const lane = panel.lanes[0];
  if (lane === undefined || panel.depth.length === 0) return [];
  const most = panel.depth.reduce((most, { depth }) => Math.max(most, depth), 1);
  return panel.depth.map(({ fromMs, toMs, depth, ended }) => ({
    x1: fromMs,
    x2: toMs,
    y1: body + lane.top + lane.height * (1 - depth / most),
    y2: body + lane.top + lane.height,
    title: `${formatDuration(fromMs)} to ${formatDuration(toMs)}\nup to ${
      formatCount(depth)
    } tasks in flight, ${formatCount(ended)} ended`,
    bad: false,
  }));
}

function queueBands(panel: Panel, body: number): Band[] {
  const most = panel.queue.reduce((most, { depth }) => Math.max(most, depth), 1);
  return panel.queue.map(({ fromMs, toMs, depth }) => ({
    x1: fromMs,
    x2: toMs,
    y1: body + panel.queueHeight * (1 - depth / most),
    y2: body + panel.queueHeight,
    title: `${formatDuration(fromMs)} to ${formatDuration(toMs)}\nup to ${
      formatCount(depth)
    } tasks waiting for a slot`,
  }));
}
