/**
 * Writes advice as text for a terminal.
 *
 * @module
 */

import { plain, wrap } from "../../text/plain.ts";
import { paletteFor, type Style } from "./style.ts";
import { textTable } from "./text_table.ts";
import { counted } from "../../text/format.ts";
import type { Advice } from "../../advice/advice.ts";
import { functionLines, PROFILE_TITLE, profileLines } from "../../advice/profile/profile_words.ts";
import { codeLines, commandLine } from "./advice_code.ts";
import {
  classLine,
  costLine,
  MODEL_HEADS,
  modelCells,
  recommendationLines,
  sampleLine,
} from "./advice_lines.ts";

/** Which columns of models go first where the terminal is narrow: start, then memory, then the prediction. */
const DROP_ORDER = [0, 2, 0, 4, 3, 0];

/** Of what is said at the end of a row only an arrow for the recommended, where there is no room. */
function mark(cells: readonly string[]): string {
  return cells.at(-1)!.startsWith("←") ? "←" : "";
}

/** Writes advice as text. */
export function renderAdvice(advice: Advice, style: Style): string {
  const palette = paletteFor(style);
  const text = (line: string) => wrap(plain(line), style.columns);
  const list = (lines: readonly string[]) =>
    lines.map((line) => `  • ${wrap(plain(line), style.columns - 4, "    ")}`).join("\n");
  const rows = advice.models.map((model) => modelCells({ advice, model }).map(plain));
  const isChosen = (row: number) => advice.models[row]!.name === advice.recommended.name;
  const table = textTable(
    MODEL_HEADS.map((head, column) => ({
      head,
      cells: rows.map((cells) => cells[column]!),
      left: column === 0 || column === MODEL_HEADS.length - 1,
      dropOrder: DROP_ORDER[column]!,
      paint: (row: number) => isChosen(row) ? palette.good : (text: string) => text,
      ...(column === MODEL_HEADS.length - 1 && { short: { cells: rows.map(mark), order: 1.5 } }),
    })),
    style,
  );
  const parts = [
    palette.heading(text(`${advice.job.title}: ${classLine(advice)}`)),
    text(sampleLine(advice)),
    ...(advice.classNote === undefined ? [] : [text(advice.classNote)]),
    ...(advice.partial === undefined ? [] : [palette.warning(text(`Partial: ${advice.partial}.`))]),
    `${table}\n` + text(`Gains are against sequential, for ${counted(advice.horizon, "item")}.`),
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
