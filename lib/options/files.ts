/**
 * Files as options, checked before any measuring starts: a folder that isn't there is told at once
 * and not after half a minute.
 *
 * @module
 */

import { dirname } from "@std/path";
import { linkTarget } from "../files/link_target.ts";
import { UsageError } from "./usage_error.ts";

/** Bounds of a file that is to be read. */
export interface InputFileBounds {
  /** The largest file taken, in bytes; unlimited unless told. */
  readonly maxBytes?: number;
}

function plainReason(error: unknown): { problem: string; remedy: string } {
  if (error instanceof Deno.errors.NotCapable) {
    // The flags are fixed in deno.json, and what lies in /proc or /dev would take all of them.
    return { problem: "this program has no right to it", remedy: "choose another path" };
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
 * @throws {UsageError} If the folder doesn't exist, the path is a folder, or it can't be written.
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
    await Deno.remove(await madeEmpty(path));
  } else if (info.isFile) {
    (await Deno.open(path, { append: true })).close();
  }
  // A pipe or a device isn't opened: doing so may wait for a reader, or have effects.
}

/**
 * Checks that a file can be read.
 *
 * @throws {UsageError} If it isn't there, is a folder, is too large, or can't be read.
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

/** Makes an empty file where there is none, behind a link that leads nowhere too; gives its own path. */
async function madeEmpty(path: string): Promise<string> {
  const target = await linkTarget(path);
  (await Deno.open(target, { write: true, createNew: true })).close();
  return target;
}

/** A file, and the option or argument that names it. */
export interface NamedFile {
  readonly option: string;
  readonly path: string;
}

interface Identity {
  readonly id: string;
  readonly isFile: boolean;
}

/** What tells a file from all others, however its path is spelled and whatever links lead to it. */
async function identityOf(path: string): Promise<Identity> {
  const { dev, ino, isFile } = await Deno.stat(path);
  // Windows doesn't always number its files.
  return { id: ino === null ? await Deno.realPath(path) : `${dev}:${ino}`, isFile };
}

/**
 * Checks that no output would overwrite what is read, and that no two outputs are one file. Those that
 * don't exist are made for a moment, for only the file system knows which spellings mean the same.
 *
 * @throws {UsageError} That names both options.
 */
export async function requireDistinct(
  outputs: readonly NamedFile[],
  inputs: readonly NamedFile[],
): Promise<void> {
  const taken = new Map<string, string>();
  for (const { option, path } of inputs) {
    // What isn't there is told elsewhere, and writing to where a pipe or a terminal is read loses nothing.
    const identity = await identityOf(path).catch(() => undefined);
    if (identity?.isFile) taken.set(identity.id, `${option}, which is read`);
  }
  const made: string[] = [];
  try {
    for (const { option, path } of outputs) {
      if (await statOrUndefined(path) === undefined) made.push(await madeEmpty(path));
      const { id } = await identityOf(path);
      const other = taken.get(id);
      if (other !== undefined) {
        throw new UsageError(
          option,
          path,
          `the same file as ${other}`,
          "give it a name of its own",
        );
      }
      taken.set(id, option);
    }
  } finally {
    for (const path of made) await Deno.remove(path).catch(() => {});
  }
}
