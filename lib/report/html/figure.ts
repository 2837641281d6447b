/**
 * A chart in its place on the page (heading, a sentence on what to see, the picture, the table behind
 * it), and tables, for those who read figures or hear them.
 *
 * @module
 */

import { Html, type Markup, markup } from "./markup.ts";

/** How wide charts are drawn, in CSS pixels; the page shows the one that suits the window. */
export const CHART_WIDTHS = { wide: 840, narrow: 328 } as const;

/** What a figure is made of. */
interface Figure {
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
  /** How its marks are reached, in the page's language. */
  readonly steps?: string;
}

/**
 * Writes a figure. Its chart is drawn twice, for wide windows and for telephones, since text in a
 * picture that merely shrinks can't be read.
 */
export function figure(figure: Figure): Html {
  const { wide, narrow } = figure.widths ?? CHART_WIDTHS;
  const { steps = "Arrow keys step through its marks." } = figure;
  const label = `${figure.label ?? figure.title ?? "Chart"}. ${steps}`;
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

/** A table's column: its heading, and whether it holds figures. */
interface Column {
  /** The heading. */
  readonly name: string;
  /** Figures are aligned right. */
  readonly figures?: boolean;
}

/** Writes a table in a frame that scrolls by itself, by keyboard too, where it doesn't fit. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Markup[])[],
): Html {
  const cell = (value: Markup, i: number) =>
    i === 0
      ? markup`<th scope="row">${value}</th>`
      : columns[i]?.figures
      ? markup`<td class="n">${value}</td>`
      : markup`<td>${value}</td>`;
  // A cell that heads nothing is no header.
  const heads = columns.map(({ name, figures }) =>
    name === ""
      ? markup`<td></td>`
      : markup`<th scope="col"${figures && markup` class="n"`}>${name}</th>`
  );
  return markup`
    <div class="scroll" role="group" tabindex="0" aria-label="${caption}">
      <table>
        <caption>${caption}</caption>
        <thead>
          <tr>${heads}</tr>
        </thead>
        <tbody>${
    rows.map((row) =>
      markup`
            <tr>${row.map(cell)}</tr>
          `
    )
  }</tbody>
      </table>
    </div>
  `;
}

/** Writes lines of code in a frame that scrolls by itself, by keyboard too. */
export function codeBlock(label: string, lines: string): Html {
  return markup`<pre role="group" tabindex="0" aria-label="${label}"><code>${lines}</code></pre>`;
}
