/**
 * Observable Plot's charts as text, drawn without a browser, and their axes of ratios and of times.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { markup } from "./markup.ts";
import { formatDuration } from "../../text/format.ts";

/** What a chart is called, and for whom it is drawn. */
export interface ChartName {
  /** The chart's accessible name. */
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

/** Beyond this ratio a linear axis would hide the smaller gains. */
const LINEAR_UP_TO = 10;

/** An axis of ratios. */
export interface RatioAxis {
  /** Its ends. */
  readonly domain: readonly [number, number];
  /** Whether each step multiplies. */
  readonly log: boolean;
  /** Where a scale has its ticks; or about how many, to be chosen by the chart. */
  readonly ticks: (wide: boolean) => number[] | number;
}

/** Ratios that are 1, 2 or 5 times a power of ten, or only the powers where those are too many. */
function ratioTicks(low: number, high: number, most: number): number[] {
  const powers = Array.from({ length: 32 }, (_, i) => 10 ** (i - 16));
  const within = (ratios: number[]) => ratios.filter((ratio) => ratio >= low && ratio <= high);
  const all = within(powers.flatMap((power) => [power, 2 * power, 5 * power]));
  return all.length <= most ? all : within(powers);
}

/** An axis that holds some ratios, and 1. */
export function ratioAxis(ratios: readonly number[]): RatioAxis {
  const values = ratios.concat(1).filter((value) => value > 0);
  const least = Math.min(...values), most = Math.max(...values);
  const low = least < 1 ? least * 0.9 : 1, high = most > 1 ? most * 1.02 : 1.1;
  const log = high / low > LINEAR_UP_TO;
  return {
    domain: [low, high],
    log,
    ticks: (wide) => log ? ratioTicks(low, high, wide ? 12 : 5) : wide ? 6 : 3,
  };
}

/**
 * A tick's label. As an axis's `text`, since of a logarithmic axis some are left out with `tickFormat`.
 */
export function ratioTick(ratio: number): string {
  return `${Number(ratio.toPrecision(3))}×`;
}

/** The ticks of an axis of times: at 1, 2, 2.5 or 5 times a power of ten, from 0 to its end. */
export function timeTicks(endMs: number, most: number): number[] {
  const power = 10 ** Math.floor(Math.log10(endMs / most));
  const step = [1, 2, 2.5, 5, 10].find((n) => endMs / (n * power) <= most)! * power;
  if (!(step > 0) || !Number.isFinite(step)) return [0];
  // Multiplied rather than added up, so that 0.1 + 0.2 stays 0.3 to within the last digit.
  return Array.from({ length: Math.floor(endMs / step * (1 + 1e-9)) + 1 }, (_, i) => i * step);
}

/** A time on an axis: round ones without the decimals that tables give them. */
export function timeTick(ms: number): string {
  return ms === 0 ? "0" : formatDuration(ms).replace(/\.0+ /, " ");
}

/** A bar. */
export interface Bar {
  /** What it stands for; unique in its chart. */
  readonly name: string;
  /** Its length. */
  readonly value: number;
  /** The length as people read it. */
  readonly words: string;
  readonly colour: string;
}

const BAR_HEIGHT = 46;
const BARS_MARGIN = 22;
/** Within a row, its name stands above the bar. */
const NAME_DY = -16;

/** Draws bars, their names above and their figures behind: legible on a telephone. */
export function drawBars(
  bars: readonly Bar[],
  { title, width }: { readonly title: string; readonly width: number },
): string {
  const greatest = Math.max(...bars.map(({ value }) => value)) || 1;
  return plotToSvg({
    width,
    height: BAR_HEIGHT * bars.length + BARS_MARGIN,
    marginLeft: 10,
    marginRight: 120,
    x: { domain: [0, greatest], axis: null },
    y: { domain: bars.map(({ name }) => name), axis: null, padding: 0.3 },
    marks: [
      Plot.barX(bars, {
        y: "name",
        x: "value",
        fill: "colour",
        insetTop: 12,
        title: ({ name, words }) => `${name}: ${words}`,
      }),
      Plot.text(bars, {
        y: "name",
        x: "value",
        text: "words",
        dx: 6,
        dy: 6,
        textAnchor: "start",
        fill: "var(--ink)",
      }),
      Plot.text(bars, {
        y: "name",
        x: 0,
        text: "name",
        dy: NAME_DY,
        textAnchor: "start",
        fill: "var(--ink)",
      }),
    ],
  }, { title, description: bars.map(({ name, words }) => `${name}: ${words}`).join("; ") });
}
