/** HTML written as template text, in which every value is escaped unless it is HTML already. */

import { escape } from "@std/html/entities";

/** Text that may go into a page as it stands. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

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

/** Keeps figures and their units on one line. */
export function unbroken(text: string): string {
  return text.replace(/(\d) ([mn]?s|kB|MB|GB)\b/g, "$1\u00a0$2");
}
