/**
 * Writes advice as text for a terminal.
 *
 * @module
 */

import Table from "cli-table3";
import { plain, wrap } from "../../reporting/plain.ts";
import { paletteFor, type Style } from "../../reporting/style.ts";
import { BORDERLESS } from "../../reporting/table.ts";
import type { Advice } from "../advice.ts";
import { functionLines, PROFILE_TITLE, profileLines } from "../profile/profile_words.ts";
import { codeLines, commandLine } from "./advice_code.ts";
import {
  classLine,
  costLine,
  MODEL_HEADS,
  modelCells,
  recommendationLines,
  sampleLine,
} from "./advice_lines.ts";

/**
 * Writes advice as text.
 *
 * @param advice The advice.
 * @param style Width and colour.
 * @returns The text, without a newline at the end.
 *
 * @example
 * ```ts
 * import type { Advice } from "../advice.ts";
import { codeLines, commandLine } from "./advice_code.ts";
 * import { renderAdvice } from "./render_advice.ts";
 *
 * const print = (advice: Advice) => console.log(renderAdvice(advice, { columns: 80, colour: false }));
 * console.log(print.length); // 1
 * ```
 */
export function renderAdvice(advice: Advice, style: Style): string {
  const palette = paletteFor(style);
  const text = (line: string) => wrap(plain(line), style.columns);
  const list = (lines: readonly string[]) =>
    lines.map((line) => `  • ${wrap(plain(line), style.columns - 4, "    ")}`).join("\n");
  const table = new Table({
    ...BORDERLESS,
    head: MODEL_HEADS.map((head) => palette.heading(head)),
    colAligns: ["left", "right", "right", "right", "right", "left"],
  });
  for (const model of advice.models) {
    const cells = modelCells({ advice, model }).map(plain);
    table.push(model.name === advice.recommended.name ? cells.map(palette.good) : cells);
  }
  const parts = [
    palette.heading(text(`${advice.job.title}: ${classLine(advice)}`)),
    text(sampleLine(advice)),
    ...(advice.classNote === undefined ? [] : [text(advice.classNote)]),
    ...(advice.partial === undefined ? [] : [palette.warning(text(`Partial: ${advice.partial}.`))]),
    table.toString().split("\n").map((line) => line.trimEnd()).join("\n") +
    `\nGains are against sequential, for ${advice.horizon} items.`,
    palette.heading(text(`Recommended: ${advice.recommended.name}`)) + "\n" +
    list(recommendationLines(advice)),
    ...(advice.profile === undefined ? [] : [
      palette.heading(PROFILE_TITLE) + "\n" +
      list([...profileLines(advice), ...functionLines(advice)]),
    ]),
    ...(advice.surprises.length === 0 ? [] : [
      palette.heading("Where the prediction was wrong") + "\n" +
      list(advice.surprises.map(({ text }) => text)),
    ]),
    ...(advice.hazards.length === 0 ? [] : [
      palette.warning("Hazards seen") + "\n" + list(advice.hazards.map(({ text }) => text)),
    ]),
    palette.heading("The code") +
    ` (${commandLine(advice)})\n\n` +
    codeLines(advice).map((line) => `  ${line}`.trimEnd()).join("\n"),
    palette.idle(text(costLine(advice))),
  ];
  return parts.join("\n\n");
}
