/**
 * Files as options, checked before any measuring starts: a folder that isn't there is told at once
 * and not after half a minute.
 *
 * @module
 */

import { dirname } from "@std/path";
import { UsageError } from "./usage_error.ts";

/** Bounds of a file that is to be read. */
export interface InputFileBounds {
  /** The largest file taken, in bytes; unlimited unless told. */
  readonly maxBytes?: number;
}

function plainReason(error: unknown): { problem: string; remedy: string } {
  if (error instanceof Deno.errors.NotCapable) {
    const flag = /--allow-\w+/.exec(error.message)?.[0] ?? "--allow-read";
    return { problem: "this program has no right to it", remedy: `run again with ${flag}` };
  }
  if (error instanceof Deno.errors.NotFound) {
    return { problem: "there is no such file", remedy: "check the path" };
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return { problem: "the system denies access", remedy: "choose another, or change its rights" };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { problem: message.split("\n", 1)[0] ?? "", remedy: "choose another path" };
}

function refused(option: string, path: string, error: unknown): UsageError {
  const { problem, remedy } = plainReason(error);
  return new UsageError(option, path, problem, remedy, { cause: error });
}

async function statOrUndefined(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Checks that a file can be written, and leaves what is there as it is.
 *
 * @param option The option's name, for the error.
 * @param path What was typed: where the file is to be. An existing file will be replaced.
 * @returns The path as typed.
 * @throws {UsageError} If the folder doesn't exist, the path is a folder, or it can't be written.
 *
 * @example
 * ```ts
 * import { outputFile, UsageError } from "../options.ts";
 *
 * try {
 *   await outputFile("--json", "no/such/folder/result.json");
 * } catch (error) {
 *   console.log(error instanceof UsageError); // true
 * }
 * ```
 */
export async function outputFile(option: string, path: string): Promise<string> {
  if (path.trim() === "") {
    throw new UsageError(option, path, "no file is named", "give one such as result.json");
  }
  try {
    const folder = dirname(path);
    const folderInfo = await statOrUndefined(folder);
    if (folderInfo === undefined || !folderInfo.isDirectory) {
      throw new UsageError(
        option,
        path,
        folderInfo === undefined ? "its folder doesn't exist" : "its folder is a file",
        "make the folder first, or choose another",
      );
    }
    const info = await statOrUndefined(path);
    if (info?.isDirectory || /[/\\]$/.test(path)) {
      throw new UsageError(option, path, "a folder, not a file", "add a file name to it");
    }
    await probe(path, info);
  } catch (error) {
    throw error instanceof UsageError ? error : refused(option, path, error);
  }
  return path;
}

/** Opens the file to write without changing it; one that isn't there is made and removed again. */
async function probe(path: string, info: Deno.FileInfo | undefined): Promise<void> {
  if (info === undefined) {
    (await Deno.open(path, { write: true, createNew: true })).close();
    await Deno.remove(path);
  } else if (info.isFile) {
    (await Deno.open(path, { append: true })).close();
  }
  // A pipe or a device isn't opened: doing so may wait for a reader, or have effects.
}

/**
 * Checks that a file can be read.
 *
 * @param option The option's name, for the error.
 * @param path What was typed.
 * @param bounds How large it may be.
 * @returns The path as typed.
 * @throws {UsageError} If it isn't there, is a folder, is too large, or can't be read.
 *
 * @example
 * ```ts
 * import { inputFile, UsageError } from "../options.ts";
 *
 * try {
 *   await inputFile("--urls", "no/such/list.txt");
 * } catch (error) {
 *   console.log(error instanceof UsageError); // true
 * }
 * ```
 */
export async function inputFile(
  option: string,
  path: string,
  bounds: InputFileBounds = {},
): Promise<string> {
  const { maxBytes = Infinity } = bounds;
  if (path.trim() === "") {
    throw new UsageError(option, path, "no file is named", "give the path of one");
  }
  try {
    const info = await Deno.stat(path);
    if (info.isDirectory) {
      throw new UsageError(option, path, "a folder, not a file", "name a file in it");
    }
    if (info.size > maxBytes) {
      throw new UsageError(
        option,
        path,
        `too large with ${info.size} bytes`,
        `give a file of at most ${maxBytes} bytes`,
      );
    }
    if (info.isFile) (await Deno.open(path, { read: true })).close();
  } catch (error) {
    throw error instanceof UsageError ? error : refused(option, path, error);
  }
  return path;
}
