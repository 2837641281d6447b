/**
 * Where a job's time goes, on a page: sentences, a flame graph that needs no script, and the functions
 * that matter as a table.
 */

import * as Plot from "@observablehq/plot";
import type { Advice } from "../../advice/advice.ts";
import type { FlameBar, JobProfile, Owner } from "../../advice/profile/job_profile.ts";
import {
  FUNCTION_HEADS,
  functionCells,
  ownerWords,
  PROFILE_TITLE,
  profileLines,
} from "../../advice/profile/profile_words.ts";
import { figure } from "../html/figure.ts";
import { htmlTable } from "../table.ts";
import { type Markup, markup } from "../html/markup.ts";
import { plotToSvg } from "../html/plot.ts";
import { formatPercent } from "../../text/format.ts";

/** A profile names fewer functions; an edited file may name more. */
const MOST_ROWS = 20;

function functionsTable({ functions }: JobProfile) {
  return htmlTable(
    "The functions that matter",
    FUNCTION_HEADS.map((head, i) => ({
      head,
      left: i < 3,
      cell: (cells: readonly string[]) => cells[i]!,
    })),
    functions.slice(0, MOST_ROWS).map(functionCells),
  );
}

/** Writes the section; nothing for advice without a profile. */
export function profileSection(advice: Advice, id: string): Markup {
  const { profile } = advice;
  if (profile === undefined) return false;
  const lines = profileLines(advice).map((line) => markup`<p class="note">${line}</p>`);
  const known = "missing" in profile ? undefined : profile;
  const own = known && functionsTable(known);
  if (known === undefined || known.flame.length === 0) {
    return markup`<section id="${id}"><h3>${PROFILE_TITLE}</h3>${lines}${own}</section>`;
  }
  return markup`${
    figure({
      id,
      title: PROFILE_TITLE,
      lead:
        markup`Each bar is a function on top of the one that called it, as wide as its share of the
      computing: <b>your code</b> is orange, <b>packages</b> are green, <b>the runtime</b> is grey.`,
      draw: (width) => drawFlame(known.flame, width),
      table: own,
    })
  }${lines}`;
}

const ROW_HEIGHT = 22;
const MARGIN = 10;
/** Room that a character of a label takes, and that a label keeps from its bar's ends. */
const CHARACTER = 7;
const PADDING = 6;
/** A label that must be cut shorter than this is left out. */
const FEWEST_CHARACTERS = 4;
/** A profile has fewer and lower bars; an edited file may not. */
const MOST_BARS = 400;
const DEEPEST = 40;

/** Without a prototype, since what is looked up in it comes from a file. */
const COLOURS: Readonly<Record<Owner, string>> = Object.assign(Object.create(null), {
  own: "var(--workers)",
  packages: "var(--limited)",
  runtime: "var(--sequential)",
});

/** A share of an edited file, from 0 to 1. */
export function clamped(share: number): number {
  return share > 0 ? Math.min(1, share) : 0;
}

function labelOf(name: string, pixels: number): string {
  const room = Math.floor((pixels - 2 * PADDING) / CHARACTER);
  if (room < FEWEST_CHARACTERS) return "";
  return name.length <= room ? name : `${name.slice(0, room - 1).toWellFormed()}…`;
}

/** Draws bars, callers at the bottom. */
export function drawFlame(bars: readonly FlameBar[], width: number): string {
  const room = width - 2 * MARGIN;
  const drawn = bars.slice(0, MOST_BARS).filter(({ depth }) => depth >= 0 && depth < DEEPEST).map(
    ({ name, owner, place, depth, from, share }) => {
      const [left, right] = [clamped(from), clamped(clamped(from) + clamped(share))];
      const level = Math.floor(depth);
      return {
        left,
        right,
        bottom: level,
        top: level + 1,
        middle: (left + right) / 2,
        colour: COLOURS[owner] ?? "var(--other)",
        label: labelOf(name, (right - left) * room),
        title: `${name}: ${formatPercent(share)}\n${place ?? ownerWords(owner)}`,
      };
    },
  );
  const levels = Math.max(1, ...drawn.map(({ top }) => top));
  const widest = bars.slice(0, MOST_BARS).toSorted((a, b) => b.share - a.share).slice(0, 8);
  return plotToSvg({
    width,
    height: levels * ROW_HEIGHT + 2 * MARGIN,
    margin: MARGIN,
    x: { domain: [0, 1], axis: null },
    y: { domain: [0, levels], axis: null },
    marks: [
      Plot.rect(drawn, {
        x1: "left",
        x2: "right",
        y1: "bottom",
        y2: "top",
        fill: "colour",
        stroke: "var(--paper)",
        strokeWidth: 1,
        title: "title",
        className: "call",
      }),
      Plot.text(drawn.filter(({ label }) => label !== ""), {
        x: "middle",
        y: (bar: { bottom: number }) => bar.bottom + 0.5,
        text: "label",
        fill: "var(--paper)",
        className: "call-name",
      }),
    ],
  }, {
    title: "Flame graph",
    description: widest.map(({ name, place, share }) =>
      `${name}${place === undefined ? "" : ` (${place})`}: ${formatPercent(share)}`
    ).join("; "),
  });
}
