/**
 * Draws the timeline: one panel a model, lanes as rows, all on one time axis.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import { formatDuration, formatPercent } from "../../text/format.ts";
import { formatCount } from "./count.ts";
import type { Panel } from "./timeline_panel.ts";
import { modelColour } from "./palette.ts";
import { type ChartName, plotToSvg } from "./plot_to_svg.ts";
import { timeTicks } from "./time_axis.ts";
import { type Band, flightBands, queueBands, runningBands, type Space } from "./timeline_bands.ts";

/** Room around the panels, in pixels. */
const TITLE_HEIGHT = 24;
const PANEL_GAP = 18;
const AXIS_HEIGHT = 34;
const TOP = 8;

/** The pixels between a timeline's edges and its time axis. */
export function timelineMargins(width: number): { left: number; right: number } {
  return width > 500 ? { left: 56, right: 62 } : { left: 44, right: 54 };
}

/**
 * Draws panels below each other.
 *
 * @param axisMs Where the axis ends, in milliseconds; it begins at the first item.
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
      Plot.ruleX(ticks, { stroke: "var(--ink)", strokeOpacity: 0.1, className: "grid" }),
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

interface Place extends Space {
  readonly top: number;
  readonly left: number;
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
  const rect = (data: Band[], fill: string, className: string, more: Plot.RectOptions = {}) =>
    Plot.rect(data, { x1: "x1", x2: "x2", y1: "y1", y2: "y2", fill, className, ...more });
  const text = (words: string, x: number, y: number, more: Plot.TextOptions = {}) =>
    Plot.text([words], {
      x: () => 0,
      y: () => y,
      dx: x - left,
      textAnchor: "start",
      fill: "var(--soft)",
      ...more,
    });

  const inFlight = flightBands(panel, body, place);
  const shown = place.up
    ? `${formatCount(panel.done)} of ${formatCount(panel.tasks)} done`
    : formatDuration(panel.endMs);
  const labels = panel.lanes.filter(({ label }) => label !== "");
  return [
    text(panel.model.slice(0, 24), 0, place.top + 8, { fill: colour, className: "strong" }),
    text(panelNote(panel, place.wide), 0, place.top + 8, {
      dx: 12 + Math.min(24, panel.model.length) * 8 - left,
    }),
    rect(bands(panel.lanes), "var(--panel)", "lanes", { pointerEvents: "none" }),
    rect(queueBands(panel, body), "var(--soft)", "queue", {
      title: "title",
      fillOpacity: 0.26,
    }),
    rect(inFlight.filter(({ bad }) => !bad), colour, "flight", {
      title: "title",
      fillOpacity: 0.38,
    }),
    rect(inFlight.filter(({ bad }) => bad), "var(--bad)", "bad", {
      title: "title",
    }),
    rect(runningBands(panel, body, place), colour, "running", {
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
