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

/** What a template may hold; false, null and undefined give nothing. */
export type Markup = Html | string | number | false | null | undefined | readonly Markup[];

/** A template tag that escapes what is put into it. Line breaks stay, indentation goes. */
export function markup(parts: TemplateStringsArray, ...values: readonly Markup[]): Html {
  // Indentation is for the source alone; values keep theirs.
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

/** HTML of a file beside the code, with values in the places of their names. */
export function filled(html: string, values: Readonly<Record<string, Markup>>): Html {
  return new Html(html.replaceAll(/\{(\w+)\}/g, (_, name: string) => markupOf(values[name])));
}

/** Keeps figures and their units on one line. */
export function unbroken(text: string): string {
  return text.replace(/(\d) ([mn]?s|kB|MB|GB)\b/g, "$1\u00a0$2");
}

/** In UTF-16 units: room for a title or a name; longer ones break any layout. */
const LINE = 300;
/** Room for the few sentences of a warning. */
const SENTENCES = 1000;
/** Beyond 30,000 years in milliseconds; sums and differences of such numbers stay finite. */
const MAX_NUMBER = 1e15;

/** Text cut to a length, without what steers a terminal, and with no half of a surrogate pair. */
export function sanitizedText(text: string, limit: number = LINE): string {
  // Cut before cleaning, so that a huge string costs nothing, and after, as cleaning may not shorten.
  const line = plain(text.slice(0, limit * 4)).toWellFormed().replace(/[\ufffe\uffff]/g, "\ufffd");
  return line.length <= limit ? line : `${line.slice(0, limit - 1).toWellFormed()}…`;
}

/** Plain data with {@linkcode sanitizedText} and numbers within ±10¹⁵; NaN stays. */
export function sanitized<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (typeof value === "string") return sanitizedText(value, SENTENCES);
  if (typeof value === "number") return Math.min(MAX_NUMBER, Math.max(-MAX_NUMBER, value));
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value === "object" && value !== null) {
    // A null prototype: a key named __proto__ is a key like any other.
    const entries: Record<string, unknown> = Object.create(null);
    for (const [key, inner] of Object.entries(value)) {
      entries[sanitizedText(key)] = copy(inner);
    }
    return entries;
  }
  return value;
}

/** How wide charts are drawn, in CSS pixels; the page shows the one that suits the window. */
export const CHART_WIDTHS = { wide: 840, narrow: 328 } as const;

interface Figure {
  readonly id: string;
  readonly title: string;
  /** What to see in it, above the picture. */
  readonly lead?: Markup;
  readonly draw: (width: number) => Html;
  /** The widths to draw it at; default {@linkcode CHART_WIDTHS}. */
  readonly widths?: { readonly wide: number; readonly narrow: number };
  readonly note?: Markup;
  readonly table?: Html;
  /** How its marks are reached, in the page's language. */
  readonly steps?: string;
}

/** Drawn twice, for wide windows and telephones: text in a picture that shrinks can't be read. */
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

/** An edited file may hold any number of sentences. */
const MOST_ITEMS = 50;

/** Writes sentences as a list; nothing without any. */
export function list(items: readonly Markup[], kind?: "notices"): Html {
  const more = items.length - MOST_ITEMS;
  const shown = items.slice(0, MOST_ITEMS).map((item) => markup`<li>${item}</li>`);
  if (more > 0) shown.push(markup`<li>And ${formatCount(more)} more.</li>`);
  return items.length === 0
    ? markup``
    : markup`<ul${kind && markup` class="${kind}"`}>${shown}</ul>`;
}

/** Writes lines of code in a frame that scrolls by itself, by keyboard too. */
export function codeBlock(label: string, lines: string): Html {
  return markup`<pre role="group" tabindex="0" aria-label="${label}"><code>${lines}</code></pre>`;
}
