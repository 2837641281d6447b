/** Sentences of advice, from texts with figures put in: another language is another file of texts. */

import { fill } from "../text/fill.ts";
import {
  formatBytes,
  formatDuration,
  formatPercent,
  formatRatio,
  formatShortDuration,
  formatSpeedup,
  type Interval,
} from "../text/format.ts";
import texts from "./en.json" with { type: "json" };

/** The end of a figure's name decides how it is shown; a count is shown as it is. */
function shown(name: string, figure: unknown): string {
  if (typeof figure === "object") return formatSpeedup(figure as Interval);
  if (typeof figure !== "number") return String(figure);
  if (name.endsWith("TinyMs")) return formatShortDuration(figure);
  if (/(^m|M)s$/.test(name)) return formatDuration(figure);
  if (name.endsWith("Bytes")) return formatBytes(figure);
  if (/share$/i.test(name)) return formatPercent(figure);
  return /(ratio|gain)$/i.test(name) ? formatRatio(figure) : String(figure);
}

/** A text with its figures, each named by its path in `figures`. */
export function say(key: keyof typeof texts, figures: object = {}): string {
  return fill(texts[key], figures, shown);
}

/** The sentences that apply, as one text. */
export function sayAll(...sentences: readonly (string | false | undefined)[]): string {
  return sentences.filter(Boolean).join(" ");
}
