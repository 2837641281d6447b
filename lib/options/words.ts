/**
 * Options that are words: one of several choices, a list of them, or a web address.
 *
 * @module
 */

import { closestString } from "@std/text/closest-string";
import { levenshteinDistance } from "@std/text/levenshtein-distance";
import { quoted, UsageError } from "./usage_error.ts";

/** A slip of the fingers changes about a third of a word; more than that is another word. */
function guess(text: string, choices: readonly string[]): string {
  const typed = text.toLowerCase();
  if (choices.length === 0 || typed.length === 0 || typed.length > 100) return "";
  const closest = closestString(typed, [...choices]);
  const slips = levenshteinDistance(typed, closest);
  return slips <= Math.max(1, Math.ceil(closest.length / 3)) && slips < typed.length
    ? `did you mean ${closest}? `
    : "";
}

/**
 * Reads one of several words.
 *
 * @param option The option's name, for the error.
 * @param text What was typed.
 * @param choices The words taken.
 * @returns The word, typed as one of the choices.
 * @throws {UsageError} If it is none of them; the message names the nearest and lists all.
 *
 * @example
 * ```ts
 * import { oneOf } from "./words.ts";
 *
 * console.log(oneOf("--order", "input", ["input", "completion"])); // "input"
 * ```
 */
export function oneOf<const Choice extends string>(
  option: string,
  text: string,
  choices: readonly Choice[],
): Choice {
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw new UsageError(
    option,
    text,
    "unknown",
    `${guess(text, choices)}choose ${choices.length === 1 ? "" : "from "}${choices.join(", ")}`,
  );
}

/**
 * Reads a list of words, such as `workers,processes`; blanks around the commas don't matter.
 *
 * @param option The option's name, for the error.
 * @param text What was typed.
 * @param choices The words taken.
 * @returns The words in the order typed, at least one.
 * @throws {UsageError} If one is unknown, empty, or there twice.
 *
 * @example
 * ```ts
 * import { listOf } from "./words.ts";
 *
 * console.log(listOf("--models", "a, b", ["a", "b", "c"])); // ["a", "b"]
 * ```
 */
export function listOf<const Choice extends string>(
  option: string,
  text: string,
  choices: readonly Choice[],
): Choice[] {
  const words = text.split(",").map((word) => word.trim());
  if (words.includes("")) {
    throw new UsageError(
      option,
      text,
      "a word is missing",
      `separate words by single commas, such as ${choices.slice(0, 2).join(",")}`,
    );
  }
  const found = words.map((word) => oneOf(option, word, choices));
  const twice = found.find((word, index) => found.indexOf(word) !== index);
  if (twice !== undefined) {
    throw new UsageError(option, text, `${quoted(twice)} is there twice`, "name it once");
  }
  return found;
}

/**
 * Reads a web address.
 *
 * @param option The option's name, for the error.
 * @param text What was typed.
 * @returns The address, its scheme `http:` or `https:`.
 * @throws {UsageError} If it isn't an absolute address, or of another scheme, such as `file:`.
 *
 * @example
 * ```ts
 * import { httpUrl } from "./words.ts";
 *
 * console.log(httpUrl("--url", "http://127.0.0.1:8000/a").port); // "8000"
 * ```
 */
export function httpUrl(option: string, text: string): URL {
  // URL.parse would drop such characters in silence and so download something else.
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x20\x7f]/.test(text)) {
    throw new UsageError(
      option,
      text,
      "a web address has no blanks",
      "write blanks inside it as %20",
    );
  }
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  const withScheme = URL.parse(`https://${text}`);
  const bare = /^[\w.-]+(:\d+)?(\/|$)/.test(text) && withScheme !== null;
  throw new UsageError(
    option,
    text,
    url === null || bare ? "not a web address" : `${url.protocol} addresses can't be downloaded`,
    bare
      ? `write ${withScheme.href.length < 60 ? withScheme.href : "https:// before it"}`
      : "give one that starts with http:// or https://",
  );
}
