/**
 * A chart in its place on the page: heading, a sentence on what to see, the picture, and the table
 * behind it.
 *
 * @module
 */

import { Html, type Markup, markup } from "./markup.ts";

/** How wide charts are drawn, in CSS pixels; the page shows the one that suits the window. */
export const CHART_WIDTHS = { wide: 840, narrow: 328 } as const;

/** What a figure is made of. */
export interface Figure {
  /** Unique in the page. */
  readonly id: string;
  /** The heading; none where the figure shares another's. */
  readonly title?: string;
  /** What to see in it, above the picture. */
  readonly lead?: Markup;
  /** The chart's name for the keyboard's and screen readers' users; default the title. */
  readonly label?: string;
  /** Draws the chart at a width in CSS pixels; `plotToSvg` makes what it returns. */
  readonly draw: (width: number) => string;
  /** The widths to draw it at; default {@linkcode CHART_WIDTHS}. */
  readonly widths?: { readonly wide: number; readonly narrow: number };
  /** What it doesn't show or how, below the picture. */
  readonly note?: Markup;
  /** The same as a table. */
  readonly table?: Html;
}

/**
 * Writes a figure. Its chart is drawn twice, for wide windows and for telephones, since text in a
 * picture that merely shrinks can't be read.
 */
export function figure(figure: Figure): Html {
  const { wide, narrow } = figure.widths ?? CHART_WIDTHS;
  const label = `${figure.label ?? figure.title ?? "Chart"}. Arrow keys step through its marks.`;
  const chart = (kind: string, width: number) =>
    markup`
      <div class="chart ${kind}" role="group" tabindex="0" aria-label="${label}">${new Html(
      figure.draw(width),
    )}</div>
    `;
  return markup`
    <figure id="${figure.id}">${
    figure.title !== undefined &&
    markup`<h3>${figure.title}</h3>`
  }${
    figure.lead !== undefined &&
    markup`<p class="lead">${figure.lead}</p>`
  }
    ${chart("wide", wide)}${chart("narrow", narrow)}${
    figure.note !== undefined &&
    markup`<p class="note">${figure.note}</p>`
  }${
    figure.table &&
    markup`<details><summary>The figures as a table</summary>${figure.table}</details>`
  }</figure>
  `;
}
