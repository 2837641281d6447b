/** Makes text from outside harmless for a terminal. */

import stringWidth from "fast-string-width";

/**
 * Commands with a text (window titles, links, clipboard) up to their end; if another command begins first, or
 * nothing ends it, the text is kept. So each character is looked at once, however many commands there are.
 */
const COMMANDS =
  // deno-lint-ignore no-control-regex
  /(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)/g;
/** Colours, moves of the cursor, and all other escape sequences (ECMA-48). */
// deno-lint-ignore no-control-regex
const ESCAPES = /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]/g;
/** Control characters, C1 ones too, bidirectional controls and separators of lines. */
// deno-lint-ignore no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+/g;

/** Returns one line of text without anything that a terminal would obey. */
export function plain(text: string): string {
  return text.replace(COMMANDS, "").replace(ESCAPES, "").replace(CONTROLS, " ").trim();
}

/** Quotes a word of a command line for a shell, if needed. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${plain(word).replaceAll("'", `'\\''`)}'`;
}

/** Cuts text to the columns, with "…" in place of the rest. */
export function fit(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  let kept = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (stringWidth(kept + segment) > columns - 1) break;
    kept += segment;
  }
  return columns < 1 ? "" : `${kept}…`;
}

export function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - stringWidth(text)));
}

export function wrap(text: string, columns: number, indent = ""): string {
  const lines: string[] = [];
  let [line, width] = ["", 0];
  for (const word of text.split(" ")) {
    const wordWidth = stringWidth(word);
    if (line.trim() !== "" && width + 1 + wordWidth > columns) {
      lines.push(line);
      [line, width] = [indent + word, stringWidth(indent) + wordWidth];
    } else if (line === "") [line, width] = [word, wordWidth];
    else [line, width] = [`${line} ${word}`, width + 1 + wordWidth];
  }
  lines.push(line);
  return lines.join("\n");
}

/** Puts entries side by side with a gap between them, on as many lines as they need. */
export function sideBySide(entries: readonly string[], columns: number, gap: string): string[] {
  const lines: string[] = [];
  for (const entry of entries) {
    const line = lines.at(-1);
    if (line !== undefined && stringWidth(line + gap + entry) <= columns) {
      lines[lines.length - 1] = line + gap + entry;
    } else lines.push(entry);
  }
  return lines;
}
