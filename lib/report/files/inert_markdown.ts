/**
 * Text from outside in Markdown: it can't format, link, mention or embed.
 *
 * @module
 */

import { plain } from "../../text/plain.ts";

/**
 * Text that Markdown leaves alone: one line, without HTML, and with every sign that formats, links,
 * mentions or refers written as a character reference, which works inside tables too.
 *
 * @param text From anywhere.
 * @returns The text, to be put into a paragraph, a list's item or a table's cell.
 *
 * @example
 * ```ts
 * import { inertMarkdown } from "./inert_markdown.ts";
 *
 * console.log(inertMarkdown("a|b")); // "a&#124;b"
 * ```
 */
export function inertMarkdown(text: string): string {
  return plain(text).replace(/[&<>|`*_\[\]@#~\\!$]/g, (sign) => `&#${sign.charCodeAt(0)};`)
    .replace(/:\/\//g, "&#58;//").replace(/\bwww\./gi, (www) => `${www.slice(0, 3)}&#46;`)
    // A line that began with one of these would be a list, a quotation or a rule.
    .replace(/^[-+=]/, (sign) => `&#${sign.charCodeAt(0)};`)
    .replace(/^(\d+)([.)])(?=\s|$)/, (_, digits, sign) => `${digits}&#${sign.charCodeAt(0)};`);
}

/**
 * A table in Markdown; its texts are escaped.
 *
 * @param heads The heads.
 * @param rows The cells; the first of each row is set to the left, the others to the right.
 * @returns The table's lines.
 *
 * @example
 * ```ts
 * import { markdownTable } from "./inert_markdown.ts";
 *
 * console.log(markdownTable(["size", "items/s"], [["1", "50"]]).split("\n").length); // 3
 * ```
 */
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
