/** The timeline chart: a panel for each model, lanes as rows, one time axis; a close-up, and a table. */

import { counted, formatCount, formatDuration, formatPercent } from "../../text/format.ts";
import { decisionText } from "../../timing/decisions.ts";
import type { Comparison, ModelResult, Timeline } from "../../timing/result.ts";
import { mean } from "../../timing/statistics.ts";
import { htmlTable } from "../document.ts";
import { laneName, tasksOf, type TimelineTask } from "../slots.ts";
import { CHART_WIDTHS, figure, type Html, markup } from "./markup.ts";
import * as chart from "./svg.ts";

/** How many bars the panels of a timeline share, so that the page opens quickly. */
const MAX_BARS = 2400;
/** A close-up is added if the shortest model took less than this share of the longest. */
const TOO_SHORT_TO_SEE = 0.34;

type Timed = Pick<ModelResult, "model" | "lanes" | "slots" | "timeline">;

const tasksText = (count: number) => counted(count, "task");

/** A model's timeline, with everything that doesn't depend on the chart's width; empty if none can be drawn. */
function recordedOf(result: Timed) {
  const { timeline } = result;
  if (timeline === undefined) return [];
  const endMs = timeline.endedMs.reduce((end, ms) => Math.max(end, ms || 0), 0);
  if (endMs === 0) return [];
  const placed = tasksOf(timeline);
  // A row of bars for each slot that had tasks; rows and bars are in the order in which tasks started.
  const rows = [...Map.groupBy(placed.ran, ({ lane, slot }) => `${lane}/${slot}`).values()]
    .map((of) => ({ ...of[0]!, bars: of.map((task): TaskBar => ({ ...task, tasks: 1 })) }));
  const running = runningShares(timeline.lanes, placed.ran);
  return [{ result, timeline, rows, running, endMs, ...placed }];
}

type Recorded = ReturnType<typeof recordedOf>[number];

/** Writes the timeline of a comparison, or of a single run. */
export function timelineSection(
  { models, job }: {
    readonly models: readonly Timed[];
    readonly job: Pick<Comparison["job"], "items">;
  },
  id: string,
  ofRounds = true,
): Html {
  const recorded = models.flatMap(recordedOf);
  if (recorded.length === 0) {
    return markup`
      <figure id="${id}"><h3>Timeline</h3><p class="lead">No timeline was recorded.</p></figure>
    `;
  }
  const ends = recorded.map(({ endMs }) => endMs);
  const longest = Math.max(...ends), shortest = Math.min(...ends);
  const failures = recorded.some(({ ran }) => ran.some(({ status }) => status !== "fulfilled"));
  const decided = recorded.some(({ timeline: { decisions = [] } }) => decisions.length > 0);
  const whole = drawnUpTo(longest, recorded, false);
  const all = figure({
    id,
    title: "What each lane did, and when",
    lead:
      markup`Each row is a slot on a lane; each bar a task, <b class="key flight">in flight</b>; its
      dark part is the share of that time in which the lane <b class="key run">ran</b> it, the light rest
      is waiting. Above, tasks that <b class="key queue">queue</b> for a slot. ${
        failures && markup`<b class="key bad">Red</b> are tasks that gave no value.`
      }${
        decided && "Thin lines across a panel are where auto decided anew."
      } All panels share one clock: bars <em>stacked on one lane</em> are concurrency, bars on
      <em>several lanes</em> parallelism.`,
    draw: whole.draw,
    note: `${noteOn(recorded, job.items, ofRounds)}${whole.joined}`,
    table: laneTable(recorded),
  });
  if (shortest >= longest * TOO_SHORT_TO_SEE) return all;
  const nearMs = shortest * 1.12;
  const near = drawnUpTo(nearMs, recorded, true);
  const first = recorded.find(({ endMs }) => endMs === shortest)!.result.model;
  const close = figure({
    id: `${id}-close`,
    title: `The same up close: the first ${formatDuration(nearMs)}`,
    lead: markup`What the others had done when <b>${first}</b> was through.`,
    draw: near.draw,
    note: near.joined,
  });
  return markup`${all}${close}`;
}

/** Lays out the panels up to a time once for each width; returns a draw function and a note on joined bars. */
function drawnUpTo(axisMs: number, recorded: readonly Recorded[], closeUp: boolean) {
  const maxBars = Math.max(60, Math.min(400, Math.floor(MAX_BARS / recorded.length)));
  const at = (width: number) => {
    const { left, right } = marginsOf(width);
    const space = { axisMs, axisPixels: width - left - right, maxBars };
    return recorded.map((one) => layOutPanel(one, space));
  };
  const [wide, narrow] = [at(CHART_WIDTHS.wide), at(CHART_WIDTHS.narrow)];
  const name = {
    title: closeUp ? `Timeline, the first ${formatDuration(axisMs)}` : "Timeline",
    description: recorded.map(({ result, endMs }) =>
      `${result.model} ended after ${formatDuration(endMs)}`
    ).join("; "),
  };
  const draw = (width: number) =>
    drawPanels(chart.isWide(width) ? wide : narrow, axisMs, width, closeUp, name);
  return { draw, joined: joinedNote(wide, narrow) };
}

function noteOn(recorded: readonly Recorded[], items: number, ofRounds: boolean): string {
  const rounds = new Set(recorded.map(({ timeline }) => timeline.round + 1).sort((a, b) => a - b));
  const kept = Math.min(...recorded.map(({ timeline }) => timeline.index.length));
  const dropped = recorded.filter(({ tasks, ran }) => tasks.length > ran.length).map((of) =>
    `${tasksText(of.tasks.length - of.ran.length)} of ${of.result.model}`
  );
  const sentences = [
    ofRounds &&
    `Of each model the round nearest to its median is shown (${[...rounds].join(", ")}).`,
    "Waiting and running can’t be told apart within a task, so a bar’s dark part is its lane’s " +
    "CPU share, not the moment it ran.",
    kept < items &&
    `The file records ${formatCount(kept)} of ${formatCount(items)} tasks, so the lanes were ` +
      "fuller than they look.",
    dropped.length > 0 && `Not shown: ${dropped.join(", ")} that never started.`,
  ];
  return `${sentences.filter(Boolean).join(" ")} `;
}

/** Names the models whose tasks were joined into bars, or drawn as a count, for lack of room. */
function joinedNote(wide: readonly Panel[], narrow: readonly Panel[]): string {
  const either = (is: (panel: Panel) => boolean) =>
    wide.filter((panel, i) => is(panel) || is(narrow[i]!)).map(({ result }) => result.model).join(
      ", ",
    );
  const joined = either(({ hasBars, most }) => hasBars && most > 1);
  const deep = either(({ hasBars, most }) => !hasBars && most > 0);
  return [
    joined && `Neighbouring tasks narrower than a pixel are joined into one bar (${joined}).`,
    deep &&
    "Where the tasks in flight are too many for a row each, the panel shows how many there " +
      `were over time, failed ones included (${deep}).`,
  ].filter(Boolean).join(" ");
}

/** How many lanes of a model the table lists at most. */
const MOST_SHOWN_LANES = 64;

function laneTable(recorded: readonly Recorded[]): Html {
  const lanes = recorded.flatMap(({ result, timeline, used, rows }) => {
    const barsOf = Map.groupBy(rows, ({ lane }) => lane);
    return [...used].slice(0, MOST_SHOWN_LANES).map(([lane, slots]) => {
      const bars = (barsOf.get(lane) ?? []).flatMap(({ bars }) => bars);
      return {
        name: `${result.model}, lane ${lane}`,
        tasks: bars.length,
        slots,
        queuedMs: mean(bars.map(({ queuedMs, startedMs }) => startedMs - queuedMs)),
        inFlightMs: mean(bars.map(({ startedMs, endedMs }) => endedMs - startedMs)),
        endMs: bars.reduce((end, { endedMs }) => Math.max(end, endedMs), 0),
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

/** A rectangle in a panel: x is in milliseconds, y in pixels down from the panel's top. */
interface Band {
  readonly x1: number;
  readonly x2: number;
  readonly y1: number;
  readonly y2: number;
  readonly title?: string;
  /** The share of the task's time in flight in which its lane ran it, 0 to 1. */
  readonly share?: number | undefined;
  readonly bad?: boolean;
}

/** The room for a panel: its axis, and how many bars it may have. */
type PanelSpace = Readonly<Record<"axisMs" | "axisPixels" | "maxBars", number>>;

const BODY_HEIGHT = 132;
const ROW_HEIGHT = 15;
const QUEUE_HEIGHT = 9;
/** Rows thinner than this, in pixels, can't be told apart, so the panel shows a count instead. */
const MIN_ROW_HEIGHT = 0.7;
const JOINED_AT_MOST_PIXELS = 12;

function layOutPanel(recorded: Recorded, space: PanelSpace) {
  const waits = waiting(recorded.tasks, space);
  const top = waits.length > 0 ? QUEUE_HEIGHT + 3 : 0;
  const body = rowsOfBars(recorded, top, space) ?? crowd(recorded, top, space);
  return {
    ...recorded,
    ...body,
    labels: top > 0 ? [{ text: "queue", y: QUEUE_HEIGHT / 2 }, ...body.labels] : body.labels,
    queue: depthBands(waits, 0, QUEUE_HEIGHT, () => "waiting for a slot"),
  };
}

type Panel = ReturnType<typeof layOutPanel>;

/** A row for each slot, a bar for each task or several joined ones; undefined if there are too many. */
function rowsOfBars({ timeline, rows, used, running }: Recorded, top: number, space: PanelSpace) {
  const { axisMs, axisPixels } = space;
  const slots = [...used.values()].reduce((sum, slots) => sum + Math.max(1, slots), 0);
  const rowHeight = Math.min(ROW_HEIGHT, BODY_HEIGHT / Math.max(1, slots));
  if (rowHeight < MIN_ROW_HEIGHT) return undefined;
  const merged = fitted(
    rows.map(({ bars }) => bars.filter(({ startedMs }) => startedMs <= axisMs)),
    space,
  );
  if (merged === undefined) return undefined;

  const gap = rowHeight >= 6 ? 3 : rowHeight >= 2 ? 1 : 0;
  const lanes = new Map<number, Band>();
  let y = top;
  for (const [lane, slots] of used) {
    const y2 = y + Math.max(1, slots) * rowHeight;
    lanes.set(lane, { x1: 0, x2: axisMs, y1: y, y2 });
    y = y2 + gap;
  }
  const flight = merged.flatMap((bars, row) => {
    const { lane, slot } = rows[row]!;
    const y1 = lanes.get(lane)!.y1 + slot! * rowHeight;
    return bars.map((bar): Band => ({
      ...across(bar, axisMs, axisMs / axisPixels),
      y1,
      y2: y1 + (rowHeight >= 4 ? rowHeight - 1 : rowHeight),
      title: barTitle(bar, running.get(lane)),
      share: running.get(lane),
      bad: bar.status !== "fulfilled",
    }));
  });
  return {
    height: Math.max(y - gap, top),
    labels: laneLabels(timeline, [...lanes]),
    lanes: [...lanes.values()],
    flight,
    hasBars: true,
    // The most tasks joined into one bar.
    most: merged.flat().reduce((most, { tasks }) => Math.max(most, tasks), 1),
  };
}

/** A lane drawn lower than this, in pixels, has no room for a label of its own. */
const LEAST_LABELLED = 11;

function laneLabels(timeline: Timeline, lanes: readonly (readonly [number, Band])[]) {
  const labels = lanes.map(([lane, { y1, y2 }]) => ({
    text: y2 - y1 < LEAST_LABELLED ? "" : laneName(timeline, lane),
    y: (y1 + y2) / 2,
  }));
  const { y } = labels[Math.floor(labels.length / 2)] ?? { y: 0 };
  return labels.length > 1 && labels[0]!.text === ""
    ? [{ text: `${lanes.length} lanes`, y }]
    : labels.filter(({ text }) => text !== "");
}

/** Draws how many tasks were in flight over time, if there are too many for a bar each. */
function crowd(
  { ran, used, running }: Recorded,
  top: number,
  { axisMs, axisPixels }: PanelSpace,
) {
  const depths = depthOverTime(ran, axisMs, Math.max(1, Math.round(axisPixels / 3)));
  const bottom = top + BODY_HEIGHT;
  const share = mean([...running.values()]);
  const words = ({ ended }: Depth) => `in flight, ${formatCount(ended)} ended`;
  return {
    height: bottom,
    labels: [{ text: used.size > 1 ? `${used.size} lanes` : "lane 0", y: (top + bottom) / 2 }],
    lanes: [{ x1: 0, x2: axisMs, y1: top, y2: bottom }] as Band[],
    flight: depthBands(depths, top, bottom, words).map((band): Band => ({ ...band, share })),
    hasBars: false,
    // The most tasks in flight at once.
    most: depths.reduce((most, { depth }) => Math.max(most, depth), 0),
  };
}

/** Draws depths as bands between two heights; the greatest depth fills the whole height. */
function depthBands(
  depths: readonly Depth[],
  top: number,
  bottom: number,
  words: (depth: Depth) => string,
): Band[] {
  const most = depths.reduce((most, { depth }) => Math.max(most, depth), 1);
  return depths.map((stretch) => ({
    x1: stretch.fromMs,
    x2: stretch.toMs,
    y1: bottom - (bottom - top) * stretch.depth / most,
    y2: bottom,
    title: `${formatDuration(stretch.fromMs)} to ${formatDuration(stretch.toMs)}\n` +
      `up to ${tasksText(stretch.depth)} ${words(stretch)}`,
  }));
}

/** Where a bar begins and ends: with a thin gap after it if there is room, and never too narrow to be seen. */
function across(bar: TaskBar, axisMs: number, pixelMs: number): { x1: number; x2: number } {
  const { startedMs, endedMs, tasks } = bar;
  const gap = tasks === 1 && (endedMs - startedMs) / pixelMs > 2.5 ? 0.6 * pixelMs : 0;
  const x2 = Math.max(endedMs - gap, startedMs + 0.8 * pixelMs);
  return { x1: startedMs, x2: Math.min(axisMs, x2) };
}

function barTitle(
  { startedMs, endedMs, queuedMs, status, index, lane, tasks }: TaskBar,
  share: number | undefined,
): string {
  const lines = [
    tasks === 1
      ? `task ${index} on lane ${lane}: ${formatDuration(endedMs - startedMs)}`
      : `${formatCount(tasks)} tasks on lane ${lane}, from task ${index}`,
    `${formatDuration(startedMs)} to ${formatDuration(endedMs)}`,
  ];
  if (tasks === 1) lines.push(`waited ${formatDuration(startedMs - queuedMs)} for a slot`);
  if (share !== undefined) lines.push(`running about ${formatPercent(share)} of it`);
  if (status !== "fulfilled") lines.push(status);
  return lines.join("\n");
}

/** Joins the rows' bars only as far as needed to stay within `maxBars`; undefined if that is impossible. */
function fitted(rows: readonly TaskBar[][], { axisMs, axisPixels, maxBars }: PanelSpace) {
  for (const longest of [JOINED_AT_MOST_PIXELS, Infinity]) {
    const merged = rows.map((bars) => mergeBars(bars, axisMs / axisPixels, longest));
    if (merged.reduce((sum, { length }) => sum + length, 0) <= maxBars) return merged;
  }
}

function waiting(tasks: readonly TimelineTask[], { axisMs, axisPixels }: PanelSpace): Depth[] {
  const waits = tasks.map(({ queuedMs, startedMs, endedMs, slot }) => (
    { startedMs: queuedMs, endedMs: slot === undefined ? endedMs : startedMs }
    // Waits of less than half a pixel can't be drawn.
  )).filter(({ startedMs, endedMs }) => endedMs - startedMs > axisMs / axisPixels / 2);
  return depthOverTime(waits, axisMs, Math.max(1, Math.round(axisPixels / 4)));
}

/**
 * The share of its time in flight that a task on each lane ran, on average: the lane's CPU share, but at
 * most 1 / its mean number of tasks in flight, as a lane is one thread and runs one task at a time. Lanes
 * without a known CPU share are left out.
 */
export function runningShares(
  lanes: Timeline["lanes"],
  ran: readonly TimelineTask[],
): Map<number, number> {
  const byLane = Map.groupBy(ran, ({ lane }) => lane);
  const shares = new Map<number, number>();
  for (const { lane, cpuShare } of lanes) {
    if (typeof cpuShare !== "number" || !(cpuShare >= 0)) continue;
    shares.set(lane, Math.min(1, cpuShare, 1 / meanDepth(byLane.get(lane) ?? [])));
  }
  return shares;
}

/** The mean number of a lane's tasks in flight, over the time in which any was; 1 if it had none. */
function meanDepth(inOrder: readonly TimelineTask[]): number {
  let covered = 0, sum = 0, until = -Infinity;
  for (const { startedMs, endedMs } of inOrder) {
    sum += Math.max(0, endedMs - startedMs);
    covered += Math.max(0, endedMs - Math.max(startedMs, until));
    until = Math.max(until, endedMs);
  }
  return covered > 0 ? sum / covered : 1;
}

/** A task, or the first of several with the same status joined into one bar, up to the last one's end. */
export interface TaskBar extends TimelineTask {
  readonly tasks: number;
}

/**
 * Joins neighbouring bars that have the same status, are each narrower than 1.5 pixels, and have less
 * than half a pixel between them. Wider bars are not joined, and no joined bar becomes wider than
 * `longestPixels`.
 */
export function mergeBars(
  bars: readonly TaskBar[],
  pixelMs: number,
  longestPixels: number,
): TaskBar[] {
  const merged: TaskBar[] = [];
  const thin = (bar: TaskBar) => bar.endedMs - bar.startedMs < pixelMs * 1.5;
  for (const bar of bars) {
    const run = merged.at(-1);
    if (
      run !== undefined && run.status === bar.status && thin(bar) && (run.tasks > 1 || thin(run)) &&
      bar.startedMs - run.endedMs < pixelMs / 2 &&
      bar.endedMs - run.startedMs <= pixelMs * longestPixels
    ) {
      merged[merged.length - 1] = {
        ...run,
        endedMs: Math.max(run.endedMs, bar.endedMs),
        tasks: run.tasks + bar.tasks,
      };
    } else merged.push(bar);
  }
  return merged;
}

/** A stretch of time whose buckets all have the same depth. */
interface Depth {
  readonly fromMs: number;
  readonly toMs: number;
  /** The most spans in flight at any moment of a bucket. */
  readonly depth: number;
  readonly ended: number;
}

/** Counts spans in flight in buckets of time; neighbours of the same depth are joined, empty ones left out. */
export function depthOverTime(
  spans: readonly Pick<TimelineTask, "startedMs" | "endedMs">[],
  endMs: number,
  buckets: number,
): Depth[] {
  const starts = Float64Array.from(spans, ({ startedMs }) => startedMs).sort();
  const ends = Float64Array.from(spans, ({ endedMs }) => endedMs).sort();
  const stretches: Depth[] = [];
  let started = 0, over = 0;
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = endMs * bucket / buckets, to = endMs * (bucket + 1) / buckets;
    let depth = started - over;
    const overBefore = over;
    const last = bucket === buckets - 1;
    // Ends count before starts at the same moment: a task that takes over a slot doesn't add to the depth.
    for (;;) {
      const start = starts[started] ?? Infinity, end = ends[over] ?? Infinity;
      if (end <= start && over < started) {
        if (end > to) break;
        over++;
      } else {
        if (start >= to && !(last && start === to)) break;
        started++;
      }
      depth = Math.max(depth, started - over);
    }
    const ended = over - overBefore;
    const previous = stretches.at(-1);
    if (depth === 0) continue;
    if (previous !== undefined && previous.depth === depth && previous.toMs === from) {
      stretches[stretches.length - 1] = { ...previous, toMs: to, ended: previous.ended + ended };
    } else stretches.push({ fromMs: from, toMs: to, depth, ended });
  }
  return stretches;
}

/** Room around the panels, in pixels. */
const TITLE_HEIGHT = 24;
const PANEL_GAP = 18;
const AXIS_HEIGHT = 34;
const TOP = 8;

/** The pixels between a timeline's edges and its time axis. */
function marginsOf(width: number): { left: number; right: number } {
  return chart.isWide(width) ? { left: 56, right: 62 } : { left: 44, right: 54 };
}

function drawPanels(
  panels: readonly Panel[],
  axisMs: number,
  width: number,
  closeUp: boolean,
  name: Parameters<typeof chart.svg>[2],
): Html {
  const { left, right } = marginsOf(width);
  const wide = chart.isWide(width);
  const x = chart.scale([0, axisMs], [left, width - right]);
  let top = TOP;
  const marks = panels.map((panel) => {
    const body = top + TITLE_HEIGHT;
    top = body + panel.height + PANEL_GAP;
    return panelMarks(panel, body, x, closeUp, wide);
  });
  const bottom = top - PANEL_GAP + 6;
  const ticks = chart.linearTicks(axisMs, wide ? 8 : 4);
  return chart.svg(width, bottom - 6 + AXIS_HEIGHT, name, [
    marks,
    ticks.map((tick) => chart.line(x(tick), 0, x(tick), bottom, { strokeOpacity: 0.1 })),
    chart.axis(x, bottom, ticks),
  ]);
}

function panelMarks(panel: Panel, body: number, x: chart.Scale, closeUp: boolean, wide: boolean) {
  const { result: { model }, timeline, ran: tasks, lanes, queue, flight, labels } = panel;
  const { endMs, height } = panel;
  const colour = chart.modelColour(model);
  const top = body - TITLE_HEIGHT + 8;
  const rect = ({ x1, x2, y1, y2, title }: Band) =>
    chart.rect(x(x1), body + y1, x(x2), body + y2, { title });
  const bands = (name: string, bands: readonly Band[], look: chart.MarkStyle) =>
    chart.marks(name, bands, rect, look);
  const good = flight.filter(({ bad }) => !bad);
  // The lower part of each bar shows the share of its time in which the lane ran the task.
  const ran = good.filter(({ share = 0 }) => share > 0).map((band) => (
    { ...band, y1: band.y2 - (band.y2 - band.y1) * band.share!, title: undefined }
  ));
  const inert = { pointerEvents: "none" };
  // Decisions that fall on the same pixel share a line.
  const decided = Map.groupBy(
    timeline.decisions?.filter(({ atMs }) => atMs <= x.domain[1]) ?? [],
    ({ atMs }) => Math.round(x(atMs)),
  );
  const end = x(Math.min(x.domain[1], endMs)) + 6;
  const done = tasks.filter(({ endedMs }) => endedMs <= x.domain[1]).length;
  const ended = [`${formatCount(done)} of`, `${formatCount(timeline.index.length)} done`];
  const lines = (closeUp ? ended : [formatDuration(endMs)])
    .map((words, i, { length }) =>
      chart.text(words, end, body + height / 2 + (i - (length - 1) / 2) * 14, chart.STRONG)
    );
  return [
    chart.text(model.slice(0, 24), 0, top, { fill: colour, ...chart.STRONG }),
    chart.text(panelNote(panel, wide), 12 + Math.min(24, model.length) * 8, top, chart.SOFT),
    bands("lanes", lanes, { fill: "var(--panel)", ...inert }),
    bands("queue", queue, { fill: "var(--soft)", fillOpacity: 0.26 }),
    bands("flight", good, { fill: colour, fillOpacity: 0.38 }),
    bands("bad", flight.filter(({ bad }) => bad), { fill: "var(--bad)" }),
    bands("running", ran, { fill: colour, ...inert }),
    decided.size > 0 && chart.marks("decided", [...decided], ([at, of]) => {
      const title = of.map((one) => `${decisionText(one)}\nafter ${formatDuration(one.atMs)}`);
      return chart.line(at, body, at, body + height, { title: title.join("\n") });
    }),
    labels.map(({ text, y }) => chart.text(text, 0, body + y, chart.SOFT)),
    lines,
  ];
}

function panelNote({ result, timeline, hasBars, most }: Panel, wide: boolean) {
  const cpuShare = mean(timeline.lanes.flatMap(({ cpuShare }) => cpuShare ?? []));
  const { lanes, slots } = result;
  return [
    `${counted(lanes, "lane")} × ${slots === null ? "all slots" : counted(slots, "slot")}`,
    cpuShare >= 0 && `CPU ${formatPercent(cpuShare)}`,
    wide && hasBars && most > 1 && `up to ${formatCount(most)} tasks in a bar`,
    !hasBars && most > 0 && `up to ${formatCount(most)} in flight`,
  ].filter(Boolean).join(" · ");
}
