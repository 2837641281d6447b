/**
 * The experiments on switching as charts: ticks on a time axis, and bars.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import type { WhoLetsGo } from "../../switching/switch_result.ts";
import { formatDuration, formatNumber } from "../../text/format.ts";
import { modelColour } from "../html/style.ts";
import { plotToSvg } from "../html/plot.ts";
import { cameText, tickLabel } from "./switch_words.ts";

const TICK_ROW_HEIGHT = 54;
const BAR_ROW_HEIGHT = 46;
const AXES_HEIGHT = 44;
/** Within a row, its name stands above the marks. */
const NAME_DY = -19;

/** Draws each tick as a dot, and the time in which the task computed as a bar behind. */
export function drawTicks({ rows, watchedMs, periodMs }: WhoLetsGo, width: number): string {
  const named = rows.map((row) => ({
    ...row,
    name: tickLabel(row),
    colour: modelColour(row.where === "thread" ? "workers" : "concurrent"),
  }));
  const ticks = named.flatMap(({ name, colour, ticks }) =>
    ticks.map(({ atMs, dueMs }) => ({ name, colour, atMs, lateMs: Math.max(0, atMs - dueMs) }))
  );
  return plotToSvg({
    width,
    height: TICK_ROW_HEIGHT * rows.length + AXES_HEIGHT,
    marginLeft: 10,
    marginRight: 14,
    x: { domain: [0, watchedMs], label: "milliseconds", ticks: width > 500 ? 8 : 4 },
    y: { domain: named.map(({ name }) => name), axis: null, padding: 0.3 },
    marks: [
      Plot.barX(named, {
        y: "name",
        x1: (row) => row.computing.fromMs,
        x2: (row) => row.computing.toMs,
        fill: "var(--line)",
        insetTop: 12,
        title: (row) =>
          `${row.name}: computing for ${
            formatDuration(row.computing.toMs - row.computing.fromMs)
          }, ${cameText(row)} ticks came`,
      }),
      Plot.dot(ticks, {
        y: "name",
        x: "atMs",
        r: 2.2,
        dy: 6,
        fill: "colour",
        title: (tick) =>
          `a tick at ${formatDuration(tick.atMs)}, ${formatDuration(tick.lateMs)} late`,
      }),
      Plot.text(named, {
        y: "name",
        x: 0,
        text: "name",
        dy: NAME_DY,
        textAnchor: "start",
        fill: "var(--ink)",
      }),
    ],
  }, {
    title: "When the ticker had its turn",
    description: `A ticker that wants a turn every ${formatDuration(periodMs)}. ${
      named.map((row) => `${row.name}: ${cameText(row)} ticks came`).join("; ")
    }`,
  });
}

/** A bar. */
export interface Bar {
  /** What it stands for; unique in its chart. */
  readonly name: string;
  /** Its length. */
  readonly value: number;
  /** The length as people read it. */
  readonly text: string;
  /** Whether it is something bad. */
  readonly bad: boolean;
}

/** Draws bars with their names above and their figures behind. */
export function drawBars(bars: readonly Bar[], title: string, width: number): string {
  const greatest = Math.max(1, ...bars.map(({ value }) => value));
  return plotToSvg({
    width,
    height: BAR_ROW_HEIGHT * bars.length + AXES_HEIGHT / 2,
    marginLeft: 10,
    marginRight: 120,
    x: { domain: [0, greatest], axis: null },
    y: { domain: bars.map(({ name }) => name), axis: null, padding: 0.3 },
    marks: [
      Plot.barX(bars, {
        y: "name",
        x: "value",
        fill: (bar) => bar.bad ? "var(--bad)" : modelColour("workers"),
        insetTop: 12,
        title: (bar) => `${bar.name}: ${bar.text} (${formatNumber(bar.value)})`,
      }),
      Plot.text(bars, {
        y: "name",
        x: "value",
        text: "text",
        dx: 6,
        dy: 6,
        textAnchor: "start",
        fill: "var(--ink)",
      }),
      Plot.text(bars, {
        y: "name",
        x: 0,
        text: "name",
        dy: NAME_DY + 3,
        textAnchor: "start",
        fill: "var(--ink)",
      }),
    ],
  }, { title, description: bars.map(({ name, text }) => `${name}: ${text}`).join("; ") });
}
