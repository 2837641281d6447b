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
 * @throws {UsageError} If it is none of them; the message names the nearest and lists all.
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
 * @throws {UsageError} If one is unknown, empty, or there twice.
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
 * @throws {UsageError} If it isn't an absolute address, or of another scheme, such as `file:`.
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
