/**
 * Values of options as people type them: numbers, times, words, web addresses, files. Every function
 * takes the option's name and the text, and gives a value or throws a {@linkcode UsageError} whose one
 * line names the option, the value and the remedy. Files are checked before any measuring starts.
 */

import { levenshteinDistance } from "@std/text/levenshtein-distance";
import { basename, dirname } from "node:path";
import { linkTarget, readText, statOrUndefined, STDIN } from "../files/user_files.ts";
import { plain } from "./plain.ts";
import { firstLine } from "./print.ts";

/** How much of a value is shown: enough to recognize it, never so much that it hides the remedy. */
const SHOWN_CHARACTERS = 80;

/**
 * Writes a value that came from outside so that it stays on one line, can't steer a terminal, and tells
 * no password of an address.
 */
export function quoted(value: string): string {
  const open = value.replace(/(:\/\/)[^/?#\s]*@/g, "$1…@");
  const characters = [...open];
  const shown = characters.length > SHOWN_CHARACTERS
    ? characters.slice(0, SHOWN_CHARACTERS).join("") + "…"
    : open;
  // JSON leaves DEL, the C1 controls and bidirectional controls as they are.
  return JSON.stringify(shown).replace(
    /[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

/** A value that an option doesn't take. */
export class UsageError extends Error {
  override readonly name = "UsageError";

  constructor(
    /** The option as it is written on the command line, such as `--slots`, or an argument's name. */
    readonly option: string,
    /** What was given; true for an option that takes no value, or was given none. */
    readonly value: string | true,
    problem: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(`${option}${value === true ? "" : ` ${quoted(value)}`}: ${problem}; ${remedy}`, options);
  }
}

/** What an option's text means, if it was given. */
export function given<T>(text: string | undefined, read: (text: string) => T): T | undefined {
  return text === undefined ? undefined : read(text);
}

/** Refuses an option that has no meaning without another one. */
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

function faultOf(option: string, value: string) {
  return (problem: string, remedy: string, cause?: unknown): UsageError =>
    new UsageError(option, value, problem, remedy, cause === undefined ? undefined : { cause });
}

/** The bounds of a number, both included. */
interface NumberBounds {
  readonly min?: number;
  readonly max?: number;
}

interface UnitBounds extends NumberBounds {
  /** Whether a number without a unit is taken, in the smallest one: else it may have meant another. */
  readonly plain?: boolean;
}

/** A lane is a thread or a process; more than this bring a machine down. */
export const MOST_LANES = 256;
export const MOST_SLOTS = 100_000;

/** The longest wait that timers can be set to, in milliseconds: about 24.8 days. */
export const LONGEST_WAIT_MS = 2 ** 31 - 1;

// Only plain decimal digits count, `_` between them allowed: what JavaScript would quietly make of
// "0x10", "1e3", " 5 " or "" is more often a slip than a wish.
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
  { less, more, unit } = { less: "small", more: "large", unit: "" },
): number {
  if (value < min) throw new UsageError(option, text, `too ${less}`, `give ${min}${unit} or more`);
  if (value > max) throw new UsageError(option, text, `too ${more}`, `give ${max}${unit} or less`);
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
    const kind = min > 0 ? "positive whole number" : "whole number";
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
 * Reads a length of time in milliseconds: `500ms`, `10s`, `2m` or `1h`. Give `{ min: 1 }` where a time
 * of zero has no meaning.
 */
export function duration(
  option: string,
  text: string,
  { plain = false, ...bounds }: UnitBounds = {},
): number {
  const words = { less: "short", more: "long", unit: "ms" };
  const valueMs = withUnit(option, text, plain, TIME);
  return bounded(option, text, valueMs, { max: LONGEST_WAIT_MS, ...bounds }, words);
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

/** Reads a share of a whole, from 0 to 1: `0.25` or `25%`; where it may be more, as a percentage alone. */
export function share(option: string, text: string, most = 1): number {
  const percent = text.endsWith("%");
  const digits = percent ? text.slice(0, -1) : text;
  const value = DECIMAL.test(digits) ? digitsOf(digits) / (percent ? 100 : 1) : NaN;
  if (!(value <= (percent ? most : 1))) {
    throw new UsageError(option, text, "not a share", "give one from 0 to 1, such as 0.1 or 10%");
  }
  return value;
}

/** A seed that a person types again has six digits at most. */
const DRAWN_BELOW = 1_000_000;
const GREATEST_SEED = 2 ** 32 - 1;

/** Reads the seed from which chance starts; draws one unless it is given. */
export function seedOption(text: string | undefined): number {
  return text === undefined
    ? crypto.getRandomValues(new Uint32Array(1))[0]! % DRAWN_BELOW
    : nonNegativeInteger("--seed", text, { max: GREATEST_SEED });
}

/** A slip of the fingers changes about a third of a word; more than that is another word. */
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

/** A longer name fits no line of a report. */
const MOST_NAME = 64;

/** Reads a name, of which something must be seen. */
export function nameOption(option: string, text: string): string {
  const shown = plain(text);
  if (shown === "") throw new UsageError(option, text, "no name", "give one, or leave it out");
  const words = { less: "short", more: "long", unit: " characters" };
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

/** Reads a list of words, such as `workers,processes`; blanks around the commas don't matter. */
export function listOf<const Choice extends string>(
  option: string,
  text: string,
  choices: readonly Choice[],
): Choice[] {
  const fault = faultOf(option, text);
  const words = text.split(",").map((word) => word.trim());
  if (words.includes("")) {
    const example = choices.slice(0, 2).join(",");
    throw fault("a word is missing", `separate words by single commas, such as ${example}`);
  }
  const found = words.map((word) => oneOf(option, word, choices));
  const twice = found.find((word, index) => found.indexOf(word) !== index);
  if (twice !== undefined) throw fault(`${quoted(twice)} is there twice`, "name it once");
  return found;
}

export function httpUrl(option: string, text: string): URL {
  const fault = faultOf(option, text);
  // URL.parse would drop such characters in silence and so download something else.
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x20\x7f]/.test(text)) {
    throw fault("a web address has no blanks", "write blanks inside it as %20");
  }
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  // What is on this machine, or has no name, seldom has a certificate.
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

/** What the system says of a file, in plain words. */
function refused(option: string, path: string, error: unknown): UsageError {
  if (error instanceof UsageError) return error;
  const { NotCapable, NotFound, PermissionDenied } = Deno.errors;
  const fault = faultOf(option, path);
  if (error instanceof NotFound) return fault("there is no such file", "check the path", error);
  if (error instanceof PermissionDenied) {
    return fault("the system denies access", "choose another, or change its rights", error);
  }
  // The flags are fixed in deno.json, and what lies in /proc or /dev would take all of them.
  const isOurs = error instanceof NotCapable;
  const problem = isOurs ? "this program has no right to it" : firstLine(error);
  return fault(problem, "choose another path", error);
}

/** Checks that a file can be written, and leaves what is there as it is. */
export async function outputFile(option: string, path: string): Promise<string> {
  const fault = faultOf(option, path);
  if (path.trim() === "") throw fault("no file is named", "give one such as result.json");
  if (basename(path) === "-") {
    throw new UsageError(option, "-", "no file", "name one; without it the results are printed");
  }
  try {
    const folder = await statOrUndefined(dirname(await linkTarget(path)));
    if (!folder?.isDirectory) {
      const problem = folder === undefined ? "its folder doesn't exist" : "its folder is a file";
      throw fault(problem, "make the folder first, or choose another");
    }
    const info = await statOrUndefined(path);
    if (info?.isDirectory || /[/\\]$/.test(path)) {
      throw fault("a folder, not a file", "add a file name to it");
    }
    // Without a change; one that isn't there is made and removed again. A pipe or a device isn't opened:
    // doing so may wait for a reader, or have effects.
    if (info === undefined || info.isFile) await letGo(await held(path, info));
  } catch (error) {
    throw refused(option, path, error);
  }
  return path;
}

/** Checks that a file can be read, and isn't larger than what is taken, in bytes. */
export async function inputFile(
  option: string,
  path: string,
  { maxBytes = Infinity }: { readonly maxBytes?: number } = {},
): Promise<string> {
  const fault = faultOf(option, path);
  if (path.trim() === "") throw fault("no file is named", "give the path of one");
  try {
    const info = await Deno.stat(path);
    if (info.isDirectory) throw fault("a folder, not a file", "name a file in it");
    if (info.size > maxBytes) {
      throw fault(`too large with ${info.size} bytes`, `give a file of at most ${maxBytes} bytes`);
    }
    if (info.isFile) (await Deno.open(path, { read: true })).close();
  } catch (error) {
    throw refused(option, path, error);
  }
  return path;
}

/** A file that is open to be written, and its path if it was made for that, which another program may do as well. */
interface Held {
  readonly file: Deno.FsFile;
  readonly made?: string;
}

/** Opens a file; where there is none it is made, behind a link that leads nowhere too. */
async function held(path: string, info: Deno.FileInfo | undefined): Promise<Held> {
  try {
    if (info !== undefined) return { file: await Deno.open(path, { append: true }) };
  } catch (error) {
    // Another program may have made it for a moment.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const made = await linkTarget(path);
  return { file: await Deno.open(made, { append: true, create: true }), made };
}

async function letGo({ file, made }: Held): Promise<void> {
  const { size } = await file.stat();
  file.close();
  if (made !== undefined && size === 0) await Deno.remove(made).catch(() => {});
}

/** A file, and the option or argument that names it. */
export interface NamedFile {
  readonly option: string;
  readonly path: string;
}

/** What tells a file from all others, however its path is spelled and whatever links lead to it. */
async function identityOf(path: string, { dev, ino }: Deno.FileInfo): Promise<string> {
  // Windows doesn't always number its files.
  return ino === null ? await Deno.realPath(path) : `${dev}:${ino}`;
}

/**
 * Checks that no output would overwrite what is read, that no two outputs are one file, and that standard
 * input is read for one thing. Outputs that don't exist are made for a moment, for only the file system
 * knows which spellings mean the same.
 */
export async function requireDistinct(
  outputs: readonly NamedFile[],
  inputs: readonly NamedFile[],
): Promise<void> {
  const taken = new Map<string, string>();
  const refuseTaken = (id: string, option: string, path: string) => {
    const other = taken.get(id);
    if (other === undefined) return;
    throw faultOf(option, path)(`the same file as ${other}`, "give it a name of its own");
  };
  for (const { option, path } of inputs) {
    const told = `${option}, which is read`;
    if (path === STDIN) {
      // Behind its end nothing is left for another.
      refuseTaken(path, option, path);
      taken.set(path, told);
      continue;
    }
    // What isn't there is told elsewhere, and writing to where a pipe or a terminal is read loses nothing.
    const info = await Deno.stat(path).catch(() => undefined);
    if (info?.isFile) taken.set(await identityOf(path, info), told);
  }
  // Held until all are known: the number of a file that is gone is given to the next one.
  const files: Held[] = [];
  try {
    for (const { option, path } of outputs) {
      let info = await statOrUndefined(path);
      if (info === undefined || info.isFile) {
        const own = await held(path, info);
        files.push(own);
        info = await own.file.stat();
      }
      const id = await identityOf(path, info);
      refuseTaken(id, option, path);
      taken.set(id, option);
    }
  } finally {
    for (const own of files) await letGo(own);
  }
}

/** A list of addresses that is longer than this is something else. */
const LARGEST_LIST_BYTES = 16 * 1024 * 1024;

/**
 * Reads addresses from a file, one a line; blank lines and lines that begin with `#` don't count.
 */
export async function urlsIn(option: string, path: string): Promise<URL[]> {
  await inputFile(option, path, { maxBytes: LARGEST_LIST_BYTES });
  const text = await readText(path, LARGEST_LIST_BYTES).catch((error) => {
    throw refused(option, path, error);
  });
  const lines = text.split(/\r\n|\r|\n/);
  const urls: URL[] = [];
  for (const [at, line] of lines.entries()) {
    const address = line.trim();
    if (address !== "" && !address.startsWith("#")) {
      urls.push(httpUrl(`${option}, line ${at + 1},`, address));
    }
  }
  if (urls.length === 0) {
    throw new UsageError(option, path, "no address in it", "write one on each line");
  }
  return urls;
}

/** The hosts of addresses, as `--allow-net` takes them. */
export function hostsOf(urls: readonly URL[]): string[] {
  const hosts = urls.map(({ hostname, port, protocol }) =>
    `${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`
  );
  return [...new Set(hosts)];
}

/**
 * Makes sure that hosts may be reached: asks on a terminal, and otherwise says which command works.
 */
export async function requireNet(
  option: string,
  urls: readonly URL[],
  remedy: string,
): Promise<void> {
  for (const host of hostsOf(urls)) {
    const permission = { name: "net", host } as const;
    let { state } = await Deno.permissions.query(permission);
    if (state === "prompt" && Deno.stdin.isTerminal() && Deno.stderr.isTerminal()) {
      ({ state } = await Deno.permissions.request(permission));
    }
    if (state !== "granted") {
      const first = urls.find((url) => hostsOf([url])[0] === host)!;
      throw new UsageError(option, first.href, `this task may not reach ${host}`, remedy);
    }
  }
}
