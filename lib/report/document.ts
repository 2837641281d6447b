/**
 * What reports are made of, told alike in a terminal and as Markdown: a report lists its blocks once,
 * each of which knows how it is told in either.
 */

import { counted, formatNumber } from "../text/format.ts";
import { plain } from "../text/plain.ts";
import type { Environment } from "../timing/result.ts";
import { escapeMarkdown } from "./markdown.ts";
import { sentences, type Style, type Tone } from "./terminal.ts";

/** A part of a report; "" where it has nothing to tell. */
export interface Block {
  text(style: Style): string;
  markdown(): string;
}

function told(parts: readonly string[], gap: string): string {
  return parts.filter((part) => part !== "").join(gap);
}

/** Blocks with a blank line between them. */
export function documentOf(blocks: readonly Block[]): Block {
  return {
    text: (style) => told(blocks.map((block) => block.text(style)), "\n\n"),
    markdown: () => told(blocks.map((block) => block.markdown()), "\n\n"),
  };
}

/** Blocks without a blank line between them in a terminal. */
export function together(...blocks: readonly Block[]): Block {
  const { markdown } = documentOf(blocks);
  return { text: (style) => told(blocks.map((block) => block.text(style)), "\n"), markdown };
}

/** What a report, or a part of it, is called. */
export function heading(text: string, indent = ""): Block {
  return {
    text: (style) => sentences([text], style, "heading", indent),
    markdown: () => `### ${escapeMarkdown(text)}`,
  };
}

export function paragraph(text: string, tone?: Tone, indent = ""): Block {
  return {
    text: (style) => text === "" ? "" : sentences([text], style, tone, indent),
    markdown: () => escapeMarkdown(text),
  };
}

/** Sentences, each on a line of its own. */
export function lines(texts: readonly string[], tone?: Tone): Block {
  return {
    text: (style) => sentences(texts, style, tone),
    markdown: () => texts.map((text) => `- ${escapeMarkdown(text)}`).join("\n"),
  };
}

/** Points below a title; nothing without any. */
export function points(title: string, texts: readonly string[], tone: Tone = "heading"): Block {
  if (texts.length === 0) return { text: () => "", markdown: () => "" };
  return {
    text: (style) =>
      [
        sentences([title], style, tone, ""),
        sentences(texts.map((text) => `• ${text}`), { ...style, columns: style.columns - 2 })
          .replaceAll(/^/gm, "  "),
      ].join("\n"),
    markdown: () => `#### ${escapeMarkdown(title)}\n\n${lines(texts).markdown()}`,
  };
}

/** Lines of code; in Markdown their fence is longer than any within them. */
export function code(lines: readonly string[], indent = ""): Block {
  const runs = lines.join("\n").match(/`+/g) ?? [];
  const fence = "`".repeat(Math.max(3, ...runs.map((run) => run.length + 1)));
  return {
    text: () => lines.map((line) => `${indent}${line}`.trimEnd()).join("\n"),
    markdown: () => [`${fence}ts`, ...lines, fence].join("\n"),
  };
}

/** What only a terminal shows. */
export function inTerminal(text: Block["text"]): Block {
  return { text, markdown: () => "" };
}

export const PARTIAL = "the run was interrupted; this is what was measured until then.";

/** Says when it began; what isn't a date stays as it is. */
export function startText({ startedAt }: Environment): string {
  const started = new Date(startedAt);
  return Number.isNaN(started.getTime())
    ? startedAt
    : `${started.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** Says in one line on what and when a result was measured. */
export function environmentLine(environment: Environment): string {
  const { deno, os, arch, cpus, cpuModel, loadAverage, seed } = environment;
  return plain([
    `Deno ${deno}`,
    `${os} ${arch}`,
    `${counted(cpus, "CPU")}${cpuModel === undefined ? "" : ` (${cpuModel})`}`,
    ...(loadAverage?.[0] === undefined ? [] : [`load ${formatNumber(loadAverage[0])}`]),
    ...(seed === undefined ? [] : [`seed ${seed}`]),
    startText(environment),
  ].join(", "));
}

/** That line, and what else is to be known of the machine. */
export function environmentLines(environment: Environment): string[] {
  const notes = (environment.notes ?? []).map((note) => `Note: ${plain(note)}`);
  return [environmentLine(environment), ...notes];
}

/** That a run was interrupted, if it was. */
export function partialNote(partial: boolean | undefined, why = PARTIAL): Block {
  return {
    text: (style) => partial ? sentences([`Partial: ${why}`], style, "warning", "") : "",
    markdown: () => partial ? "**Partial:** the run was interrupted." : "",
  };
}

/** On what it was measured; a terminal has room for more sentences before it and behind. */
export function footnote(
  environment: Environment,
  before: readonly string[] = [],
  behind: readonly string[] = [],
): Block {
  const own = environmentLines(environment);
  return {
    text: (style) => sentences([...before, ...own, ...behind], style, "idle"),
    markdown: () => `<sub>${own.map(escapeMarkdown).join("; ")}</sub>`,
  };
}
