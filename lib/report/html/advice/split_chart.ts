/**
 * How a task's time splits into computing and waiting, and where the classes begin.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import { formatDuration, formatPercent } from "../../../text/format.ts";
import { figure } from "../figure.ts";
import { type Html, markup } from "../markup.ts";
import { plotToSvg } from "../plot_to_svg.ts";
import { table } from "../table.ts";
import type { Advice } from "../../../advice/advice.ts";
import { COMPUTES, WAITS } from "../../../judge/thresholds.ts";

/** Computing is what lanes are for and waiting what slots are for, so they have those models' colours. */
const COLOURS = { computing: "var(--workers)", waiting: "var(--concurrent)" } as const;

/** So many standard errors to either side hold 95 %. */
const SIDES = 1.96;

/** What is drawn of an advice. */
export type Split = Pick<Advice, "bound" | "cpuShare" | "sample">;

function held(share: number): number {
  return share > 0 ? Math.min(1, share) : 0;
}

/** Per task, in milliseconds; what it waited for a CPU that others used is left out. */
function timesOf({ cpuShare, sample: { cpuMs, wallMs } }: Split) {
  const share = held(cpuShare);
  return { computing: cpuMs, waiting: share > 0 ? cpuMs * (1 / share - 1) : wallMs };
}

/** Writes the figure of computing and waiting. */
export function splitFigure(advice: Split, id: string): Html {
  const times = timesOf(advice);
  const share = held(advice.cpuShare);
  return figure({
    id,
    title: "What a task does with its time",
    lead: markup`Up to ${formatPercent(WAITS)} computing a job is <b>I/O-bound</b>, from ${
      formatPercent(COMPUTES)
    } on <b>CPU-bound</b>, and <b>mixed</b> between. The fine line is the 95% interval.${
      advice.bound === "small" &&
      " Here neither matters: the whole job is over before a change could pay."
    }`,
    draw: (width) => drawSplit(advice, width),
    table: table("A task’s time", [
      { name: "part" },
      { name: "share", figures: true },
      { name: "a task, on average", figures: true },
    ], [
      ["computing", formatPercent(advice.cpuShare), formatDuration(times.computing)],
      ["waiting", formatPercent(1 - share), formatDuration(times.waiting)],
    ]),
  });
}

function drawSplit(advice: Split, width: number): string {
  const { bound, cpuShare, sample } = advice;
  const share = held(cpuShare);
  const times = timesOf(advice);
  const off = SIDES * held(sample.cpuShareError);
  const parts = [
    { name: "computing", from: 0, to: share, at: 0, anchor: "start" as const },
    { name: "waiting", from: share, to: 1, at: 1, anchor: "end" as const },
  ] as const;
  const zones = [
    { bound: "io", name: "I/O-bound", middle: WAITS / 2 },
    { bound: "mixed", name: "mixed", middle: (WAITS + COMPUTES) / 2 },
    { bound: "cpu", name: "CPU-bound", middle: (1 + COMPUTES) / 2 },
  ];
  const words = (name: "computing" | "waiting", of: number) => `${name} ${formatPercent(of)}`;
  return plotToSvg({
    width,
    height: 104,
    marginLeft: 10,
    marginRight: 14,
    marginTop: 22,
    marginBottom: 46,
    x: { domain: [0, 1], label: null },
    y: { domain: ["time"], axis: null, padding: 0 },
    marks: [
      ...parts.flatMap(({ name, from, to, at, anchor }) => [
        Plot.barX([name], {
          y: () => "time",
          x1: () => from,
          x2: () => to,
          fill: COLOURS[name],
          title: () => `${words(name, to - from)}\n${formatDuration(times[name])} of each task`,
          className: name,
        }),
        Plot.text([words(name, to - from)], {
          x: [at],
          frameAnchor: "top",
          textAnchor: anchor,
          dy: -12,
          fill: COLOURS[name],
          className: "strong",
        }),
      ]),
      Plot.ruleY(["time"], {
        y: () => "time",
        x1: () => Math.max(0, share - off),
        x2: () => Math.min(1, share + off),
        stroke: "var(--ink)",
        strokeWidth: 1.5,
      }),
      Plot.ruleX([WAITS, COMPUTES], {
        stroke: "var(--ink)",
        strokeWidth: 1.5,
        strokeDasharray: "5 4",
        insetTop: -4,
        insetBottom: -6,
        className: "threshold",
      }),
      Plot.axisX({
        ticks: [0, WAITS, COMPUTES, 1],
        tickFormat: (at: number) => formatPercent(at),
        tickSize: 6,
        label: null,
      }),
      ...zones.map((zone) =>
        Plot.text([zone.name], {
          x: [zone.middle],
          frameAnchor: "bottom",
          dy: 36,
          fill: zone.bound === bound ? "var(--ink)" : "var(--soft)",
          className: zone.bound === bound ? "strong zone" : "zone",
        })
      ),
    ],
  }, {
    title: "Computing and waiting",
    description: `${words("computing", share)}, ${words("waiting", 1 - share)} of a task’s time. ` +
      `I/O-bound is up to ${formatPercent(WAITS)} computing, CPU-bound from ${
        formatPercent(COMPUTES)
      }.`,
  });
}
