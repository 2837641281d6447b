/**
 * Reads result files that may be anything, and writes them so that none is ever half there.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import type { ResultFile } from "./result.ts";
import { checkResult } from "./result_schema.ts";

/** Larger files aren't read: no run of this program writes one. */
export const RESULT_FILE_BYTES = 200 * 1024 ** 2;

/** A result file can't be used; the message is one line that says why and what to do. */
export class ResultFileError extends Error {
  /** `"ResultFileError"`. */
  override name = "ResultFileError";
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

/** Faults that the schema can't see: columns of unlike length, indices that point nowhere. */
function inconsistency(file: ResultFile): string | undefined {
  for (const [c, { models }] of file.comparisons.entries()) {
    for (const [m, { timeline, rounds }] of models.entries()) {
      const where = `comparisons[${c}].models[${m}]`;
      if (rounds.length === 0) return `${where}.rounds is empty`;
      if (timeline === undefined) continue;
      const { index, lane, queuedMs, startedMs, endedMs, status } = timeline;
      for (const [name, column] of Object.entries({ lane, queuedMs, startedMs, endedMs, status })) {
        if (column.length !== index.length) {
          return `${where}.timeline.${name} has ${column.length} entries, but index has ` +
            `${index.length}`;
        }
      }
    }
  }
  return undefined;
}

/**
 * Makes a result file of text, or says what is wrong with it.
 *
 * @param text The text; anything.
 * @param path What to call it in errors.
 * @returns The result.
 * @throws {ResultFileError} If it is no JSON, of another version, or has a field that can't be.
 *
 * @example
 * ```ts
 * import { parseResultFile } from "./result_file.ts";
 *
 * try {
 *   parseResultFile('{"schemaVersion": 2}', "old.json");
 * } catch (error) {
 *   console.log((error as Error).message.includes("version 2")); // true
 * }
 * ```
 */
export function parseResultFile(text: string, path: string): ResultFile {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    const why = text.trim() === ""
      ? "it is empty"
      : /end of JSON|unterminated/i.test(String(cause))
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
  const { result, fault } = checkResult(data);
  if (fault !== undefined) {
    const rest = fault.more > 0 ? ` (and ${fault.more} more)` : "";
    refuse(
      path,
      `${pathOf(fault.path)} is wrong: ${fault.message}${rest}; measure again with --json`,
    );
  }
  const odd = inconsistency(result);
  if (odd !== undefined) refuse(path, `${odd}; measure again with --json`);
  return result;
}

/**
 * Reads a result file.
 *
 * @param path The file.
 * @returns What it holds.
 * @throws {ResultFileError} If it is missing, too large, truncated, of another version, or nonsense.
 *
 * @example
 * ```ts
 * import { readResultFile } from "./result_file.ts";
 *
 * const error = await readResultFile("missing.json").catch((error) => error);
 * console.log(error.name); // "ResultFileError"
 * ```
 */
export async function readResultFile(path: string): Promise<ResultFile> {
  let text: string;
  try {
    // Asked before it is read: half a gigabyte of anything isn't worth the memory.
    const { size, isDirectory } = await Deno.stat(path);
    if (isDirectory) refuse(path, "it is a folder; name a file that --json wrote");
    if (size > RESULT_FILE_BYTES) {
      const mebibytes = (bytes: number) => Math.round(bytes / 1024 ** 2);
      refuse(
        path,
        `it has ${mebibytes(size)} MiB, and at most ${
          mebibytes(RESULT_FILE_BYTES)
        } MiB are read; ` +
          `name a file that --json wrote`,
      );
    }
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof ResultFileError) throw cause;
    if (cause instanceof Deno.errors.NotFound) {
      refuse(path, "there is no such file; write one with --json", cause);
    }
    if (cause instanceof Deno.errors.NotCapable || cause instanceof Deno.errors.PermissionDenied) {
      refuse(path, "it may not be read; check its rights, and --allow-read", cause);
    }
    refuse(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
  return parseResultFile(text, path);
}

/**
 * Writes a file whole or not at all: beside it first, then renamed over it. An older file stays as it was
 * until the new one is complete, also when the disk is full.
 *
 * @param path The file.
 * @param text Its content.
 * @throws {Error} What the system said, if the file can't be written; nothing is left behind.
 *
 * @example
 * ```ts
 * import { writeAtomically } from "./result_file.ts";
 *
 * const error = await writeAtomically("/missing/folder/x", "text").catch((error) => error);
 * console.log(error instanceof Error); // true
 * ```
 */
export async function writeAtomically(path: string, text: string): Promise<void> {
  // /dev/stdout and pipes can't be renamed over.
  const special = await Deno.stat(path).then(({ isFile }) => !isFile, () => false);
  if (special) return await Deno.writeTextFile(path, text);
  const beside = join(dirname(path), `.${basename(path)}.${crypto.randomUUID().slice(0, 8)}`);
  try {
    await Deno.writeTextFile(beside, text, { createNew: true });
    await Deno.rename(beside, path);
  } catch (error) {
    await Deno.remove(beside).catch(() => {});
    throw error;
  }
}
