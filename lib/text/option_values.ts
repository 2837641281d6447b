/**
 * Reads the values of options as people type them: numbers, times, words, web addresses. Every function takes
 * the option's name and the text, and returns a value or throws a {@linkcode UsageError} whose one line names
 * the option, the value and the remedy.
 */

import { levenshteinDistance } from "@std/text/levenshtein-distance";
import { plain } from "./plain.ts";

/** How many characters of a value are shown: enough to recognize it, few enough not to hide the remedy. */
const SHOWN_CHARACTERS = 80;

/**
 * Quotes a value from outside so that it stays on one line, can't control a terminal, and shows no password of
 * an address.
 */
export function quoted(value: string): string {
  const open = value.replace(/(:\/\/)[^/?#\s]*@/g, "$1…@");
  const characters = [...open];
  const shown = characters.length > SHOWN_CHARACTERS
    ? characters.slice(0, SHOWN_CHARACTERS).join("") + "…"
    : open;
  // JSON doesn't escape DEL, the C1 controls and bidirectional controls.
  return JSON.stringify(shown).replace(
    /[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

/** Thrown for a value that an option doesn't accept. */
export class UsageError extends Error {
  override readonly name = "UsageError";

  constructor(
    /** The option as it is written on the command line, such as `--slots`, or an argument's name. */
    readonly option: string,
    /** The given value; true for an option that takes no value, or was given none. */
    readonly value: string | true,
    problem: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(`${option}${value === true ? "" : ` ${quoted(value)}`}: ${problem}; ${remedy}`, options);
  }
}

/** Reads an option's text, if it was given. */
export function given<T>(text: string | undefined, read: (text: string) => T): T | undefined {
  return text === undefined ? undefined : read(text);
}

/** Refuses an option that means nothing without another one. */
export function needs(
  holds: boolean,
  option: string,
  value: string | true | undefined,
  other: string,
): void {
  if (holds || value === undefined) return;
  const remedy = `leave it out, or add ${other}`;
  throw new UsageError(option, value, `has no meaning without ${other}`, remedy);
}

/** Returns a function that makes the errors that refuse a value. */
export function valueFault(option: string, value: string) {
  return (problem: string, remedy: string, cause?: unknown): UsageError =>
    new UsageError(option, value, problem, remedy, cause === undefined ? undefined : { cause });
}

/** The bounds of a number, both included. */
interface NumberBounds {
  readonly min?: number;
  readonly max?: number;
}

interface UnitBounds extends NumberBounds {
  /** Whether a number without a unit is accepted, in the smallest unit; otherwise it is refused as unclear. */
  readonly plain?: boolean;
}

/** The most lanes: each is a thread or a process, and more would overload a machine. */
export const LANE_LIMIT = 256;
export const MOST_SLOTS = 100_000;

/** The longest time that a timer can be set to, in milliseconds: about 24.8 days. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

// Only decimal digits are accepted, with `_` between them: what JavaScript reads as numbers, such as "0x10",
// "1e3", " 5 " or "", is more often a mistake than intended.
const WHOLE = /^\d+(?:_\d+)*$/;
const DECIMAL = /^\d+(?:_\d+)*(?:\.\d+)?$/;
interface Units {
  readonly what: string;
  readonly written: RegExp;
  readonly units: Readonly<Record<string, number>>;
  readonly example: string;
}
const TIME: Units = {
  what: "length of time",
  written: /^(\d+(?:_\d+)*(?:\.\d+)?)(ms|s|m|h)?$/,
  units: { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 },
  example: "500ms, 10s or 2m",
};
const SIZE: Units = {
  what: "size",
  written: /^(\d+(?:_\d+)*(?:\.\d+)?)(B|kB|MB|GB)?$/i,
  units: { b: 1, kb: 1e3, mb: 1e6, gb: 1e9 },
  example: "800kB, 500MB or 2GB",
};

function digitsOf(text: string): number {
  return Number(text.replaceAll("_", ""));
}

function bounded(
  option: string,
  text: string,
  value: number,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: NumberBounds,
  { less, more, shown } = { less: "small", more: "large", shown: (bound: number) => String(bound) },
): number {
  const [least, most] = [min, max].map(shown);
  if (value < min) throw new UsageError(option, text, `too ${less}`, `give ${least} or more`);
  if (value > max) throw new UsageError(option, text, `too ${more}`, `give ${most} or less`);
  return value;
}

/** Reads a positive whole number: 1 to 2⁵³ − 1 unless the bounds say otherwise. */
export function positiveInteger(option: string, text: string, bounds: NumberBounds = {}): number {
  return nonNegativeInteger(option, text, { min: 1, ...bounds });
}

/** Reads a whole number that may be zero, such as a seed, a port or a size in bytes. */
export function nonNegativeInteger(
  option: string,
  text: string,
  bounds: NumberBounds = {},
): number {
  const { min = 0, max = Infinity } = bounds;
  if (!WHOLE.test(text)) {
    const kind = min > 0 ? "positive whole number" : "whole number of zero or more";
    const example = Math.min(Math.max(min, 5), max);
    throw new UsageError(option, text, `not a ${kind}`, `give one such as ${example}`);
  }
  return bounded(option, text, digitsOf(text), bounds);
}

export function nonNegativeNumber(option: string, text: string, bounds: NumberBounds = {}): number {
  if (!DECIMAL.test(text)) {
    throw new UsageError(option, text, "not a number of zero or more", "give one such as 2.5");
  }
  return bounded(option, text, digitsOf(text), bounds);
}

function withUnit(option: string, text: string, plain: boolean, of: Units): number {
  const [, digits, unit] = of.written.exec(text) ?? [];
  const remedy = `give one such as ${of.example}`;
  if (digits === undefined) throw new UsageError(option, text, `not a ${of.what}`, remedy);
  const value = digitsOf(digits);
  if (unit !== undefined) return value * of.units[unit.toLowerCase()]!;
  if (value > 0 && !plain) throw new UsageError(option, text, "it has no unit", remedy);
  return value;
}

/**
 * Reads a length of time in milliseconds: `500ms`, `10s`, `2m` or `1h`. Pass `{ min: 1 }` if a time of zero has
 * no meaning.
 */
export function duration(
  option: string,
  text: string,
  { plain = false, ...bounds }: UnitBounds = {},
): number {
  const shown = (ms: number) =>
    ms % 1000 > 0 && ms < 60_000 ? `${ms}ms` : `${Math.floor(ms / 1000)}s`;
  const words = { less: "short", more: "long", shown };
  const valueMs = withUnit(option, text, plain, TIME);
  return bounded(option, text, valueMs, { max: LONGEST_TIMER_MS, ...bounds }, words);
}

/** Reads a size in whole bytes: `500MB`, `1.5GB` or `800kB`. */
export function size(
  option: string,
  text: string,
  { plain = false, ...bounds }: UnitBounds = {},
): number {
  const bytes = Math.round(withUnit(option, text, plain, SIZE));
  return bounded(option, text, bytes, { min: 1, ...bounds });
}

/** Reads a share of a whole, from 0 to 1: `0.25` or `25%`; above 1, up to `most`, only as a percentage. */
export function shareOption(option: string, text: string, most = 1): number {
  const percent = text.endsWith("%");
  const digits = percent ? text.slice(0, -1) : text;
  const value = DECIMAL.test(digits) ? digitsOf(digits) / (percent ? 100 : 1) : NaN;
  if (!(value <= (percent ? most : 1))) {
    throw new UsageError(option, text, "not a share", "give one from 0 to 1, such as 0.1 or 10%");
  }
  return value;
}

/** Drawn seeds have at most six digits, so that people can type them again. */
const DRAWN_BELOW = 1_000_000;
const GREATEST_SEED = 2 ** 32 - 1;

/** Reads the seed of random numbers; draws one unless it is given. */
export function seedOption(text: string | undefined): number {
  return text === undefined
    ? crypto.getRandomValues(new Uint32Array(1))[0]! % DRAWN_BELOW
    : nonNegativeInteger("--seed", text, { max: GREATEST_SEED });
}

/** Suggests the closest choice: a typing error changes at most about a third of a word. */
function guess(text: string, choices: readonly string[]): string {
  const typed = text.toLowerCase();
  if (choices.length === 0 || typed.length === 0 || typed.length > 100) return "";
  const [slips, closest] = choices
    .map((choice) => [levenshteinDistance(typed, choice), choice] as const)
    .reduce((one, other) => other[0] < one[0] ? other : one);
  return slips <= Math.max(1, Math.ceil(closest.length / 3)) && slips < typed.length
    ? `did you mean ${closest}? `
    : "";
}

/** The most characters of a name: a longer one fits no line of a report. */
const MOST_NAME = 64;

/** Reads a name, which must have visible characters. */
export function nameOption(option: string, text: string): string {
  const shown = plain(text);
  if (shown === "") throw new UsageError(option, text, "no name", "give one, or leave it out");
  const words = { less: "short", more: "long", shown: (length: number) => `${length} characters` };
  bounded(option, text, [...shown].length, { max: MOST_NAME }, words);
  return shown;
}

export function oneOf<const Choice extends string>(
  option: string,
  text: string,
  choices: readonly Choice[],
): Choice {
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  const choose = `choose ${choices.length === 1 ? "" : "from "}${choices.join(", ")}`;
  throw new UsageError(option, text, "unknown", guess(text, choices) + choose);
}

/** Reads a list of distinct values, such as `workers,processes`; spaces around the commas don't matter. */
export function readList<Value extends string | number>(
  option: string,
  text: string,
  example: string,
  read: (entry: string) => Value,
): Value[] {
  const fault = valueFault(option, text);
  const entries = text.split(",").map((entry) => entry.trim());
  if (entries.includes("")) {
    throw fault("an entry is missing", `separate them by single commas, such as ${example}`);
  }
  const values = entries.map(read);
  const twice = values.find((value, at) => values.indexOf(value) !== at);
  if (twice !== undefined) throw fault(`${quoted(String(twice))} is there twice`, "name it once");
  return values;
}

export function listOf<const Choice extends string>(
  option: string,
  text: string,
  choices: readonly Choice[],
): Choice[] {
  const example = choices.slice(0, 2).join(",");
  return readList(option, text, example, (entry) => oneOf(option, entry, choices));
}

export function httpUrl(option: string, text: string): URL {
  const fault = valueFault(option, text);
  // URL.parse would drop such characters silently, and another address would be downloaded.
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x20\x7f]/.test(text)) {
    throw fault("a web address has no blanks", "write blanks inside it as %20");
  }
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  // A host on this machine, or without a name, seldom has a certificate.
  const scheme = /^(?:localhost|[\d.]+)(?:[:/]|$)/i.test(text) ? "http" : "https";
  const withScheme = URL.parse(`${scheme}://${text}`);
  const bare = /^[\w.-]+(:\d+)?(\/|$)/.test(text) && withScheme !== null;
  if (!bare) {
    const problem = url === null
      ? "not a web address"
      : `${url.protocol} addresses can't be downloaded`;
    throw fault(problem, "give one that starts with http:// or https://");
  }
  const { href } = withScheme;
  throw fault("not a web address", `write ${href.length < 60 ? href : `${scheme}:// before it`}`);
}

/** The hosts of addresses, in the form that `--allow-net` takes. */
export function hostsOf(urls: readonly URL[]): string[] {
  const hosts = urls.map(({ hostname, port, protocol }) =>
    `${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`
  );
  return [...new Set(hosts)];
}

/** Makes sure that hosts may be reached: asks on a terminal, and otherwise throws with the remedy. */
export async function requireNet(
  option: string,
  urls: readonly URL[],
  remedy: string,
): Promise<void> {
  for (const host of hostsOf(urls)) {
    const permission = { name: "net", host } as const;
    const first = urls.find((url) => hostsOf([url])[0] === host)!;
    let { state } = await Deno.permissions.query(permission).catch((cause) => {
      throw valueFault(option, first.href)("its host can be none", "check it", cause);
    });
    if (state === "prompt" && Deno.stdin.isTerminal() && Deno.stderr.isTerminal()) {
      ({ state } = await Deno.permissions.request(permission));
    }
    if (state !== "granted") {
      throw new UsageError(option, first.href, `this task may not reach ${host}`, remedy);
    }
  }
}
