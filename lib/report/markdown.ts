/** Text from outside in Markdown (GitHub's flavour), where it can't format, link, mention or embed. */

import { plain } from "../text/plain.ts";

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
