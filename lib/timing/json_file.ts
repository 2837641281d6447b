/** Reads files that `--json` wrote; they may have changed since, so everything is checked. */

import { z } from "zod";
import { readText, STDIN, whyRefused } from "../files/user_files.ts";
import { attempt } from "../lanes/attempt.ts";
import { plain } from "../text/plain.ts";

export const RESULT_FILE_BYTES = 200 * 1024 ** 2;

/** Thrown for a result file that can't be used; the message is one line with the reason and a remedy. */
export class ResultFileError extends Error {
  override name = "ResultFileError";

  constructor(path: string, readonly problem: string, readonly remedy: string, cause?: unknown) {
    super(`Cannot read result file ${JSON.stringify(path)}: ${problem}; ${remedy}`, { cause });
  }
}

/** The kinds of numbers in files. */
export const whole = z.number().int().positive();
export const count = z.number().int().nonnegative();
export const amount = z.number().nonnegative();
export const share = z.number().min(0).max(1);

/** Deeper nesting than this is never written, and would overflow the stack of code that follows it. */
const MOST_DEPTH = 20;

function isDeep(value: unknown, left = MOST_DEPTH): boolean {
  return typeof value === "object" && value !== null &&
    (left === 0 || Object.values(value).some((of) => isDeep(of, left - 1)));
}

/** Values of any kind, by name. */
export const values = z.record(z.string(), z.unknown())
  .refine((of) => !isDeep(of), "it is nested too deep");

/** The type of data that a schema checks, read-only. */
export type Checked<Schema extends z.ZodType> = Unchanging<z.infer<Schema>>;

type Unchanging<T> = T extends object ? { readonly [Key in keyof T]: Unchanging<T[Key]> } : T;

export interface FileFormat<T> {
  /** The value of its field `kind`; undefined for result files of comparisons, which have none. */
  readonly kind: string | undefined;
  /** The scripts that write such files; the script named like `kind` unless given. */
  readonly writers?: readonly string[];
  readonly schema: z.ZodType<T>;
  /** A fault that the schema can't detect, in a few words; undefined if there is none. */
  readonly inconsistency: (value: T) => string | undefined;
}

const AGAIN = "measure again with --json";

function refuse(path: string, problem: string, remedy = AGAIN, cause?: unknown): never {
  throw new ResultFileError(path, problem.replaceAll(/\s+/g, " "), remedy, cause);
}

/** A field's path as in code: `comparisons[0].models[2].wallMs`. */
function pathOf(path: readonly PropertyKey[]): string {
  const text = path.map((key) => typeof key === "number" ? `[${key}]` : `.${String(key)}`).join("");
  return text.replace(/^\./, "").slice(0, 200) || "the file";
}

/** Whether a text that isn't JSON was cut off: the parser failed at its end. */
function wasCut(text: string, error: string): boolean {
  const position = /at position (\d+)/.exec(error)?.[1];
  return /end of JSON|unterminated/i.test(error) || Number(position) >= text.length ||
    // The text ends within a number or a word.
    (/^\s*[{[]/.test(text) && !/[}\]]\s*$/.test(text));
}

function shown(value: unknown): string {
  return plain(attempt(() => JSON.stringify(value), "too much to tell")).slice(0, 40);
}

function jsonOf(text: string, path: string): { readonly kind?: unknown } {
  let data: { readonly schemaVersion?: unknown; readonly kind?: unknown } | null;
  try {
    data = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    const why = text.trim() === ""
      ? "it is empty"
      : wasCut(text, String(cause))
      ? "it ends in the middle, so it was truncated"
      : "it isn't JSON";
    refuse(path, why, AGAIN, cause);
  }
  const version = data?.schemaVersion;
  if (version === 1) return data!;
  if (version === undefined) {
    refuse(path, "it has no schemaVersion, so it isn't a result file", "write one with --json");
  }
  const isLater = typeof version === "number" && version > 1;
  const remedy = isLater ? "read it with the version that wrote it" : AGAIN;
  refuse(path, `it has schema version ${shown(version)}, and this program reads 1`, remedy);
}

const listOf = new Intl.ListFormat("en-GB", { type: "disjunction", style: "long" });

export function parseWritten<T>(text: string, path: string, formats: readonly FileFormat<T>[]): T {
  const data = jsonOf(text, path);
  const format = formats.find(({ kind }) => kind === data.kind);
  if (format === undefined) {
    const kind = data.kind === undefined
      ? "it has no kind, so it holds comparisons"
      : `its kind is ${shown(data.kind)}`;
    const writers = listOf.format(formats.flatMap(({ writers, kind }) => writers ?? kind!));
    refuse(path, kind, `name a file that ${writers} wrote with --json`);
  }
  const { data: value, error } = format.schema.safeParse(data);
  if (error !== undefined) {
    const [first, ...more] = error.issues;
    const rest = more.length > 0 ? ` (and ${more.length} more)` : "";
    const what = first!.message.replace(/^Invalid input: /, "");
    const fault = /received undefined$/.test(what) ? "is missing" : `is wrong: ${what}`;
    refuse(path, `${pathOf(first!.path)} ${fault}${rest}`);
  }
  const odd = format.inconsistency(value);
  if (odd !== undefined) refuse(path, odd);
  return value;
}

export async function readWritten<T>(path: string, formats: readonly FileFormat<T>[]): Promise<T> {
  let text: string;
  try {
    if (path !== STDIN && (await Deno.stat(path)).isDirectory) {
      refuse(path, "it is a folder", "name a file that --json wrote");
    }
    text = await readText(path, RESULT_FILE_BYTES);
  } catch (cause) {
    if (cause instanceof ResultFileError) throw cause;
    const { NotFound, NotCapable, PermissionDenied } = Deno.errors;
    const [why, remedy] = cause instanceof NotFound
      ? ["there is no such file", "write one with --json"]
      : cause instanceof NotCapable || cause instanceof PermissionDenied
      ? ["it may not be read", "check its rights, or name a file elsewhere"]
      : [whyRefused(cause), "name another file"];
    refuse(path, why, remedy, cause);
  }
  return parseWritten(text, path, formats);
}
