/** The charts of advice: computing and waiting, gains, and where the time goes. */

import type { Advice } from "../../advice/advice.ts";
import type { FlameBar } from "../../advice/profile/job_profile.ts";
import { COMPUTES, WAITS } from "../../judge/thresholds.ts";
import { BASELINE } from "../../models.ts";
import { counted, formatDuration, formatPercent, formatRatio } from "../../text/format.ts";
import type { Interval } from "../../timing/result.ts";
import { htmlTable } from "../document.ts";
import { drawGains, type GainLimit, type GainRow } from "../html/gains_chart.ts";
import { figure, type Html, type Markup, markup, paragraphs } from "../html/markup.ts";
import * as chart from "../html/svg.ts";
import {
  FUNCTION_COLUMNS,
  jobItems,
  modelColumns,
  OWNERS,
  PROFILE_TITLE,
  profileLines,
  remarkOn,
} from "./advice_words.ts";

/** Lanes are for computing and slots for waiting, so these have the colours of workers and concurrent. */
const COLOURS = { computing: "var(--workers)", waiting: "var(--concurrent)" } as const;

/** The 95% interval of a normal distribution reaches this many standard errors to either side. */
const STANDARD_ERRORS = 1.96;

type Split = Pick<Advice, "bound" | "cpuShare" | "sample">;

/** Milliseconds that a task computes and waits, without waits for a CPU that other programs used. */
function timesOf({ cpuShare, sample: { cpuMs, wallMs } }: Split) {
  return { computing: cpuMs, waiting: cpuShare > 0 ? cpuMs * (1 / cpuShare - 1) : wallMs };
}

export function splitFigure(advice: Split, id: string): Html {
  const times = timesOf(advice);
  const { cpuShare: share } = advice;
  return figure({
    id,
    title: "What a task does with its time",
    lead: [
      markup`Up to ${formatPercent(WAITS)} computing a job is <b>I/O-bound</b>, from `,
      markup`${formatPercent(COMPUTES)} on <b>CPU-bound</b>, and <b>mixed</b> between. The fine line
        is the 95% interval.`,
      advice.bound === "small" &&
      " Here neither matters: the whole job is over before a change could pay.",
    ],
    draw: (width) => drawSplit(advice, width),
    table: htmlTable("A task’s time", [
      { head: "part", cell: ({ part }) => part },
      { head: "share", cell: ({ share }) => formatPercent(share) },
      { head: "a task, on average", cell: ({ ms }) => formatDuration(ms) },
    ], [
      { part: "computing", share, ms: times.computing },
      { part: "waiting", share: 1 - share, ms: times.waiting },
    ]),
  });
}

/** The classes of jobs, each with the shares of computing (0 to 1) at which it begins and ends. */
const ZONES = [
  ["io", "I/O-bound", 0, WAITS],
  ["mixed", "mixed", WAITS, COMPUTES],
  ["cpu", "CPU-bound", COMPUTES, 1],
] as const;

function drawSplit(advice: Split, width: number): Html {
  const { bound, sample, cpuShare: share } = advice;
  const times = timesOf(advice);
  const off = STANDARD_ERRORS * sample.cpuShareError;
  const [top, bottom] = [22, 58];
  const x = chart.scale([0, 1], [10, width - 14]);
  const parts = [
    { name: "computing", from: 0, to: share, at: 0, textAnchor: "start" },
    { name: "waiting", from: share, to: 1, at: 1, textAnchor: "end" },
  ] as const;
  const told = parts.map(({ name, from, to }) => `${name} ${formatPercent(to - from)}`);
  return chart.svg(width, bottom + 46, {
    title: "Computing and waiting",
    description: `${told.join(", ")} of a task’s time. I/O-bound is up to ` +
      `${formatPercent(WAITS)} computing, CPU-bound from ${formatPercent(COMPUTES)}.`,
  }, [
    parts.map(({ name, from, to, at, textAnchor }, i) => {
      const fill = COLOURS[name];
      const title = `${told[i]}\n${formatDuration(times[name])} of each task`;
      return [
        chart.group(name, chart.rect(x(from), top, x(to), bottom, { fill, title })),
        chart.text(told[i]!, x(at), top - 12, { textAnchor, fill, ...chart.STRONG }),
      ];
    }),
    chart.line(x(Math.max(0, share - off)), 40, x(Math.min(1, share + off)), 40, chart.FINE),
    chart.marks(
      "threshold",
      [WAITS, COMPUTES],
      (at) =>
        chart.line(x(at), top - 4, x(at), bottom + 6, { ...chart.FINE, strokeDasharray: "5 4" }),
    ),
    chart.axis(x, bottom + 2, [0, WAITS, COMPUTES, 1], formatPercent),
    chart.marks("zone", ZONES, ([zone, name, from, to]) => {
      const look = { textAnchor: "middle", ...(zone === bound ? chart.STRONG : chart.SOFT) };
      return chart.text(name, x((from + to) / 2), bottom + 36, look);
    }),
  ]);
}

/** The gain of the plain loop against itself, which is 1 by definition, whatever the noise. */
const ITSELF: Interval = { median: 1, low: 1, high: 1 };

function canBeDrawn(gain: Interval | null | undefined): gain is Interval {
  return gain != null && gain.median > 0 && Number.isFinite(gain.median);
}

/** The rows of the chart of gains; the plain loop, their baseline, has one only if it is recommended. */
function gainRows({ models, recommended }: Advice): GainRow[] {
  return models.flatMap((model): GainRow[] => {
    const chosen = model.name === recommended.name;
    const plain = model.model === BASELINE;
    const { predictedGain: median, predictedGainLow: low, predictedGainHigh: high } = model;
    const predicted = plain ? ITSELF : { median, low, high };
    const gain = plain ? undefined : model.measured?.gain;
    if ((plain && !chosen) || !canBeDrawn(predicted)) return [];
    return [{
      name: model.name.slice(0, 34),
      colour: chart.modelColour(model.model),
      remark: chosen ? "recommended" : remarkOn(model),
      chosen,
      predicted,
      measured: canBeDrawn(gain) ? gain : null,
      ...(plain && { predictedWords: "1×, by definition" }),
    }];
  });
}

export function gainsFigure(advice: Advice, id: string): Html {
  const items = jobItems(advice);
  const figures = htmlTable(
    `Gains against sequential, for ${items}`,
    modelColumns(advice),
    advice.models,
  );
  const rows = gainRows(advice);
  if (rows.every(({ predictedWords }) => predictedWords !== undefined)) {
    return markup`<section id="${id}">${figures}</section>`;
  }
  const raced = rows.some(({ measured }) => measured !== null);
  const { cores, ceiling } = advice.machine;
  // A ceiling that wasn't measured, as for jobs that wait, is the number of cores.
  const isMeasured = ceiling < cores;
  const limit: GainLimit = {
    ratio: ceiling,
    words: isMeasured ? `ceiling ${formatRatio(ceiling)}` : counted(cores, "core"),
  };
  const marks = raced
    ? markup`<b>Bars</b> were measured, the fine line is the 95% interval; <b>circles</b>`
    : markup`<b>Circles</b>`;
  const dashed = isMeasured
    ? markup`the <b>ceiling</b>: what ${cores} independent processes that share nothing gain on this
      machine.`
    : "the number of cores.";
  return figure({
    id,
    title: raced ? "What was predicted, and what was measured" : "What was predicted",
    lead: markup`Against one after the other, for ${items}. ${marks} are predicted, with the
      prediction’s range. The dashed line is ${dashed} It bounds computing; waiting takes no CPU.`,
    draw: (width) => drawGains(rows, limit, "Predicted and measured gains", width),
    table: figures,
  });
}

export function profileSection(advice: Advice, id: string): Markup {
  const { profile } = advice;
  if (profile === undefined) return false;
  const lines = paragraphs("note", profileLines(advice));
  const known = "missing" in profile ? undefined : profile;
  const own = known && htmlTable("The functions that matter", FUNCTION_COLUMNS, known.functions);
  if (known === undefined || known.flame.length === 0) {
    return markup`<section id="${id}"><h3>${PROFILE_TITLE}</h3>${lines}${own}</section>`;
  }
  const flame = figure({
    id,
    title: PROFILE_TITLE,
    lead:
      markup`Each bar is a function on top of the one that called it, as wide as its share of the
      computing: <b>your code</b> is orange, <b>packages</b> are green, <b>the runtime</b> is grey.`,
    draw: (width) => drawFlame(known.flame, width),
    table: own,
  });
  return [flame, lines];
}

const ROW_HEIGHT = 22;

const MARGIN = 10;

/** The width of a label's character and, below, the space at each end of its bar, in pixels. */
const CHARACTER = 7;

const PADDING = 6;

/** A label that would be cut to fewer characters than this is left out. */
const FEWEST_CHARACTERS = 4;

function labelOf(name: string, pixels: number): string {
  const room = Math.floor((pixels - 2 * PADDING) / CHARACTER);
  if (room < FEWEST_CHARACTERS) return "";
  return name.length <= room ? name : `${name.slice(0, room - 1).toWellFormed()}…`;
}

export function drawFlame(bars: readonly FlameBar[], width: number): Html {
  const levels = bars.reduce((most, { depth }) => Math.max(most, depth + 1), 1);
  const x = chart.scale([0, 1], [MARGIN, width - MARGIN]);
  const drawn = bars.map(({ name, owner, place, depth, from, share }) => {
    const [left, right] = [x(from), x(Math.min(1, from + share))];
    const top = MARGIN + (levels - 1 - depth) * ROW_HEIGHT;
    const { words, colour: fill } = OWNERS[owner];
    const title = `${name}: ${formatPercent(share)}\n${place ?? words}`;
    return { name, left, right, top, title, fill };
  });
  const widest = bars.toSorted((a, b) => b.share - a.share).slice(0, 8);
  return chart.svg(width, levels * ROW_HEIGHT + 2 * MARGIN, {
    title: "Flame graph",
    description: widest.map(({ name, place, share }) =>
      `${name}${place === undefined ? "" : ` (${place})`}: ${formatPercent(share)}`
    ).join("; "),
  }, [
    chart.marks(
      "call",
      drawn,
      ({ left, right, top, fill, title }) =>
        chart.rect(left, top, right, top + ROW_HEIGHT, { fill, stroke: "var(--paper)", title }),
    ),
    chart.marks("call-name", drawn, ({ name, left, right, top }) => {
      const [middle, y] = [(left + right) / 2, top + ROW_HEIGHT / 2];
      const look = { textAnchor: "middle", fill: "var(--paper)" };
      return chart.text(labelOf(name, right - left), middle, y, look);
    }),
  ]);
}
