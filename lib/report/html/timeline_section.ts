/**
 * The timeline as a figure: what to see in it, all of it and its beginning up close, and its table.
 *
 * @module
 */

import type { Comparison, ModelResult, Timeline } from "../../timing/result.ts";
import { formatDuration, formatPercent } from "../../text/format.ts";
import { assignSlots, hasStarted } from "../slots.ts";
import { formatCount } from "./count.ts";
import { CHART_WIDTHS, figure } from "./figure.ts";
import { type Html, markup } from "./markup.ts";
import { table } from "./table.ts";
import { timelineChart, timelineMargins } from "./timeline_chart.ts";
import { layOutPanel, type Panel } from "./timeline_panel.ts";

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
    const timeline = result.timeline && upright(result.timeline);
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
    const space = { axisMs, axisPixels: width - left - right, maxBars };
    return recorded.map(({ result, timeline }) => layOutPanel(result, timeline, space));
  };
  const draw = (axisMs: number, up: boolean) => (width: number) =>
    timelineChart(panels(axisMs, width), axisMs, width, up, {
      title: up ? `Timeline, the first ${formatDuration(axisMs)}` : "Timeline",
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

/** Columns of one length; a hand-edited file may hold others. */
function upright(timeline: Timeline): Timeline {
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

/** Says what was drawn together because no eye could tell it apart. */
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
