/**
 * Where everything in one model's panel of the timeline goes: which tasks are one bar, how many were in
 * flight, how many waited, and what share of a task's time its lane was running it.
 *
 * @module
 */

import { assignSlots, hasStarted, type Slots, startOrder } from "../slots.ts";
import type { ModelResult, Timeline } from "../../timing/result.ts";

/** A bar in its place; pixels count from the panel's top. */
export interface PlacedBar extends Bar {
  /** The lane it ran on. */
  readonly lane: number;
  /** Its upper edge. */
  readonly top: number;
  /** Its height. */
  readonly height: number;
  /** How much of it the lane was running, 0 to 1; undefined where it couldn't be told. */
  readonly running: number | undefined;
}

/** A lane's band in its panel. */
interface LaneBand {
  /** What stands beside it; "" where there is no room. */
  readonly label: string;
  /** Its upper edge, in pixels from the panel's top. */
  readonly top: number;
  /** Its height in pixels. */
  readonly height: number;
}

/** One model's panel. */
export interface Panel {
  /** The model's name. */
  readonly model: string;
  /** Its lanes and the slots on each; null stands for all items at once. */
  readonly size: { readonly lanes: number; readonly slots: number | null };
  /** The mean of its lanes' CPU shares, 0 to 1; undefined where none could be told. */
  readonly cpuShare: number | undefined;
  /** The bars: every task in flight, or runs of them. */
  readonly bars: readonly PlacedBar[];
  /** In place of bars where there are too many: how many tasks were in flight. */
  readonly depth: readonly (Depth & { readonly running: number | undefined })[];
  /** How many tasks waited for a slot. */
  readonly queue: readonly Depth[];
  /** Its lanes' bands. */
  readonly lanes: readonly LaneBand[];
  /** Height of the strip of waiting tasks; 0 without one. */
  readonly queueHeight: number;
  /** Its height in pixels, without its title. */
  readonly height: number;
  /** When its last task ended. */
  readonly endMs: number;
  /** How many tasks ended before the axis did. */
  readonly done: number;
  /** How many tasks it has in all. */
  readonly tasks: number;
  /** Tasks that never started. */
  readonly neverStarted: number;
  /** The widest run of joined bars, in tasks; 1 if each bar is a task. */
  readonly mostTasksInABar: number;
}

/** What a panel is drawn for. */
interface PanelSpace {
  /** Where the time axis ends, in milliseconds. */
  readonly axisMs: number;
  /** How wide the axis is, in pixels. */
  readonly axisPixels: number;
  /** How many bars it may have. */
  readonly maxBars: number;
}

const BODY_HEIGHT = 132;
const ROW_HEIGHT = 15;
const QUEUE_HEIGHT = 9;
/** Rows thinner than this can't be told apart. */
const MIN_ROW_HEIGHT = 0.7;
const JOINED_AT_MOST_PIXELS = 12;

/** Lays out one model's panel. */
export function layOutPanel(result: ModelResult, timeline: Timeline, space: PanelSpace): Panel {
  const { slot, used, running, started } = preparedFrom(timeline);
  const rowsOf = [...used].map(([lane, slots]) => ({ lane, slots: Math.max(1, slots) }));
  const rows = rowsOf.reduce((sum, { slots }) => sum + slots, 0);
  const queue = waiting(timeline, space);
  const queueHeight = queue.length > 0 ? QUEUE_HEIGHT : 0;
  const top = queueHeight > 0 ? queueHeight + 3 : 0;

  const facts = {
    model: result.model,
    size: { lanes: result.lanes, slots: result.slots },
    cpuShare: meanOf(timeline.lanes.flatMap(({ cpuShare }) => cpuShare ?? [])),
    queue,
    queueHeight,
    endMs: started.reduce((end, at) => Math.max(end, timeline.endedMs[at]!), 0),
    done: started.filter((at) => timeline.endedMs[at]! <= space.axisMs).length,
    tasks: timeline.index.length,
    neverStarted: timeline.index.length - started.length,
  };

  const rowHeight = Math.min(ROW_HEIGHT, BODY_HEIGHT / Math.max(1, rows));
  const gap = rowHeight >= 6 ? 3 : rowHeight >= 2 ? 1 : 0;
  const firstRow = new Map<number, number>();
  const lanes: LaneBand[] = [];
  let y = top;
  for (const { lane, slots } of rowsOf) {
    firstRow.set(lane, y);
    const height = slots * rowHeight;
    lanes.push({ label: height >= 11 ? `lane ${lane}` : "", top: y, height });
    y += height + gap;
  }
  if (lanes.length > 1 && lanes[0]!.label === "") {
    const middle = Math.floor(lanes.length / 2);
    lanes[middle] = { ...lanes[middle]!, label: `${lanes.length} lanes` };
  }

  const byRow = new Map<string, { lane: number; top: number; bars: Bar[] }>();
  for (const at of started) {
    if (timeline.startedMs[at]! > space.axisMs) continue;
    const lane = timeline.lane[at]!, key = `${lane}/${slot[at]}`;
    if (!byRow.has(key)) {
      byRow.set(key, { lane, top: firstRow.get(lane)! + slot[at]! * rowHeight, bars: [] });
    }
    byRow.get(key)!.bars.push(barOf(timeline, at));
  }
  const bars = rowHeight < MIN_ROW_HEIGHT ? undefined : fitted([...byRow.values()], space)?.map(
    ({ bar, lane, top }) => ({
      ...bar,
      lane,
      top,
      height: rowHeight >= 4 ? rowHeight - 1 : rowHeight,
      running: running.get(lane),
    }),
  );
  if (bars !== undefined) {
    const mostTasksInABar = bars.reduce((most, { tasks }) => Math.max(most, tasks), 1);
    return { ...facts, bars, depth: [], lanes, height: Math.max(y - gap, top), mostTasksInABar };
  }
  return {
    ...facts,
    bars: [],
    depth: inFlight(timeline, started, space, running),
    lanes: [{
      label: lanes.length > 1 ? `${lanes.length} lanes` : "lane 0",
      top,
      height: BODY_HEIGHT,
    }],
    height: top + BODY_HEIGHT,
    mostTasksInABar: 1,
  };
}

function barOf(timeline: Timeline, at: number): Bar {
  return {
    fromMs: timeline.startedMs[at]!,
    toMs: timeline.endedMs[at]!,
    status: timeline.status[at] ?? "",
    index: timeline.index[at]!,
    queuedForMs: timeline.startedMs[at]! - (timeline.queuedMs[at] ?? NaN),
    tasks: 1,
  };
}

/** The bars, joined no more than it takes to be few enough; undefined if they can't be. */
function fitted(
  rows: readonly { lane: number; top: number; bars: Bar[] }[],
  { axisMs, axisPixels, maxBars }: PanelSpace,
): { bar: Bar; lane: number; top: number }[] | undefined {
  const pixelMs = axisMs / axisPixels;
  for (const longest of [JOINED_AT_MOST_PIXELS, Infinity]) {
    const bars = rows.flatMap(({ lane, top, bars }) =>
      mergeBars(bars, pixelMs, longest).map((bar) => ({ bar, lane, top }))
    );
    if (bars.length <= maxBars) return bars;
  }
}

function waiting(timeline: Timeline, { axisMs, axisPixels }: PanelSpace): Depth[] {
  const from: number[] = [], to: number[] = [];
  timeline.queuedMs.forEach((queuedMs, at) => {
    const end = hasStarted(timeline, at) ? timeline.startedMs[at] : timeline.endedMs[at];
    // Waits of less than half a pixel can't be drawn.
    if (Number.isFinite(queuedMs) && end! - queuedMs > axisMs / axisPixels / 2) {
      from.push(queuedMs);
      to.push(end!);
    }
  });
  return depthOverTime(from, to, axisMs, Math.max(1, Math.round(axisPixels / 4)));
}

function inFlight(
  timeline: Timeline,
  started: readonly number[],
  { axisMs, axisPixels }: PanelSpace,
  shares: ReadonlyMap<number, number>,
): Panel["depth"] {
  const running = meanOf([...shares.values()]);
  return depthOverTime(
    started.map((at) => timeline.startedMs[at]!),
    started.map((at) => timeline.endedMs[at]!),
    axisMs,
    Math.max(1, Math.round(axisPixels / 3)),
  ).map((depth) => ({ ...depth, running }));
}

function meanOf(values: readonly number[]): number | undefined {
  return values.length === 0
    ? undefined
    : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** What of a timeline is the same at any size. */
interface Prepared extends Slots {
  /** The running share of the tasks on each lane, by lane. */
  readonly running: ReadonlyMap<number, number>;
  /** The places of the tasks that started, in the order in which they did. */
  readonly started: readonly number[];
}

const preparedTimelines = new WeakMap<Timeline, Prepared>();

/** Works out, once for each timeline, what doesn't depend on the size it is drawn at. */
function preparedFrom(timeline: Timeline): Prepared {
  const known = preparedTimelines.get(timeline);
  if (known !== undefined) return known;
  const prepared = {
    ...assignSlots(timeline),
    running: runningShares(timeline),
    started: startOrder(timeline),
  };
  preparedTimelines.set(timeline, prepared);
  return prepared;
}

/**
 * The running share of the tasks on each lane: the lane's CPU share, but no more than its even part
 * of the lane. A lane is one thread: of the tasks in flight on it at once only one runs. Lanes whose
 * CPU time couldn't be told are missing.
 */
export function runningShares(timeline: Timeline): Map<number, number> {
  const spans = new Map<number, { from: number; to: number }[]>();
  for (let at = 0; at < timeline.index.length; at++) {
    if (!hasStarted(timeline, at)) continue;
    const lane = timeline.lane[at]!;
    if (!spans.has(lane)) spans.set(lane, []);
    spans.get(lane)!.push({ from: timeline.startedMs[at]!, to: timeline.endedMs[at]! });
  }
  const shares = new Map<number, number>();
  for (const { lane, cpuShare } of timeline.lanes) {
    if (typeof cpuShare !== "number" || !(cpuShare >= 0)) continue;
    shares.set(lane, Math.min(1, cpuShare, 1 / meanDepth(spans.get(lane) ?? [])));
  }
  return shares;
}

/** How many spans there are at once, on average over the time in which there is any; 1 for none. */
function meanDepth(spans: { from: number; to: number }[]): number {
  spans.sort((a, b) => a.from - b.from);
  let covered = 0, sum = 0, until = -Infinity;
  for (const { from, to } of spans) {
    sum += Math.max(0, to - from);
    covered += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return covered > 0 ? sum / covered : 1;
}

/** One bar: a task in flight, or a run of them. */
export interface Bar {
  /** Where it begins, in milliseconds. */
  readonly fromMs: number;
  /** Where it ends, in milliseconds. */
  readonly toMs: number;
  /** How the task ended; the same for all of a run. */
  readonly status: string;
  /** The first task's index among the items. */
  readonly index: number;
  /** How long the first task waited for a slot, in milliseconds. */
  readonly queuedForMs: number;
  /** How many tasks it stands for. */
  readonly tasks: number;
}

/**
 * Joins neighbours that ended alike, are each narrower than about a pixel, and have less than half
 * a pixel between them. A bar wide enough to be seen stays itself, and no run becomes wider than
 * `longestPixels`.
 */
export function mergeBars(bars: readonly Bar[], pixelMs: number, longestPixels: number): Bar[] {
  const merged: Bar[] = [];
  const thin = (bar: Bar) => bar.toMs - bar.fromMs < pixelMs * 1.5;
  for (const bar of bars) {
    const run = merged.at(-1);
    if (
      run !== undefined && run.status === bar.status && thin(bar) && (run.tasks > 1 || thin(run)) &&
      bar.fromMs - run.toMs < pixelMs / 2 && bar.toMs - run.fromMs <= pixelMs * longestPixels
    ) {
      merged[merged.length - 1] = {
        ...run,
        toMs: Math.max(run.toMs, bar.toMs),
        tasks: run.tasks + bar.tasks,
      };
    } else merged.push(bar);
  }
  return merged;
}

/** A stretch of time in which the count stayed the same. */
interface Depth {
  /** Where it begins, in milliseconds. */
  readonly fromMs: number;
  /** Where it ends, in milliseconds. */
  readonly toMs: number;
  /** The most at any moment of it. */
  readonly depth: number;
  /** How many ended in it. */
  readonly ended: number;
}

/**
 * Counts spans in flight over time, in buckets no wider than the eye can tell apart. Neighbouring
 * buckets of the same depth become one.
 */
export function depthOverTime(
  fromMs: readonly number[],
  toMs: readonly number[],
  endMs: number,
  buckets: number,
): Depth[] {
  const starts = Float64Array.from(fromMs).sort();
  const ends = Float64Array.from(toMs).sort();
  const stretches: Depth[] = [];
  let started = 0, over = 0;
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = endMs * bucket / buckets, to = endMs * (bucket + 1) / buckets;
    let depth = started - over;
    const overBefore = over;
    const last = bucket === buckets - 1;
    // Ends count before starts at the same moment: a slot that is handed on is one slot.
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
