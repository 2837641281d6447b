/**
 * Observable Plot's charts as text, drawn without a browser.
 *
 * @module
 */

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { markup } from "./markup.ts";

/** What a chart is called, and for whom it is drawn. */
export interface ChartName {
  /** The chart's accessible name. */
  readonly title: string;
  /** What it shows, in a sentence, for those who can't see it. */
  readonly description: string;
}

/**
 * What Observable Plot draws: the options of its `plot`, where they are explained.
 *
 * @internal
 */
export type PlotOptions = Plot.PlotOptions;

/** Lengths and places, of which a hundredth of a pixel is exact enough. */
const GEOMETRY = [
  ..."x y width height x1 x2 y1 y2 cx cy d transform".split(" "),
];

interface DrawnElement {
  readonly localName: string;
  readonly textContent: string;
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
export function plotToSvg(options: PlotOptions, name: ChartName): string {
  // linkedom's types name a whole browser window, of which Deno's know nothing.
  const { document } = parseHTML("<!doctype html><html><body></body></html>") as unknown as {
    document: PlotOptions["document"];
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
