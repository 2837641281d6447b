/** HTML written as template text, in which every value is escaped unless it is HTML already. */

import { formatCount } from "../../text/format.ts";
import { plain } from "../../text/plain.ts";
import { escape } from "@std/html/entities";

export class Html {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

/** The values that a template may hold; false, null and undefined add nothing. */
export type Markup = Html | string | number | false | null | undefined | readonly Markup[];

/** A template tag that escapes its values. Line breaks stay; indentation is removed. */
export function markup(parts: TemplateStringsArray, ...values: readonly Markup[]): Html {
  // Only the template's own indentation is removed; values keep theirs.
  const written = parts.map((part) => part.replace(/\n\s*/g, "\n"));
  let text = written[0]!.replace(/^\n/, "");
  values.forEach((value, i) => text += markupOf(value) + written[i + 1]!);
  return new Html(parts.at(-1)!.match(/\n *$/) ? text.slice(0, -1) : text);
}

function markupOf(value: Markup): string {
  if (value instanceof Html) return value.text;
  if (value === false || value === null || value === undefined) return "";
  if (typeof value === "object") return value.map(markupOf).join("");
  return escape(String(value));
}

/** HTML from a template file, with each `{name}` replaced by its value. */
export function filled(html: string, values: Readonly<Record<string, Markup>>): Html {
  return new Html(html.replaceAll(/\{(\w+)\}/g, (_, name: string) => markupOf(values[name])));
}

/** Keeps figures and their units on one line. */
export function unbroken(text: string): string {
  return text.replace(/(\d) ([mn]?s|kB|MB|GB)\b/g, "$1\u00a0$2");
}

/** The longest title or name, in UTF-16 units; longer ones would break the layout. */
const LINE = 300;
/** The longest text of a few sentences, such as a warning, in UTF-16 units. */
const SENTENCES = 1000;
/** The greatest number kept: 30,000 years in milliseconds. Sums of such numbers stay finite. */
const MAX_NUMBER = 1e15;

/** Cuts text to `limit` and removes terminal control sequences and halves of surrogate pairs. */
export function sanitizedText(text: string, limit: number = LINE): string {
  // Cut before cleaning, so that a huge string costs little, and again after, as cleaning may not shorten it.
  const line = plain(text.slice(0, limit * 4)).toWellFormed().replace(/[\ufffe\uffff]/g, "\ufffd");
  return line.length <= limit ? line : `${line.slice(0, limit - 1).toWellFormed()}…`;
}

/** Copies plain data, with text cleaned by {@linkcode sanitizedText} and numbers within ±10¹⁵; NaN stays. */
export function sanitized<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (typeof value === "string") return sanitizedText(value, SENTENCES);
  if (typeof value === "number") return Math.min(MAX_NUMBER, Math.max(-MAX_NUMBER, value));
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value === "object" && value !== null) {
    // With a null prototype, a key named __proto__ is a key like any other.
    const entries: Record<string, unknown> = Object.create(null);
    for (const [key, inner] of Object.entries(value)) {
      entries[sanitizedText(key)] = copy(inner);
    }
    return entries;
  }
  return value;
}

/** The widths at which each chart is drawn, in CSS pixels; the page shows the one that suits the window. */
export const CHART_WIDTHS = { wide: 840, narrow: 328 } as const;

interface Figure {
  readonly id: string;
  readonly title: string;
  /** A text above the picture that says what to see in it. */
  readonly lead?: Markup;
  readonly draw: (width: number) => Html;
  /** The widths at which it is drawn, in CSS pixels; default {@linkcode CHART_WIDTHS}. */
  readonly widths?: { readonly wide: number; readonly narrow: number };
  readonly note?: Markup;
  readonly table?: Html;
  /** How to reach the marks by keyboard, in the page's language. */
  readonly steps?: string;
}

/** Draws a figure twice, for wide windows and for phones: text in a picture that shrinks can't be read. */
export function figure({ id, title, lead, draw, note, table, ...more }: Figure): Html {
  const { widths = CHART_WIDTHS, steps = "Arrow keys step through its marks." } = more;
  const label = `${title}. ${steps}`;
  const charts = (["wide", "narrow"] as const).map((kind) =>
    markup`
      <div class="chart ${kind}" role="group" tabindex="0" aria-label="${label}">${
      draw(widths[kind])
    }</div>
    `
  );
  const details = table &&
    markup`<details><summary>The figures as a table</summary>${table}</details>`;
  return markup`
    <figure id="${id}"><h3>${title}</h3>${lead && markup`<p class="lead">${lead}</p>`}
    ${charts}${note && paragraphs("note", [note])}${details}</figure>
  `;
}

export function paragraphs(kind: "note" | "partial", texts: readonly Markup[]): Html[] {
  return texts.map((text) => markup`<p class="${kind}">${text}</p>`);
}

/** How many items a list shows at most, since an edited file may hold any number of them. */
const MOST_ITEMS = 50;

/** Writes items as a list; nothing if there are none. */
export function list(items: readonly Markup[], kind?: "notices"): Html {
  const more = items.length - MOST_ITEMS;
  const shown = items.slice(0, MOST_ITEMS).map((item) => markup`<li>${item}</li>`);
  if (more > 0) shown.push(markup`<li>And ${formatCount(more)} more.</li>`);
  return items.length === 0
    ? markup``
    : markup`<ul${kind && markup` class="${kind}"`}>${shown}</ul>`;
}

/** Writes lines of code in a frame that scrolls, also by keyboard. */
export function codeBlock(label: string, lines: string): Html {
  return markup`<pre role="group" tabindex="0" aria-label="${label}"><code>${lines}</code></pre>`;
}
