/**
 * A page made of sections: one file that opens from disk and offline, with its only script and its
 * content-security policy.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { Html, type Markup, markup } from "./markup.ts";
import { sanitizedText } from "./sanitize.ts";
import { pageStyle } from "./style.ts";

/** A part of a page, with a heading that its table of contents links to. */
export interface Section {
  /** Unique in its page; letters, digits and hyphens. */
  readonly id: string;
  /** Its heading, as plain text; escaped when the page is written. */
  readonly title: string;
  /** What stands below the heading, as safe markup; the `markup` tag of markup.ts makes it. */
  readonly html: string;
}

/** What stands around a page's sections. */
interface DocumentOptions {
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
  const heading = sanitizedText(title);
  const links = sections.filter(({ id }) => !options.linked?.includes(id)).map((section) =>
    markup`<li><a href="#${section.id}">${sanitizedText(section.title)}</a></li>`
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
    <p class="kicker">${sanitizedText(options.kicker ?? "Lanes")}</p>
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
        <h2 id="${section.id}-h">${sanitizedText(section.title)}</h2>
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

/** The content-security policy: no network at all, and of styles and scripts only the page's own. */
function policyFor(style: string, script: string): string {
  return "default-src 'none'; base-uri 'none'; form-action 'none'; " +
    `style-src '${hashOf(style)}'; script-src '${hashOf(script)}'`;
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/**
 * The page's only script: it tells what a mark stands for when that is pointed at, tapped, or stepped to
 * with the keyboard. It requests nothing and sets text only as text. Without it the page's tables still
 * hold everything, and browsers show the marks' titles themselves.
 */
const TOOLTIP_SCRIPT = `"use strict";
(() => {
  const tip = document.getElementById("tip");
  const words = new WeakMap();
  let shown = null;
  const hide = () => {
    if (shown) shown.classList.remove("on");
    shown = null;
    tip.hidden = true;
  };
  const show = (mark, x, y) => {
    if (shown !== mark) {
      hide();
      shown = mark;
      mark.classList.add("on");
      tip.textContent = words.get(mark);
      tip.hidden = false;
    }
    const box = tip.getBoundingClientRect();
    const wide = document.documentElement.clientWidth, high = window.innerHeight;
    const above = y - box.height - 14;
    tip.style.left = Math.max(6, Math.min(wide - box.width - 6, x - box.width / 2)) + "px";
    tip.style.top = Math.max(6, Math.min(high - box.height - 6, above > 6 ? above : y + 18)) + "px";
  };
  const showAt = (mark) => {
    mark.scrollIntoView({ block: "nearest", inline: "nearest" });
    const box = mark.getBoundingClientRect();
    show(mark, box.left + box.width / 2, box.top);
  };
  // A mark thinner than a fingertip is met when it is close by.
  const near = (event) => {
    for (const [dx, dy] of [[0, 0], [0, -3], [0, 3], [-3, 0], [3, 0], [0, -7], [0, 7]]) {
      const mark = document.elementFromPoint(event.clientX + dx, event.clientY + dy);
      if (mark && words.has(mark)) return mark;
    }
    return null;
  };
  const point = (event) => {
    const mark = near(event);
    if (mark) show(mark, event.clientX, event.clientY);
    else hide();
  };
  for (const chart of document.querySelectorAll(".chart")) {
    const marks = [];
    // The browser's own tooltip would cover this one, so titles move into memory.
    for (const title of chart.querySelectorAll("svg title")) {
      const mark = title.parentNode;
      words.set(mark, title.textContent);
      marks.push(mark);
      title.remove();
    }
    let at = -1;
    const groupStart = (i) => {
      while (i > 0 && marks[i - 1].parentNode === marks[i].parentNode) i--;
      return i;
    };
    const groupEnd = (i) => {
      while (i < marks.length - 1 && marks[i + 1].parentNode === marks[i].parentNode) i++;
      return i;
    };
    chart.addEventListener("pointermove", point);
    chart.addEventListener("pointerdown", point);
    chart.addEventListener("pointerleave", hide);
    chart.addEventListener("focus", () => {
      if (marks.length && chart.matches(":focus-visible")) showAt(marks[at = Math.max(0, at)]);
    });
    chart.addEventListener("blur", hide);
    chart.addEventListener("keydown", (event) => {
      const last = marks.length - 1;
      if (last < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
      const i = Math.max(0, at);
      const next = {
        ArrowRight: Math.min(last, at + 1),
        ArrowLeft: Math.max(0, i - 1),
        ArrowDown: Math.min(last, groupEnd(i) + 1),
        ArrowUp: groupStart(Math.max(0, groupStart(i) - 1)),
        Home: 0,
        End: last,
      }[event.key];
      if (event.key === "Escape") hide();
      if (next === undefined) return;
      event.preventDefault();
      showAt(marks[at = next]);
    });
  }
  addEventListener("scroll", () => {
    if (shown && !document.activeElement.classList.contains("chart")) hide();
  }, { passive: true });
})();
`;
