/**
 * A panel's bars as bands of the chart: from when to when, from where to where, and what they tell.
 *
 * @module
 */

import { formatDuration, formatPercent } from "../../text/format.ts";
import { formatCount } from "./count.ts";
import type { Panel, PlacedBar } from "./timeline_panel.ts";

/** A band of the chart. */
export interface Band {
  /** Where it begins, in milliseconds. */
  x1: number;
  /** Where it ends, in milliseconds. */
  x2: number;
  /** Its upper edge, in pixels. */
  y1: number;
  /** Its lower edge, in pixels. */
  y2: number;
  /** What its tooltip says; none if it has none. */
  title?: string;
}

/** The time axis that bands are drawn on. */
export interface Space {
  /** Where it ends, in milliseconds. */
  readonly axisMs: number;
  /** How many milliseconds a pixel is wide. */
  readonly pixelMs: number;
}

/** Tasks in flight, one by one or how many there were, and whether they gave no value. */
export function flightBands(panel: Panel, body: number, space: Space): (Band & { bad: boolean })[] {
  const bars = panel.bars.map((bar) => ({
    ...flightBand(bar, body, space),
    bad: isBad(bar.status),
  }));
  return [...bars, ...depthBands(panel, body)];
}

function isBad(status: string): boolean {
  return status !== "fulfilled";
}

/** Leaves a hairline between neighbours where there is room, and hides none. */
function across(bar: PlacedBar, { axisMs, pixelMs }: Space): { x1: number; x2: number } {
  const wide = (bar.toMs - bar.fromMs) / pixelMs;
  const x2 = bar.toMs - (bar.tasks === 1 && wide > 2.5 ? 0.6 * pixelMs : 0);
  return { x1: bar.fromMs, x2: Math.min(axisMs, Math.max(x2, bar.fromMs + 0.8 * pixelMs)) };
}

function flightBand(bar: PlacedBar, body: number, space: Space): Band {
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
  return { ...across(bar, space), y1, y2: y1 + bar.height, title };
}

/** The part of each bar in which its lane ran it: its lower end, as high as its running share. */
export function runningBands(panel: Panel, body: number, space: Space): Band[] {
  const bars = panel.bars.filter(({ running, status }) => running! > 0 && !isBad(status)).map(
    (bar) => {
      const bottom = body + bar.top + bar.height;
      return { ...across(bar, space), y1: bottom - bar.height * bar.running!, y2: bottom };
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

/** How many tasks waited for a slot, over time. */
export function queueBands(panel: Panel, body: number): Band[] {
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
