/** Says texts that are kept apart from the code, so that each language has its own, with figures put in. */

import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  formatRatio,
  formatShortDuration,
  formatSpeedup,
  type Interval,
} from "./format.ts";

/** A value's place in a text, and a plural behind it: "{lanes} threads" with 1 becomes "1 thread". */
const PLACE =
  /\{([\w.]+)\}(?:( (?:thread|process|slot|session|connection|CPU|item|task|lane|core|round))e?s\b)?/g;

/** A text with the values that it names by their paths in `values`, each as `shown` writes it. */
export function fill(
  text: string,
  values: object,
  shown: (name: string, value: unknown) => string,
): string {
  return text.replaceAll(PLACE, (place: string, path: string, noun: string | undefined) => {
    const value = path.split(".").reduce(
      (of: unknown, name) => (of as Record<string, unknown> | undefined)?.[name],
      values,
    );
    if (value === undefined) throw new TypeError(`Cannot say "${text}": ${path} is missing`);
    return shown(path, value) + (value === 1 && noun || place.slice(path.length + 2));
  });
}

/** The end of a figure's name decides how it is shown; a number of items like other counts, an index as it is. */
function shown(name: string, figure: unknown): string {
  if (typeof figure === "object") return formatSpeedup(figure as Interval);
  if (typeof figure !== "number") return String(figure);
  if (name.endsWith("TinyMs")) return formatShortDuration(figure);
  if (/(^m|M)s$/.test(name)) return formatDuration(figure);
  if (name.endsWith("Bytes")) return formatBytes(figure);
  if (name.endsWith("PerSecond")) return formatRate(figure);
  if (/share$/i.test(name)) return formatPercent(figure);
  if (/(ratio|gain)$/i.test(name)) return formatRatio(figure);
  return /^(items|total|failed|refused)$/.test(name) ? formatCount(figure) : String(figure);
}

/** Says a text by its key, with its figures, each named by its path in `figures`. */
export type Say<Key extends string> = (key: Key, figures?: object) => string;

export function sayer<Key extends string>(texts: Readonly<Record<Key, string>>): Say<Key> {
  return (key, figures = {}) => fill(texts[key], figures, shown);
}

/** The sentences that apply, as one text. */
export function sayAll(...sentences: readonly (string | false | undefined)[]): string {
  return sentences.filter(Boolean).join(" ");
}
