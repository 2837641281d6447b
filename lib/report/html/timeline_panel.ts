/**
 * Where everything in one model's panel of the timeline goes.
 *
 * @module
 */

import type { ModelResult, Timeline } from "../../timing/result.ts";
import { hasStarted } from "../slots.ts";
import { type Depth, depthOverTime } from "./depth.ts";
import { type Bar, mergeBars } from "./merge.ts";
import { preparedFrom } from "./timeline_prepared.ts";

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
export interface LaneBand {
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
export interface PanelSpace {
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

/** The bars joined as little as the room for them allows; undefined if they can't be few enough. */
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
    // Less than half a pixel of waiting is none that could be drawn.
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
