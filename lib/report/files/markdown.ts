/**
 * What reports in Markdown (GitHub's flavour) are made of. Text from outside can't format, link, mention
 * or embed in them.
 */

import { plain } from "../../text/plain.ts";
import type { Environment } from "../../timing/result.ts";
import { environmentLines } from "../foot.ts";

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

/** Sentences as a list; "" without any. */
export function markdownList(sentences: readonly string[]): string {
  return sentences.map((sentence) => `- ${escapeMarkdown(sentence)}`).join("\n");
}

/** A block of code: its fence is longer than any within it. */
export function markdownCode(lines: readonly string[]): string {
  const runs = lines.join("\n").match(/`+/g) ?? [];
  const fence = "`".repeat(Math.max(3, ...runs.map((run) => run.length + 1)));
  return [`${fence}ts`, ...lines, fence].join("\n");
}

/** A report: its parts but for empty ones, whether it is partial, and on what it was measured. */
export function markdownReport(
  parts: readonly string[],
  { environment, partial }: {
    readonly environment: Environment;
    readonly partial?: boolean | undefined;
  },
): string {
  return [
    ...parts,
    partial ? "**Partial:** the run was interrupted." : "",
    `<sub>${environmentLines(environment).map(escapeMarkdown).join("; ")}</sub>`,
  ].filter((part) => part !== "").join("\n\n") + "\n";
}
