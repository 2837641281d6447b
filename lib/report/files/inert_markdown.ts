/**
 * Text from outside in Markdown: it can't format, link, mention or embed.
 *
 * @module
 */

import { plain } from "../../text/plain.ts";

/**
 * Text that Markdown leaves alone: one line, without HTML, and with every sign that formats, links,
 * mentions or refers written as a character reference, which works inside tables too.
 */
export function inertMarkdown(text: string): string {
  return plain(text).replace(/[&<>|`*_\[\]@#~\\!$]/g, (sign) => `&#${sign.charCodeAt(0)};`)
    .replace(/:\/\//g, "&#58;//").replace(/\bwww\./gi, (www) => `${www.slice(0, 3)}&#46;`)
    // A line that began with one of these would be a list, a quotation or a rule.
    .replace(/^[-+=]/, (sign) => `&#${sign.charCodeAt(0)};`)
    .replace(/^(\d+)([.)])(?=\s|$)/, (_, digits, sign) => `${digits}&#${sign.charCodeAt(0)};`);
}

/** A table in Markdown; its texts are escaped. */
export function markdownTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(heads.map(inertMarkdown)),
    line(heads.map((_, i) => i === 0 ? ":--" : "--:")),
    ...rows.map((row) => line(row.map(inertMarkdown))),
  ].join("\n");
}
