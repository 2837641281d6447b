/**
 * Observable Plot's charts as text, drawn without a browser; charts of rows, and axes of ratios and times.
 */

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { markup } from "./markup.ts";
import { modelColour } from "./style.ts";
import { formatDuration } from "../../text/format.ts";

/** What a chart is called, and for whom it is drawn. */
export interface ChartName {
  readonly title: string;
  /** What it shows, in a sentence, for those who can't see it. */
  readonly description: string;
}

/** Lengths and places, of which a hundredth of a pixel is exact enough. */
const GEOMETRY = "x y width height x1 x2 y1 y2 cx cy d transform".split(" ");

interface DrawnElement {
  getAttribute(name: string): string | null;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  remove(): void;
  querySelectorAll(selector: string): Iterable<DrawnElement>;
  readonly outerHTML: string;
}

/**
 * Draws a chart as an inline SVG that a strict content-security policy accepts: no style element, no
 * style attributes, and names for screen readers.
 */
export function plotToSvg(options: Plot.PlotOptions, name: ChartName): string {
  // linkedom's types name a whole browser window, of which Deno's know nothing.
  const { document } = parseHTML("<!doctype html><html><body></body></html>") as unknown as {
    document: Plot.PlotOptions["document"];
  };
  const svg = Plot.plot({ ...options, document, className: "plot" }) as unknown as DrawnElement;
  for (const style of svg.querySelectorAll("style")) style.remove();
  for (const element of svg.querySelectorAll("*")) tidy(element);
  for (const attribute of ["font-family", "font-size", "fill", "style"]) {
    svg.removeAttribute(attribute);
  }
  // The names come last, as linkedom leaves "<" in attributes alone.
  const label = markup`aria-label="${name.title}" aria-description="${name.description}"`;
  return svg.outerHTML.replace(/^<svg /, () => `<svg role="img" ${label} `);
}

function tidy(element: DrawnElement): void {
  element.removeAttribute("style");
  // The picture has one name; Plot's for its parts stay for style sheets, as groups may have none.
  const part = element.getAttribute("aria-label");
  element.removeAttribute("aria-label");
  if (part !== null) element.setAttribute("data-part", part);
  for (const attribute of GEOMETRY) {
    const value = element.getAttribute(attribute);
    if (value !== null && value.includes(".")) {
      element.setAttribute(attribute, value.replace(/-?\d+\.\d+(e-?\d+)?/g, rounded));
    }
  }
}

function rounded(number: string): string {
  return String(Math.round(Number(number) * 100) / 100);
}

/** Whether a chart has room for more words and ticks. */
export function isWide(width: number): boolean {
  return width > 500;
}

/** A chart of rows below each other, on one axis. */
interface RowChart {
  readonly width: number;
  /** What the rows are called; unique. */
  readonly rows: readonly string[];
  readonly rowHeight: number;
  /** The share of a row that is left empty. */
  readonly padding?: number;
  readonly margins: { readonly top: number; right: number; bottom: number; left: number };
  readonly x: Plot.ScaleOptions;
  readonly marks: Plot.Markish[];
}

/** Draws a chart of rows; its marks' `y` is a row's name. */
export function rowChart(
  { width, rows, rowHeight, padding = 0, margins: { top, right, bottom, left }, x, marks }:
    RowChart,
  name: ChartName,
): string {
  return plotToSvg({
    width,
    height: top + rows.length * rowHeight + bottom,
    marginTop: top,
    marginRight: right,
    marginBottom: bottom,
    marginLeft: left,
    x: { label: null, ...x },
    y: { type: "band", domain: [...rows], axis: null, padding },
    marks,
  }, name);
}

/** What a row is called, and the colour of its name. */
interface NamedRow {
  readonly name: string;
  readonly colour: string;
}

/** A model's row: the name cut to what has room, and the colour. */
export function modelRow(model: string): NamedRow {
  return { name: model.slice(0, 24), colour: modelColour(model) };
}

/** Figures behind a mark, and what is said behind them. */
export const BESIDE = { textAnchor: "start", dx: 8, className: "strong" } as const;
export const SOFTLY = { textAnchor: "start", fill: "var(--soft)" } as const;
/** The lines of intervals and medians, and of what can't be gone beyond. */
export const FINE = { stroke: "var(--ink)", strokeWidth: 1.5 } as const;
export const LIMIT = { stroke: "var(--bad)", strokeWidth: 1.5, strokeDasharray: "5 4" } as const;

/** The names of rows, in the left margin. */
export function rowNames(
  rows: readonly NamedRow[],
  place: Plot.TextOptions = { y: "name" },
): Plot.Markish {
  return Plot.text(rows, {
    ...place,
    text: "name",
    frameAnchor: "left",
    textAnchor: "end",
    dx: -10,
    fill: "colour",
    className: "strong",
  });
}

/** A bar that starts at 0. */
export interface Bar extends NamedRow {
  readonly value: number;
  /** The value as people read it. */
  readonly words: string;
}

/** Draws bars with their figures behind; their names stand in a left margin, or else above them. */
export function drawBars(
  bars: readonly Bar[],
  { title, width, left }: {
    readonly title: string;
    readonly width: number;
    readonly left?: number;
  },
): string {
  const above = left === undefined;
  const greatest = Math.max(1e-9, ...bars.map(({ value }) => value || 0));
  return rowChart({
    width,
    rows: bars.map(({ name }) => name),
    rowHeight: above ? 54 : 30,
    padding: above ? 0.3 : 0.36,
    margins: { top: 4, right: above ? 120 : 74, bottom: 4, left: left ?? 10 },
    x: { domain: [0, greatest], axis: null },
    marks: [
      Plot.barX(bars, {
        y: "name",
        x: "value",
        fill: "colour",
        insetTop: above ? 17 : 0,
        title: ({ name, words }) => `${name}: ${words}`,
        className: "bar",
      }),
      above
        ? Plot.text(bars, { y: "name", x: 0, text: "name", textAnchor: "start", dx: 4, dy: -11 })
        : rowNames(bars),
      Plot.text(bars, { y: "name", x: "value", text: "words", ...BESIDE, dy: above ? 8.5 : 0 }),
      Plot.ruleX([0], { stroke: "var(--ink)" }),
    ],
  }, { title, description: bars.map(({ name, words }) => `${name}: ${words}`).join("; ") });
}

/** Beyond this ratio a linear axis would hide the smaller gains. */
const LINEAR_UP_TO = 10;

export interface RatioAxis {
  readonly x: { readonly type: "log" | "linear"; readonly domain: [low: number, high: number] };
  /** The ratio, or the end of the axis that it lies beyond. */
  clamped(ratio: number): number;
  mark(width: number): Plot.Markish;
}

/** Ratios that are 1, 2 or 5 times a power of ten; only powers, or every so many, where those are too many. */
function ratioTicks(low: number, high: number, most: number): number[] {
  const powers = Array.from({ length: 32 }, (_, i) => 10 ** (i - 16));
  const within = (ratios: number[]) => ratios.filter((ratio) => ratio >= low && ratio <= high);
  const all = within(powers.flatMap((power) => [power, 2 * power, 5 * power]));
  const step = Math.ceil(within(powers).length / most);
  return all.length <= most ? all : within(powers.filter((_, i) => (i - 16) % step === 0));
}

/** An axis that holds some ratios, and 1. */
export function ratioAxis(ratios: readonly number[]): RatioAxis {
  const values = ratios.concat(1).filter((value) => value > 0);
  const least = Math.min(...values), most = Math.max(...values);
  const low = least < 1 ? least * 0.9 : 1, high = most > 1 ? most * 1.02 : 1.1;
  const log = high / low > LINEAR_UP_TO;
  return {
    x: { type: log ? "log" : "linear", domain: [low, high] },
    clamped: (ratio) => Math.min(high, Math.max(low, ratio || low)),
    mark: (width) => {
      const wide = isWide(width);
      const ticks = log ? ratioTicks(low, high, wide ? 12 : 5) : wide ? 6 : 3;
      // As `text`, since of a logarithmic axis some are left out with `tickFormat`.
      const text = (ratio: number) => `${Number(ratio.toPrecision(3))}×`;
      return Plot.axisX({ ticks, tickSize: 4, text, label: null });
    },
  };
}

/** The ticks of an axis of times: at 1, 2, 2.5 or 5 times a power of ten, from 0 to its end. */
export function timeTicks(endMs: number, most: number): number[] {
  const power = 10 ** Math.floor(Math.log10(endMs / most));
  const step = [1, 2, 2.5, 5, 10].find((n) => endMs / (n * power) <= most)! * power;
  if (!(step > 0) || !Number.isFinite(step)) return [0];
  // Multiplied rather than added up, so that 0.1 + 0.2 stays 0.3 to within the last digit.
  return Array.from({ length: Math.floor(endMs / step * (1 + 1e-9)) + 1 }, (_, i) => i * step);
}

/** An axis of times, without the decimals that tables give round ones. */
export function timeAxis(ticks: number[] | number, format = formatDuration): Plot.Markish {
  const tickFormat = (ms: number) =>
    ms === 0 ? "0" : format(ms).replace(/(\.\d*?)0+(?=\D*$)/, "$1").replace(/\.(?=\D*$)/, "");
  return Plot.axisX({ ticks, tickSize: 4, label: null, tickFormat });
}
