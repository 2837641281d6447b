/**
 * The timeline: one panel a model, lanes as rows, all on one time axis; all of it, its beginning up
 * close, and its table.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import { CHART_WIDTHS, figure, table } from "./figure.ts";
import { type Html, markup } from "./markup.ts";
import { type ChartName, plotToSvg, timeTicks } from "./plot.ts";
import { modelColour } from "./style.ts";
import { layOutPanel, type Panel, type PlacedBar } from "./timeline_panel.ts";
import { assignSlots, hasStarted } from "../slots.ts";
import { formatCount, formatDuration, formatPercent } from "../../text/format.ts";
import type { Comparison, ModelResult, Timeline } from "../../timing/result.ts";

interface Recorded {
  readonly result: ModelResult;
  readonly timeline: Timeline;
  readonly endMs: number;
}

/** A page holds this many bars in all, so that it opens at once. */
const MAX_BARS = 2400;
/** Models that took less than this part of the axis are shown up close. */
const TOO_SHORT_TO_SEE = 0.34;

/** Writes the timeline of a comparison. */
export function timelineSection(comparison: Comparison, id: string): Html {
  const recorded = comparison.models.flatMap((result): Recorded[] => {
    const timeline = result.timeline && equalColumns(result.timeline);
    const endMs = timeline?.endedMs.reduce((end, ms) => Math.max(end, ms || 0), 0) ?? 0;
    return timeline && endMs > 0 ? [{ result, timeline, endMs }] : [];
  });
  if (recorded.length === 0) {
    return markup`
      <figure id="${id}">
        <h3>Timeline</h3>
        <p class="lead">No timeline was recorded.</p>
      </figure>
    `;
  }
  const ends = recorded.map(({ endMs }) => endMs);
  const longest = Math.max(...ends), shortest = Math.min(...ends);
  const failures = recorded.some(({ timeline }) =>
    timeline.status.some((status, at) => status !== "fulfilled" && hasStarted(timeline, at))
  );
  const { wide, narrow } = CHART_WIDTHS;
  const near = shortest * 1.12;
  const close = shortest < longest * TOO_SHORT_TO_SEE;
  const maxBars = Math.max(60, Math.min(400, Math.floor(MAX_BARS / recorded.length)));
  const panels = (axisMs: number, width: number) => {
    const { left, right } = timelineMargins(width);
    const scale = { axisMs, axisPixels: width - left - right, maxBars };
    return recorded.map(({ result, timeline }) => layOutPanel(result, timeline, scale));
  };
  const draw = (axisMs: number, closeUp: boolean) => (width: number) =>
    timelineChart(panels(axisMs, width), axisMs, width, closeUp, {
      title: closeUp ? `Timeline, the first ${formatDuration(axisMs)}` : "Timeline",
      description: recorded.map(({ result, endMs }) =>
        `${result.model} ended after ${formatDuration(endMs)}`
      ).join("; "),
    });
  return markup`${
    figure({
      id,
      title: "What each lane did, and when",
      lead: markup`
        Each row is a slot on a lane; each bar a task, <b class="key flight">in flight</b>; its
                dark part is the share of that time in which the lane <b class="key run">ran</b> it, the
                light rest is waiting. Above, tasks that <b
          class="key queue">queue</b> for a slot. ${
        failures &&
        markup`<b class="key bad">Red</b> are tasks that gave no value.`
      } All
                panels share one clock: bars <em>stacked on one lane</em> are concurrency, bars on
                <em>several lanes</em> parallelism.
      `,
      draw: draw(longest, false),
      note: markup`${noteOn(panels(longest, wide), recorded, comparison.job.items)}${
        aggregated(panels(longest, wide), panels(longest, narrow))
      }`,
      table: laneTable(recorded),
    })
  }${
    close && figure({
      id: `${id}-close`,
      title: `The same up close: the first ${formatDuration(near)}`,
      lead: markup`What the others had done when <b>${
        recorded.find(({ endMs }) => endMs === shortest)!.result.model
      }</b> was through.`,
      draw: draw(near, true),
      note: aggregated(panels(near, wide), panels(near, narrow)),
    })
  }`;
}

/** The timeline with its columns cut to one length, since an edited file's may differ. */
function equalColumns(timeline: Timeline): Timeline {
  const { index, lane, queuedMs, startedMs, endedMs, status } = timeline;
  const length = Math.min(
    ...[index, lane, queuedMs, startedMs, endedMs, status].map((c) => c.length),
  );
  return {
    ...timeline,
    index: index.slice(0, length),
    lane: lane.slice(0, length),
    queuedMs: queuedMs.slice(0, length),
    startedMs: startedMs.slice(0, length).map((ms) => ms >= 0 ? ms : NaN),
    endedMs: endedMs.slice(0, length),
    status: status.slice(0, length),
  };
}

function noteOn(
  panels: readonly Panel[],
  recorded: readonly Recorded[],
  items: number,
): Html {
  const kept = Math.min(...recorded.map(({ timeline }) => timeline.index.length));
  const dropped = panels.filter(({ neverStarted }) => neverStarted > 0);
  return markup`Shown is round ${
    [...new Set(recorded.map(({ timeline }) => timeline.round))].join(", ")
  }. Waiting and running can’t be told apart within a task, so a bar’s dark part is its lane’s CPU share, not the moment it ran. ${
    kept < items &&
    markup`The file records ${formatCount(kept)} of ${
      formatCount(items)
    } tasks, so the lanes were fuller than they look. `
  }${
    dropped.length > 0 && markup`
      Not shown: ${
      dropped.map(({ neverStarted, model }) => `${formatCount(neverStarted)} tasks of ${model}`)
        .join(", ")
    } that never started.
    `
  }`;
}

/** Says which tasks were drawn as one because they are too narrow to be told apart. */
function aggregated(wide: readonly Panel[], narrow: readonly Panel[]): Html {
  const either = (is: (panel: Panel) => boolean) =>
    wide.filter((panel, i) => is(panel) || is(narrow[i]!)).map(({ model }) => model).join(", ");
  const joined = either(({ mostTasksInABar }) => mostTasksInABar > 1);
  const deep = either(({ depth }) => depth.length > 0);
  return markup`${
    joined !== "" &&
    markup`
      Neighbouring tasks narrower than a pixel are joined into one bar (${joined}).
    `
  }${
    deep !== "" &&
    markup`Where the tasks in flight are too many for a row each, the panel shows how many there were over time, failed ones included (${deep}).`
  }`;
}

function laneTable(recorded: readonly Recorded[]): Html {
  const rows = recorded.flatMap(({ result, timeline }) => {
    const { used } = assignSlots(timeline);
    return [...used].slice(0, 64).map(([lane, slots]) => {
      const mine = timeline.index.map((_, at) => at).filter((at) =>
        hasStarted(timeline, at) && timeline.lane[at] === lane
      );
      const mean = (of: (at: number) => number) =>
        mine.reduce((sum, at) => sum + of(at), 0) / mine.length;
      const share = timeline.lanes.find((known) => known.lane === lane)?.cpuShare;
      return [
        `${result.model}, lane ${lane}`,
        formatCount(mine.length),
        formatCount(slots),
        formatDuration(mean((at) => timeline.startedMs[at]! - timeline.queuedMs[at]!)),
        formatDuration(mean((at) => timeline.endedMs[at]! - timeline.startedMs[at]!)),
        formatDuration(mine.reduce((end, at) => Math.max(end, timeline.endedMs[at]!), 0)),
        formatPercent(share ?? NaN),
      ];
    });
  });
  return table("Every lane: its tasks, and how long they queued and were in flight", [
    { name: "lane" },
    { name: "tasks", figures: true },
    { name: "most at once", figures: true },
    { name: "mean time queued", figures: true },
    { name: "mean time in flight", figures: true },
    { name: "last ended", figures: true },
    { name: "CPU share", figures: true },
  ], rows);
}

/** Room around the panels, in pixels. */
const TITLE_HEIGHT = 24;
const PANEL_GAP = 18;
const AXIS_HEIGHT = 34;
const TOP = 8;

/** The pixels between a timeline's edges and its time axis. */
function timelineMargins(width: number): { left: number; right: number } {
  return width > 500 ? { left: 56, right: 62 } : { left: 44, right: 54 };
}

/** Draws panels below each other, on a time axis from the first item to `axisMs`. */
function timelineChart(
  panels: readonly Panel[],
  axisMs: number,
  width: number,
  closeUp: boolean,
  name: ChartName,
): string {
  const { left, right } = timelineMargins(width);
  const pixelMs = axisMs / (width - left - right);
  const marks: Plot.Markish[] = [];
  let top = TOP;
  for (const panel of panels) {
    marks.push(...panelMarks(panel, { top, left, axisMs, pixelMs, closeUp, wide: width > 500 }));
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

interface Place extends TimeScale {
  readonly top: number;
  readonly left: number;
  readonly closeUp: boolean;
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
  const shown = place.closeUp
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
      ...(place.closeUp ? { lineWidth: 5.5, lineHeight: 1.15 } : {}),
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

/** A band of the chart. */
interface Band {
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
interface TimeScale {
  /** Where it ends, in milliseconds. */
  readonly axisMs: number;
  /** How many milliseconds a pixel is wide. */
  readonly pixelMs: number;
}

/** Tasks in flight, one by one or how many there were, and whether they gave no value. */
function flightBands(panel: Panel, body: number, scale: TimeScale): (Band & { bad: boolean })[] {
  const bars = panel.bars.map((bar) => ({
    ...flightBand(bar, body, scale),
    bad: isBad(bar.status),
  }));
  return [...bars, ...depthBands(panel, body)];
}

function isBad(status: string): boolean {
  return status !== "fulfilled";
}

/** A bar's ends: with a thin gap to its neighbour where there is room, and never too narrow to be seen. */
function across(bar: PlacedBar, { axisMs, pixelMs }: TimeScale): { x1: number; x2: number } {
  const wide = (bar.toMs - bar.fromMs) / pixelMs;
  const x2 = bar.toMs - (bar.tasks === 1 && wide > 2.5 ? 0.6 * pixelMs : 0);
  return { x1: bar.fromMs, x2: Math.min(axisMs, Math.max(x2, bar.fromMs + 0.8 * pixelMs)) };
}

function flightBand(bar: PlacedBar, body: number, scale: TimeScale): Band {
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
  return { ...across(bar, scale), y1, y2: y1 + bar.height, title };
}

/** The part of each bar in which its lane ran it: its lower end, as high as its running share. */
function runningBands(panel: Panel, body: number, scale: TimeScale): Band[] {
  const bars = panel.bars.filter(({ running, status }) => running! > 0 && !isBad(status)).map(
    (bar) => {
      const bottom = body + bar.top + bar.height;
      return { ...across(bar, scale), y1: bottom - bar.height * bar.running!, y2: bottom };
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
