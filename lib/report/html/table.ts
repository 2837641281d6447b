/**
 * Tables: what is shown in charts, for those who read figures or hear them.
 *
 * @module
 */

import { type Html, type Markup, markup } from "./markup.ts";

/** A table's column: its heading, and whether it holds figures. */
export interface Column {
  /** The heading. */
  readonly name: string;
  /** Figures stand to the right. */
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
  const heads = columns.map((column) =>
    column.figures
      ? markup`<th scope="col" class="n">${column.name}</th>`
      : markup`<th scope="col">${column.name}</th>`
  );
  return markup`
    <div class="scroll" role="region" tabindex="0" aria-label="${caption}">
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
