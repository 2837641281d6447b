/** Charts as inline SVG, drawn mark by mark in CSS pixels; scales, axes, and bars. */

import { escape } from "@std/html/entities";
import { formatDuration } from "../../text/format.ts";
import { Html, type Markup, markup } from "./markup.ts";
import { isModel } from "../../models.ts";

/** A mark's SVG attributes, with their names in camel case, and the text of its tooltip as `title`. */
export type MarkStyle = Readonly<Record<string, string | number | undefined>>;

/** Writes a mark; nothing if a coordinate isn't finite, as values of an edited file may not be. */
function mark(name: string, places: Readonly<Record<string, number>>, look: MarkStyle, words = "") {
  const { title, ...rest } = look;
  const numbers = Object.entries(places);
  if (!numbers.every(([, place]) => Number.isFinite(place))) return new Html("");
  const rounded = numbers.map(([name, place]) => [name, Math.round(place * 100) / 100] as const);
  const attributes = attributesOf({ ...Object.fromEntries(rounded), ...rest });
  const tip = title === undefined ? "" : `<title>${escape(String(title))}</title>`;
  return new Html(`<${name}${attributes}>${tip}${escape(words)}</${name}>`);
}

function attributesOf(look: MarkStyle): Html {
  const written = Object.entries(look).filter(([, value]) => value !== undefined).map(
    ([name, value]) =>
      ` ${name.replace(/[A-Z]/g, (sign) => `-${sign.toLowerCase()}`)}="${escape(String(value))}"`,
  );
  return new Html(written.join(""));
}

export function rect(x1: number, y1: number, x2: number, y2: number, look: MarkStyle): Html {
  return mark("rect", { x: x1, y: y1, width: Math.max(0, x2 - x1), height: y2 - y1 }, look);
}

export function line(x1: number, y1: number, x2: number, y2: number, look: MarkStyle = {}): Html {
  return mark("line", { x1, y1, x2, y2 }, { stroke: "var(--ink)", ...look });
}

export function dot(cx: number, cy: number, r: number, look: MarkStyle): Html {
  return mark("circle", { cx, cy, r }, look);
}

/** Writes words that start, end or are centred at `x`, as `textAnchor` says; `y` is their mid-height. */
export function text(words: string, x: number, y: number, look: MarkStyle = {}): Html {
  return words === "" ? markup`` : mark("text", { x, y }, { dy: "0.32em", ...look }, words);
}

export function curve(points: readonly (readonly [x: number, y: number])[], look: MarkStyle): Html {
  const drawn = points.filter((point) => point.every(Number.isFinite));
  const d = drawn.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L");
  return drawn.length < 2 ? markup`` : mark("path", {}, { fill: "none", d: `M${d}`, ...look });
}

/** Groups marks of one kind with a common look; the up and down keys step from group to group. */
export function group(name: string, marks: Markup, look: MarkStyle = {}): Html {
  return markup`<g${attributesOf({ class: name, ...look })}>${marks}</g>`;
}

/** Groups the marks that `draw` makes of each row. */
export function marks<Row>(
  name: string,
  rows: readonly Row[],
  draw: (row: Row) => Markup,
  look?: MarkStyle,
): Html {
  return group(name, rows.map((row) => draw(row)), look);
}

/** A chart's title and a description of its data, for readers who can't see it. */
type ChartName = { readonly title: string; readonly description: string };

export function svg(width: number, height: number, name: ChartName, marks: Markup): Html {
  return markup`<svg role="img" aria-label="${name.title}" aria-description="${name.description}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" class="plot">${marks}</svg>`;
}

/** Whether a chart has room for more words and ticks. */
export function isWide(width: number): boolean {
  return width > 500;
}

/** The looks of text: strong for figures, soft for details, and a halo where lines cross it. */
export const STRONG = { class: "strong" } as const;
export const SOFT = { fill: "var(--soft)" } as const;
export const HALO = { stroke: "var(--paper)", strokeWidth: 5 } as const;
/** The looks of lines: fine for intervals and medians, and red for limits. */
export const FINE = { strokeWidth: 1.5 } as const;
export const LIMIT = { stroke: "var(--bad)", strokeWidth: 1.5 } as const;

/** Maps values to places on an axis. */
export interface Scale {
  (value: number): number;
  readonly isLog: boolean;
  readonly domain: readonly [low: number, high: number];
  invert(place: number): number;
}

export function scale(
  domain: readonly [number, number],
  [from, to]: readonly [number, number],
  isLog = false,
): Scale {
  const [forth, back] = isLog ? [Math.log, Math.exp] : [Number, Number];
  const [low, high] = domain.map(forth) as [number, number];
  const place = (value: number) => from + (forth(value) - low) / (high - low || 1) * (to - from);
  const invert = (at: number) => back(low + (at - from) / (to - from) * (high - low));
  return Object.assign(place, { isLog, domain, invert });
}

/** Multiples of 1, 2, 2.5 or 5 times a power of ten from `low` to `high`: at most `most` beside the first. */
export function linearTicks(high: number, most: number, low = 0): number[] {
  const length = high - low;
  const power = 10 ** Math.floor(Math.log10(length / most));
  const step = [1, 2, 2.5, 5, 10].find((n) => length / (n * power) <= most)! * power;
  if (!(step > 0) || !Number.isFinite(step)) return [low];
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step + 1e-6) - first + 1;
  // Multiplied rather than added up, so that rounding errors don't add up.
  return Array.from({ length: count }, (_, i) => (first + i) * step);
}

/** Ticks at 1, 2 and 5 times powers of ten; if these are too many, at powers of ten or every n-th of them. */
function logTicks(high: number, most: number, low: number): number[] {
  const powers = Array.from({ length: 33 }, (_, i) => 10 ** (i - 16));
  const within = (values: number[]) => values.filter((value) => value >= low && value <= high);
  const all = within(powers.flatMap((power) => [power, 2 * power, 5 * power]));
  const step = Math.ceil(within(powers).length / most);
  return all.length <= most ? all : within(powers.filter((_, i) => (i - 16) % step === 0));
}

export function ticksOf({ isLog, domain: [low, high] }: Scale, most: number): number[] {
  return (isLog ? logTicks : linearTicks)(high, most, low);
}

/** An axis below a chart, of times in milliseconds unless `format` is given. */
export function axis(
  x: Scale,
  bottom: number,
  ticks: readonly number[],
  format: (value: number) => string = (ms) => tickTime(ms),
): Html {
  return group("ticks", [
    ticks.map((tick) => line(x(tick), bottom, x(tick), bottom + 4, { stroke: "currentColor" })),
    ticks.map((tick) => text(format(tick), x(tick), bottom + 13, { textAnchor: "middle" })),
  ]);
}

/** A time at a tick, without the trailing zeros that tables keep. */
export function tickTime(ms: number, format = formatDuration): string {
  return ms === 0 ? "0" : format(ms).replace(/(\.\d*?)0+(?=\D*$)/, "$1").replace(/\.(?=\D*$)/, "");
}

/** A model's colour, the same in every chart; unknown models share one. */
export function modelColour(model: string): string {
  return `var(--${isModel(model) ? model : "other"})`;
}

type NamedRow = { readonly name: string; readonly colour: string };

/** A model's row: its name, cut to the room in the margin, and its colour. */
export function modelRow(model: string): NamedRow {
  return { name: model.slice(0, 24), colour: modelColour(model) };
}

export function rowName({ name, colour }: NamedRow, left: number, y: number): Html {
  return text(name, left - 10, y, { textAnchor: "end", fill: colour, ...STRONG });
}

export type Bar = NamedRow & { readonly value: number; readonly words: string };

/** Draws bars followed by their figures; names are in a left margin of `left` pixels, or else above bars. */
export function drawBars(
  bars: readonly Bar[],
  { title, width, left }: { title: string; width: number; left?: number },
): Html {
  const [height, inset, right] = left === undefined ? [54, 25, 120] : [30, 5, 74];
  const from = left ?? 10;
  const greatest = Math.max(1e-9, ...bars.map(({ value }) => value || 0));
  const x = scale([0, greatest], [from, width - right]);
  const bottom = bars.length * height + 8;
  const said = ({ name, words }: Bar) => `${name}: ${words}`;
  const rows = bars.map((bar, i) => {
    const top = 4 + i * height;
    return { bar, top, from: top + inset, to: top + height - Math.min(8, inset) };
  });
  return svg(width, bottom, { title, description: bars.map(said).join("; ") }, [
    marks(
      "bar",
      rows,
      ({ bar, ...at }) =>
        rect(from, at.from, x(bar.value), at.to, { fill: bar.colour, title: said(bar) }),
    ),
    rows.map(({ bar, top, ...at }) => [
      left === undefined
        ? text(bar.name, from + 4, top + 16)
        : rowName(bar, from, top + height / 2),
      text(bar.words, x(bar.value) + 8, (at.from + at.to) / 2, STRONG),
    ]),
    line(from, 4, from, bottom - 4),
  ]);
}
