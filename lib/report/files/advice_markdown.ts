/**
 * Advice as Markdown, to be pasted into an issue or a pull request.
 *
 * @module
 */

import { inertMarkdown, markdownTable } from "./inert_markdown.ts";
import { environmentLine } from "../terminal/verdict_text.ts";
import type { AdviceFile } from "../../advice/advice.ts";
import { functionLines, PROFILE_TITLE, profileLines } from "../../advice/profile/profile_words.ts";
import { codeLines, commandLine } from "../terminal/advice_code.ts";
import {
  classLine,
  costLine,
  MODEL_HEADS,
  modelCells,
  recommendationLines,
  remarkLines,
  sampleLine,
} from "../terminal/advice_lines.ts";

/** A block of code: its fence is longer than any within it. */
function codeBlock(lines: readonly string[]): string {
  const runs = lines.join("\n").match(/`+/g) ?? [];
  const fence = "`".repeat(Math.max(3, ...runs.map((run) => run.length + 1)));
  return [`${fence}ts`, ...lines, fence].join("\n");
}

/** Writes advice as Markdown (GitHub's flavour). Text from outside is escaped. */
export function adviceMarkdown({ advice, environment }: AdviceFile): string {
  const name = inertMarkdown(advice.recommended.name);
  const titled = (title: string, lines: readonly string[]) =>
    lines.length === 0
      ? []
      : [`#### ${title}`, lines.map((line) => `- ${inertMarkdown(line)}`).join("\n")];
  return [
    `### ${inertMarkdown(advice.job.title)}: ${name}`,
    `${inertMarkdown(classLine(advice))}.`,
    inertMarkdown(sampleLine(advice)),
    ...remarkLines(advice).map(inertMarkdown),
    markdownTable(MODEL_HEADS, advice.models.map((model) => modelCells({ advice, model }))),
    ...titled(`Recommended: ${name}`, recommendationLines(advice)),
    ...titled(PROFILE_TITLE, [...profileLines(advice), ...functionLines(advice)]),
    ...titled("Where the prediction was wrong", advice.surprises.map(({ text }) => text)),
    ...titled("Hazards seen", advice.hazards.map(({ text }) => text)),
    "#### The code",
    `Saved as job\\_run.ts: ${inertMarkdown(commandLine(advice))}`,
    codeBlock(codeLines(advice)),
    inertMarkdown(costLine(advice)),
    `<sub>${inertMarkdown(environmentLine(environment))}</sub>`,
  ].join("\n\n") + "\n";
}
