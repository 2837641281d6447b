/**
 * What sections of a page are made of: a chart in its place (heading, a sentence on what to see, the
 * picture, the table behind it), and lists.
 */

import { formatCount } from "../../text/format.ts";
import { Html, type Markup, markup } from "./markup.ts";

/** How wide charts are drawn, in CSS pixels; the page shows the one that suits the window. */
export const CHART_WIDTHS = { wide: 840, narrow: 328 } as const;

interface Figure {
  readonly id: string;
  readonly title: string;
  /** What to see in it, above the picture. */
  readonly lead?: Markup;
  /** Draws the chart at a width in CSS pixels; `plotToSvg` makes what it returns. */
  readonly draw: (width: number) => string;
  /** The widths to draw it at; default {@linkcode CHART_WIDTHS}. */
  readonly widths?: { readonly wide: number; readonly narrow: number };
  /** What it doesn't show or how, below the picture. */
  readonly note?: Markup;
  readonly table?: Html;
  /** How its marks are reached, in the page's language. */
  readonly steps?: string;
}

/**
 * Writes a figure. Its chart is drawn twice, for wide windows and for telephones, since text in a
 * picture that merely shrinks can't be read.
 */
export function figure(
  {
    id,
    title,
    lead,
    draw,
    widths = CHART_WIDTHS,
    note,
    table,
    steps = "Arrow keys step through its marks.",
  }: Figure,
): Html {
  const label = `${title}. ${steps}`;
  const chart = (kind: "wide" | "narrow") =>
    markup`
      <div class="chart ${kind}" role="group" tabindex="0" aria-label="${label}">${new Html(
      draw(widths[kind]),
    )}</div>
    `;
  return markup`
    <figure id="${id}"><h3>${title}</h3>${lead && markup`<p class="lead">${lead}</p>`}
    ${chart("wide")}${chart("narrow")}${note && markup`<p class="note">${note}</p>`}${
    table && markup`<details><summary>The figures as a table</summary>${table}</details>`
  }</figure>
  `;
}

/** An edited file may hold any number of sentences. */
const MOST_ITEMS = 50;

/** Writes sentences as a list; nothing without any. */
export function list(items: readonly Markup[], kind?: "notices"): Html {
  const more = items.length - MOST_ITEMS;
  const shown = items.slice(0, MOST_ITEMS).map((item) => markup`<li>${item}</li>`);
  return items.length === 0
    ? markup``
    : markup`<ul${kind && markup` class="${kind}"`}>${shown}${
      more > 0 && markup`<li>And ${formatCount(more)} more.</li>`
    }</ul>`;
}

/** Writes lines of code in a frame that scrolls by itself, by keyboard too. */
export function codeBlock(label: string, lines: string): Html {
  return markup`<pre role="group" tabindex="0" aria-label="${label}"><code>${lines}</code></pre>`;
}
