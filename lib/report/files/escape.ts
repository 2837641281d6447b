/**
 * Text from outside in Markdown and in CSV: it can't format, link, mention, embed or compute.
 *
 * @module
 */

import { plain } from "../../text/plain.ts";

/**
 * Text that Markdown leaves alone: one line, without HTML, and with every sign that formats, links,
 * mentions or refers written as a character reference, which works inside tables too.
 */
export function escapeMarkdown(text: string): string {
  return plain(text).replace(/[&<>|`*_\[\]@#~\\!$]/g, (sign) => `&#${sign.charCodeAt(0)};`)
    .replace(/:\/\//g, "&#58;//").replace(/\bwww\./gi, (www) => `${www.slice(0, 3)}&#46;`)
    // A line that began with one of these would be a list, a quotation or a rule.
    .replace(/^[-+=]/, (sign) => `&#${sign.charCodeAt(0)};`)
    .replace(/^(\d+)([.)])(?=\s|$)/, (_, digits, sign) => `${digits}&#${sign.charCodeAt(0)};`);
}

/** A table in Markdown, its first columns aligned left, its texts escaped. */
export function markdownTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  left = 1,
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(heads.map(escapeMarkdown)),
    line(heads.map((_, i) => i < left ? ":--" : "--:")),
    ...rows.map((row) => line(row.map(escapeMarkdown))),
  ].join("\n");
}

/**
 * Text in a CSV cell. A spreadsheet takes text that begins with `=`, `+`, `-`, `@`, a tab or a carriage
 * return for a formula (OWASP, "CSV Injection"), so such text gets an apostrophe before it.
 */
export function escapeCell(text: string): string {
  return /^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;
}
