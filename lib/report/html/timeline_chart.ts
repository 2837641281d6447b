/**
 * The timeline: one panel a model, lanes as rows, all on one time axis; all of it, its beginning up
 * close, and its table.
 */

import * as Plot from "@observablehq/plot";
import { counted, formatCount, formatDuration, formatPercent } from "../../text/format.ts";
import type { Comparison } from "../../timing/result.ts";
import { mean } from "../../timing/statistics.ts";
import { CHART_WIDTHS, figure } from "./figure.ts";
import { htmlTable } from "../table.ts";
import { type Html, markup } from "./markup.ts";
import { type ChartName, isWide, plotToSvg, timeAxis, timeTicks } from "./plot.ts";
import { modelColour } from "./style.ts";
import {
  type Band,
  layOutPanel,
  type Panel,
  type Recorded,
  recordedOf,
  type Timed,
} from "./timeline_panel.ts";

/** A page holds this many bars in all, so that it opens at once. */
const MAX_BARS = 2400;
/** Models that took less than this part of the axis are shown up close. */
const TOO_SHORT_TO_SEE = 0.34;

/** The panels of a chart, for wide windows and for telephones. */
interface Panels {
  readonly wide: readonly Panel[];
  readonly narrow: readonly Panel[];
}

/** Whose timelines are drawn together. */
interface TimedJob {
  readonly models: readonly Timed[];
  readonly job: Pick<Comparison["job"], "items">;
}

/** Writes the timeline of a comparison, or of a single run. */
export function timelineSection({ models, job }: TimedJob, id: string, ofRounds = true): Html {
  const recorded = models.flatMap((model) => recordedOf(model) ?? []);
  if (recorded.length === 0) {
    return markup`
      <figure id="${id}"><h3>Timeline</h3><p class="lead">No timeline was recorded.</p></figure>
    `;
  }
  const ends = recorded.map(({ endMs }) => endMs);
  const longest = Math.max(...ends), shortest = Math.min(...ends);
  const failures = recorded.some(({ timeline, started }) =>
    started.some((at) => timeline.status[at] !== "fulfilled")
  );
  const maxBars = Math.max(60, Math.min(400, Math.floor(MAX_BARS / recorded.length)));
  const panelsOf = (axisMs: number): Panels => {
    const at = (width: number) => {
      const { left, right } = marginsOf(width);
      const space = { axisMs, axisPixels: width - left - right, maxBars };
      return recorded.map((one) => layOutPanel(one, space));
    };
    return { wide: at(CHART_WIDTHS.wide), narrow: at(CHART_WIDTHS.narrow) };
  };
  const draw = ({ wide, narrow }: Panels, axisMs: number, closeUp: boolean) => (width: number) =>
    timelineChart(isWide(width) ? wide : narrow, axisMs, width, closeUp, {
      title: closeUp ? `Timeline, the first ${formatDuration(axisMs)}` : "Timeline",
      description: recorded.map(({ result, endMs }) =>
        `${result.model} ended after ${formatDuration(endMs)}`
      ).join("; "),
    });
  const whole = panelsOf(longest);
  const all = figure({
    id,
    title: "What each lane did, and when",
    lead:
      markup`Each row is a slot on a lane; each bar a task, <b class="key flight">in flight</b>; its
      dark part is the share of that time in which the lane <b class="key run">ran</b> it, the light rest
      is waiting. Above, tasks that <b class="key queue">queue</b> for a slot. ${
        failures && markup`<b class="key bad">Red</b> are tasks that gave no value.`
      } All panels share one clock: bars <em>stacked on one lane</em> are concurrency, bars on
      <em>several lanes</em> parallelism.`,
    draw: draw(whole, longest, false),
    note: `${noteOn(whole.wide, recorded, job.items, ofRounds)}${joinedNote(whole)}`,
    table: laneTable(recorded),
  });
  if (shortest >= longest * TOO_SHORT_TO_SEE) return all;
  const near = shortest * 1.12;
  const close = panelsOf(near);
  const first = recorded.find(({ endMs }) => endMs === shortest)!.result.model;
  return markup`${all}${
    figure({
      id: `${id}-close`,
      title: `The same up close: the first ${formatDuration(near)}`,
      lead: markup`What the others had done when <b>${first}</b> was through.`,
      draw: draw(close, near, true),
      note: joinedNote(close),
    })
  }`;
}

function noteOn(
  panels: readonly Panel[],
  recorded: readonly Recorded[],
  items: number,
  ofRounds: boolean,
): string {
  const rounds = new Set(recorded.map(({ timeline }) => timeline.round));
  const kept = Math.min(...recorded.map(({ timeline }) => timeline.index.length));
  const dropped = panels.filter(({ neverStarted }) => neverStarted > 0).map((panel) =>
    `${formatCount(panel.neverStarted)} tasks of ${panel.result.model}`
  );
  const sentences = [
    `${
      ofRounds ? `Shown is round ${[...rounds].join(", ")}. ` : ""
    }Waiting and running can’t be told apart within a task, ` +
    `so a bar’s dark part is its lane’s CPU share, not the moment it ran.`,
  ];
  if (kept < items) {
    sentences.push(
      `The file records ${formatCount(kept)} of ${formatCount(items)} tasks, so the lanes were ` +
        `fuller than they look.`,
    );
  }
  if (dropped.length > 0) sentences.push(`Not shown: ${dropped.join(", ")} that never started.`);
  return `${sentences.join(" ")} `;
}

/** Says which tasks were drawn as one because they are too narrow to be told apart. */
function joinedNote({ wide, narrow }: Panels): string {
  const either = (is: (panel: Panel) => boolean) =>
    wide.filter((panel, i) => is(panel) || is(narrow[i]!)).map(({ result }) => result.model).join(
      ", ",
    );
  const joined = either(({ mostTasksInABar }) => mostTasksInABar > 1);
  const deep = either(({ mostInFlight }) => mostInFlight > 0);
  return [
    joined && `Neighbouring tasks narrower than a pixel are joined into one bar (${joined}).`,
    deep &&
    "Where the tasks in flight are too many for a row each, the panel shows how many there " +
      `were over time, failed ones included (${deep}).`,
  ].filter(Boolean).join(" ");
}

/** More lanes of a model than this aren't told in the table. */
const MOST_LANES = 64;

function laneTable(recorded: readonly Recorded[]): Html {
  const lanes = recorded.flatMap(({ result, timeline, used, rows }) => {
    const barsOf = Map.groupBy(rows, ({ lane }) => lane);
    return [...used].slice(0, MOST_LANES).map(([lane, slots]) => {
      const bars = (barsOf.get(lane) ?? []).flatMap(({ bars }) => bars);
      return {
        name: `${result.model}, lane ${lane}`,
        tasks: bars.length,
        slots,
        queuedMs: mean(bars.map(({ queuedForMs }) => queuedForMs)),
        inFlightMs: mean(bars.map(({ fromMs, toMs }) => toMs - fromMs)),
        endMs: bars.reduce((end, { toMs }) => Math.max(end, toMs), 0),
        share: timeline.lanes.find((known) => known.lane === lane)?.cpuShare ?? NaN,
      };
    });
  });
  return htmlTable("Every lane: its tasks, and how long they queued and were in flight", [
    { head: "lane", cell: ({ name }) => name },
    { head: "tasks", cell: ({ tasks }) => formatCount(tasks) },
    { head: "most at once", cell: ({ slots }) => formatCount(slots) },
    { head: "mean time queued", cell: ({ queuedMs }) => formatDuration(queuedMs) },
    { head: "mean time in flight", cell: ({ inFlightMs }) => formatDuration(inFlightMs) },
    { head: "last ended", cell: ({ endMs }) => formatDuration(endMs) },
    { head: "CPU share", cell: ({ share }) => formatPercent(share) },
  ], lanes);
}

/** Room around the panels, in pixels. */
const TITLE_HEIGHT = 24;
const PANEL_GAP = 18;
const AXIS_HEIGHT = 34;
const TOP = 8;

/** The pixels between a timeline's edges and its time axis. */
function marginsOf(width: number): { left: number; right: number } {
  return isWide(width) ? { left: 56, right: 62 } : { left: 44, right: 54 };
}

/** Draws panels below each other, on a time axis from the first item to `axisMs`. */
function timelineChart(
  panels: readonly Panel[],
  axisMs: number,
  width: number,
  closeUp: boolean,
  name: ChartName,
): string {
  const { left, right } = marginsOf(width);
  const wide = isWide(width);
  const marks: Plot.Markish[] = [];
  let top = TOP;
  for (const panel of panels) {
    marks.push(...panelMarks(panel, { top, left, axisMs, closeUp, wide }));
    top += TITLE_HEIGHT + panel.height + PANEL_GAP;
  }
  const ticks = timeTicks(axisMs, wide ? 8 : 4);
  return plotToSvg({
    width,
    height: top - PANEL_GAP + AXIS_HEIGHT,
    marginLeft: left,
    marginRight: right,
    marginTop: 0,
    marginBottom: AXIS_HEIGHT - 6,
    x: { domain: [0, axisMs], label: null },
    y: { type: "identity", axis: null },
    marks: [
      ...marks,
      Plot.ruleX(ticks, { stroke: "var(--ink)", strokeOpacity: 0.1, className: "grid" }),
      timeAxis(ticks),
    ],
  }, name);
}

interface Place {
  readonly top: number;
  readonly left: number;
  readonly axisMs: number;
  readonly closeUp: boolean;
  readonly wide: boolean;
}

function panelMarks(panel: Panel, { top, left, axisMs, closeUp, wide }: Place): Plot.Markish[] {
  const { result: { model }, lanes, queue, flight, labels, endMs, height } = panel;
  const colour = modelColour(model);
  const body = top + TITLE_HEIGHT;
  const rect = (className: string, bands: readonly Band[], fill: string, more: Plot.RectOptions) =>
    Plot.rect(bands.map((band) => ({ ...band, y1: body + band.y1, y2: body + band.y2 })), {
      x1: "x1",
      x2: "x2",
      y1: "y1",
      y2: "y2",
      fill,
      className,
      ...more,
    });
  const good = flight.filter(({ bad }) => !bad);
  // The part of each bar in which its lane ran it: its lower end.
  const ran = good.filter(({ share = 0 }) => share > 0)
    .map((band) => ({ ...band, y1: band.y2 - (band.y2 - band.y1) * band.share! }));
  const text = (words: string, x: number, y: number, more: Plot.TextOptions = {}) =>
    Plot.text([words], {
      x: () => 0,
      y: () => y,
      dx: x - left,
      textAnchor: "start",
      fill: "var(--soft)",
      ...more,
    });
  return [
    text(model.slice(0, 24), 0, top + 8, { fill: colour, className: "strong" }),
    text(panelNote(panel, wide), 12 + Math.min(24, model.length) * 8, top + 8),
    rect("lanes", lanes, "var(--panel)", { pointerEvents: "none" }),
    rect("queue", queue, "var(--soft)", { title: "title", fillOpacity: 0.26 }),
    rect("flight", good, colour, { title: "title", fillOpacity: 0.38 }),
    rect("bad", flight.filter(({ bad }) => bad), "var(--bad)", { title: "title" }),
    rect("running", ran, colour, { pointerEvents: "none" }),
    ...labels.map(({ text: words, y }) => text(words, 0, body + y)),
    Plot.text([closeUp ? doneText(panel) : formatDuration(endMs)], {
      x: [Math.min(axisMs, endMs)],
      y: () => body + height / 2,
      dx: 6,
      textAnchor: "start",
      className: "strong",
      ...(closeUp && { lineWidth: 5.5, lineHeight: 1.15 }),
    }),
  ];
}

function doneText({ done, result: { timeline } }: Panel): string {
  return `${formatCount(done)} of ${formatCount(timeline!.index.length)} done`;
}

function panelNote(
  { result, cpuShare, mostTasksInABar, mostInFlight }: Panel,
  wide: boolean,
): string {
  const { lanes, slots } = result;
  return [
    `${counted(lanes, "lane")} × ${slots === null ? "all slots" : counted(slots, "slot")}`,
    cpuShare >= 0 && `CPU ${formatPercent(cpuShare)}`,
    wide && mostTasksInABar > 1 && `up to ${formatCount(mostTasksInABar)} tasks in a bar`,
    mostInFlight > 0 && `up to ${formatCount(mostInFlight)} in flight`,
  ].filter(Boolean).join(" · ");
}
