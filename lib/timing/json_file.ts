/**
 * Files that `--json` wrote, read again: they may be anything by now, and what is wrong with one is told
 * in a line.
 *
 * @module
 */

import type { z } from "zod";
import { readText } from "../files/text_file.ts";

/** Larger files aren't read: no run of this program writes one. */
export const RESULT_FILE_BYTES = 200 * 1024 ** 2;

/** A result file can't be used; the message is one line that says why and what to do. */
export class ResultFileError extends Error {
  /** `"ResultFileError"`. */
  override name = "ResultFileError";
}

/** A kind of file that can be read. */
export interface FileFormat<T> {
  /** Its field `kind`; undefined for result files of comparisons, which have none. */
  readonly kind: string | undefined;
  /** The scripts that write such files. */
  readonly writers: readonly string[];
  /** Checks what the JSON says. */
  readonly schema: Pick<z.ZodType<T>, "safeParse">;
  /** Faults that a schema can't see, in a few words; undefined if there is none. */
  readonly inconsistency: (value: T) => string | undefined;
}

function refuse(path: string, why: string, cause?: unknown): never {
  throw new ResultFileError(
    `Cannot read result file ${JSON.stringify(path)}: ${why.replaceAll(/\s+/g, " ")}`,
    { cause },
  );
}

/** Where a field is, as it would be written in code: `comparisons[0].models[2].wallMs`. */
function pathOf(path: readonly PropertyKey[]): string {
  const text = path.map((key) => typeof key === "number" ? `[${key}]` : `.${String(key)}`).join("");
  return text.replace(/^\./, "").slice(0, 200) || "the file";
}

/** Whether a text that isn't JSON would go on: what the parser missed was at its end. */
function wasCut(text: string, error: string): boolean {
  const position = /at position (\d+)/.exec(error)?.[1];
  return /end of JSON|unterminated/i.test(error) || Number(position) >= text.length ||
    // It ends within a number or a word.
    (/^\s*[{[]/.test(text) && !/[}\]]\s*$/.test(text));
}

function jsonOf(text: string, path: string): Record<string, unknown> {
  let data: unknown;
  try {
    data = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    const why = text.trim() === ""
      ? "it is empty"
      : wasCut(text, String(cause))
      ? "it ends in the middle, so it was truncated"
      : "it isn't JSON";
    refuse(path, `${why}; measure again with --json`, cause);
  }
  const version = typeof data === "object" && data !== null
    ? (data as { schemaVersion?: unknown }).schemaVersion
    : undefined;
  if (version === undefined) {
    refuse(path, "it has no schemaVersion, so it isn't a result file; write one with --json");
  }
  if (version !== 1) {
    const shown = JSON.stringify(version)?.slice(0, 40);
    refuse(
      path,
      `it has schema version ${shown}, and this program reads 1; measure again with --json`,
    );
  }
  return data as Record<string, unknown>;
}

/**
 * Makes a file's value of its text, or says what is wrong with it.
 *
 * @throws {ResultFileError} If it is no JSON, of another version or kind, or has a field that can't be.
 */
export function parseWritten<T>(
  text: string,
  path: string,
  formats: readonly FileFormat<T>[],
): T {
  const data = jsonOf(text, path);
  const format = formats.find(({ kind }) => kind === data.kind);
  if (format === undefined) {
    const kind = data.kind === undefined
      ? "it has no kind, so it holds comparisons"
      : `its kind is ${JSON.stringify(data.kind).slice(0, 40)}`;
    const names = formats.flatMap(({ writers }) => writers);
    const writers = [names.slice(0, -1).join(", "), ...names.slice(-1)].filter(Boolean).join(
      " or ",
    );
    refuse(path, `${kind}; name a file that ${writers} wrote with --json`);
  }
  const { data: value, error } = format.schema.safeParse(data);
  if (error !== undefined) {
    const [first, ...more] = error.issues;
    const rest = more.length > 0 ? ` (and ${more.length} more)` : "";
    refuse(
      path,
      `${pathOf(first!.path)} is wrong: ${first!.message}${rest}; measure again with --json`,
    );
  }
  const odd = format.inconsistency(value);
  if (odd !== undefined) refuse(path, `${odd}; measure again with --json`);
  return value;
}

/**
 * Reads a file that `--json` wrote.
 *
 * @throws {ResultFileError} If it is missing, too large, truncated, of another version or kind, or
 * nonsense.
 */
export async function readWritten<T>(path: string, formats: readonly FileFormat<T>[]): Promise<T> {
  let text: string;
  try {
    // Asked before it is read: half a gigabyte of anything isn't worth the memory.
    const { size, isDirectory } = await Deno.stat(path);
    if (isDirectory) refuse(path, "it is a folder; name a file that --json wrote");
    if (size > RESULT_FILE_BYTES) {
      const mebibytes = (bytes: number) => Math.round(bytes / 1024 ** 2);
      const most = mebibytes(RESULT_FILE_BYTES);
      refuse(
        path,
        `it has ${mebibytes(size)} MiB, and at most ${most} MiB are read; ` +
          `name a file that --json wrote`,
      );
    }
    text = await readText(path);
  } catch (cause) {
    if (cause instanceof ResultFileError) throw cause;
    if (cause instanceof Deno.errors.NotFound) {
      refuse(path, "there is no such file; write one with --json", cause);
    }
    if (cause instanceof Deno.errors.NotCapable || cause instanceof Deno.errors.PermissionDenied) {
      refuse(path, "it may not be read; check its rights, or name a file elsewhere", cause);
    }
    refuse(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
  return parseWritten(text, path, formats);
}
