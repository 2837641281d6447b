/**
 * Advice as files: JSON, Markdown, and an HTML page that opens offline.
 *
 * @module
 */

import { renderDocument } from "../reporting/html/document.ts";
import { type Markup, markup } from "../reporting/html/markup.ts";
import type { Section } from "../reporting/html/section.ts";
import { table } from "../reporting/html/table.ts";
import { inert } from "../reporting/html/inert.ts";
import { plain } from "../reporting/plain.ts";
import { environmentLine } from "../reporting/verdict_text.ts";
import type { ResultFile } from "../timing/result.ts";
import type { Advice } from "./advice.ts";
import {
  classLine,
  costLine,
  MODEL_HEADS,
  modelCells,
  recommendationLines,
  sampleLine,
} from "./advice_lines.ts";

/** Advice with what it was measured on. */
export interface AdviceFile {
  /** The version of this format. */
  readonly schemaVersion: 1;
  /** The machine it was measured on. */
  readonly environment: ResultFile["environment"];
  /** The advice. */
  readonly advice: Advice;
}

function remarks(advice: Advice): string[] {
  return [
    ...(advice.partial === undefined ? [] : [`Partial: ${advice.partial}.`]),
    ...(advice.classNote === undefined ? [] : [advice.classNote]),
  ];
}

/**
 * Writes advice as JSON. Unlimited slots and numbers that aren't finite are null.
 *
 * @param file The advice.
 * @returns The text.
 *
 * @example
 * ```ts
 * import { adviceJson } from "./advice_files.ts";
 *
 * console.log(adviceJson.length); // 1
 * ```
 */
export function adviceJson(file: AdviceFile): string {
  return `${JSON.stringify(file, null, 1)}\n`;
}

/** Makes text harmless in Markdown, in tables too. */
function cell(text: string): string {
  return plain(text).replace(/[\\`*_[\]<>|#]/g, (mark) => `\\${mark}`);
}

/**
 * Writes advice as Markdown.
 *
 * @param file The advice.
 * @returns The text.
 *
 * @example
 * ```ts
 * import { adviceMarkdown } from "./advice_files.ts";
 *
 * console.log(adviceMarkdown.length); // 1
 * ```
 */
export function adviceMarkdown({ advice, environment }: AdviceFile): string {
  const rows = advice.models.map((model) =>
    `| ${modelCells({ advice, model }).map(cell).join(" | ")} |`
  );
  const list = (lines: readonly string[]) => lines.map((line) => `- ${cell(line)}`).join("\n");
  const titled = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [`## ${title}`, list(lines)];
  return [
    `# ${cell(advice.job.title)}: ${advice.recommended.name}`,
    `${cell(classLine(advice))}.`,
    cell(sampleLine(advice)),
    ...remarks(advice).map(cell),
    [`| ${MODEL_HEADS.join(" | ")} |`, "|---|--:|--:|--:|--:|---|", ...rows].join("\n"),
    ...titled(`Recommended: ${advice.recommended.name}`, recommendationLines(advice)),
    ...titled("Where the prediction was wrong", advice.surprises.map(({ text }) => text)),
    ...titled("Hazards seen", advice.hazards.map(({ text }) => text)),
    "## The code",
    `\`\`\`ts\n${advice.code}\`\`\``,
    cell(costLine(advice)),
    cell(environmentLine(environment)),
  ].join("\n\n") + "\n";
}

/**
 * The advice as a section of a page.
 *
 * @param advice The advice.
 * @param id The section's id, unique in its page.
 * @returns The section, everything from outside escaped.
 *
 * @example
 * ```ts
 * import { adviceSection } from "./advice_files.ts";
 *
 * console.log(adviceSection.length); // 2
 * ```
 */
export function adviceSection(advice: Advice, id: string): Section {
  const safe = inert(advice);
  const list = (title: string, lines: readonly string[]): Markup =>
    lines.length > 0 &&
    markup`<h3>${title}</h3><ul>${lines.map((line) => markup`<li>${line}</li>`)}</ul>`;
  const columns = MODEL_HEADS.map((name, i) => ({ name, figures: i > 0 && i < 5 }));
  return {
    id,
    title: `Advice: ${safe.recommended.name}`,
    html: markup`
      <p>${classLine(safe)}.</p>
      <p>${sampleLine(safe)}</p>
      ${remarks(safe).map((line) => markup`<p>${line}</p>`)}
      ${
      table(
        `Gains against sequential, for ${safe.horizon} items`,
        columns,
        safe.models.map((model) => modelCells({ advice: safe, model })),
      )
    }
      ${list(`Recommended: ${safe.recommended.name}`, recommendationLines(safe))}
      ${list("Where the prediction was wrong", safe.surprises.map(({ text }) => text))}
      ${list("Hazards seen", safe.hazards.map(({ text }) => text))}
      <h3>The code</h3>
      <pre><code>${advice.code}</code></pre>
      <p>${costLine(safe)}</p>
    `.text,
  };
}

/**
 * Writes advice as an HTML page.
 *
 * @param file The advice.
 * @returns The page.
 *
 * @example
 * ```ts
 * import { adviceHtml } from "./advice_files.ts";
 *
 * console.log(adviceHtml.length); // 1
 * ```
 */
export function adviceHtml({ advice, environment }: AdviceFile): string {
  const { job, recommended } = inert(advice);
  return renderDocument(`${job.title}: ${recommended.name}`, [adviceSection(advice, "advice")], {
    kicker: "Lanes advice",
    intro: markup`<p class="where">${environmentLine(environment)}</p>`,
  });
}
