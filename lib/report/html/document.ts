/**
 * A page made of sections: one file that opens from disk, offline, and stays inert.
 *
 * @module
 */

import { policyFor } from "./csp.ts";
import { inertText } from "./inert.ts";
import { Html, type Markup, markup } from "./markup.ts";
import type { Section } from "./section.ts";
import { pageStyle } from "./style.ts";
import { TOOLTIP_SCRIPT } from "./tooltip.ts";

/** What stands around a page's sections. */
export interface DocumentOptions {
  /** A few words above the title. */
  readonly kicker?: string;
  /** What stands between the title and the table of contents; safe markup. */
  readonly intro?: Markup;
  /** Ids of sections that the intro links to already; the table of contents leaves them out. */
  readonly linked?: readonly string[];
}

/** Writes a page: a title, a table of contents, and sections. */
export function renderDocument(
  title: string,
  sections: readonly Section[],
  options: DocumentOptions = {},
): string {
  const style = pageStyle();
  const heading = inertText(title);
  const links = sections.filter(({ id }) => !options.linked?.includes(id)).map((section) =>
    markup`<li><a href="#${section.id}">${inertText(section.title)}</a></li>`
  );
  return markup`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta http-equiv="content-security-policy" content="${policyFor(style, TOOLTIP_SCRIPT)}">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>${heading}</title>
        <style>${new Html(style)}</style>
      </head>
      <body>
        <header>
    <p class="kicker">${inertText(options.kicker ?? "Lanes")}</p>
    <h1>${heading}</h1>
    ${options.intro}
    ${
    sections.length > 1 && markup`
      <nav aria-label="Contents">
        <ul>${links}</ul>
      </nav>
    `
  }
        </header>
        <main>
    ${
    sections.map((section) =>
      markup`
        <section class="part" id="${section.id}" aria-labelledby="${section.id}-h">
        <h2 id="${section.id}-h">${inertText(section.title)}</h2>
        ${new Html(section.html)}
        </section>
      `
    )
  }</main>
        <div id="tip" role="status" aria-live="polite" hidden></div>
        <script>${new Html(TOOLTIP_SCRIPT)}</script>
      </body>
    </html>
  `.text;
}
