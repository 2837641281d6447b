/** Resolves paths as people type them, reads files as text, and writes them whole or not at all. */

import { basename, dirname, join, resolve } from "node:path";
import { attempt } from "../lanes/attempt.ts";
import { formatBytes } from "../text/format.ts";
import { firstLine, printError } from "../text/print.ts";

/** The system's message about a file, without the path, which may be long and is printed beside it. */
export function whyRefused(error: unknown): string {
  return firstLine(error).replace(/: \w+ '.*$/, "");
}

let reading = 0;

/** Whether a file is being read before anything runs. A pipe may never end, so a signal exits at once. */
export function isReading(): boolean {
  return reading > 0;
}

/** Reads a file before anything is measured or run; meanwhile the first signal ends the program at once. */
export async function whileReading<T>(read: () => Promise<T>): Promise<T> {
  reading++;
  try {
    return await read();
  } finally {
    reading--;
  }
}

/** Paths to remove if the program ends at once, as after a second Ctrl-C. */
const passing = new Set<string>();
addEventListener("unload", () => {
  // A path may not exist yet, or not any more.
  for (const path of passing) attempt(() => Deno.removeSync(path, { recursive: true }));
});

/** Registers a temporary file or folder: it is removed on disposal, or when the program ends. */
export function passingPath(path: string): AsyncDisposable {
  passing.add(path);
  return {
    async [Symbol.asyncDispose]() {
      await Deno.remove(path, { recursive: true }).catch(() => {});
      passing.delete(path);
    },
  };
}

/** Standard input; at a terminal, a line says that it is read, since nothing else would show that. */
export function standardInput(): typeof Deno.stdin {
  if (Deno.stdin.isTerminal()) {
    const end = Deno.build.os === "windows" ? "Ctrl-Z and Enter end" : "Ctrl-D ends";
    printError(`Reads standard input, which here is what you type; ${end} it …`);
  }
  return Deno.stdin;
}

/**
 * Reads a text file or standard input; a byte order mark gives the encoding and isn't part of the text.
 *
 * @throws {RangeError} If there are more than `maxBytes` bytes, as from a device without end.
 */
export async function readText(path: string, maxBytes: number): Promise<string> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  await whileReading(async () => {
    const { readable } = path === STDIN ? standardInput() : await Deno.open(path);
    for await (const part of readable) {
      bytes += part.length;
      if (bytes > maxBytes) {
        throw new RangeError(`it goes on beyond ${formatBytes(maxBytes)}, and no more is read`);
      }
      parts.push(part);
    }
  });
  return decoded(await new Blob(parts).bytes());
}

/** Decodes bytes as UTF-8, or as UTF-16 if a byte order mark says so. */
export function decoded(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding = first === 0xff && second === 0xfe
    ? "utf-16le"
    : first === 0xfe && second === 0xff
    ? "utf-16be"
    : "utf-8";
  return new TextDecoder(encoding).decode(bytes);
}

export async function statOrUndefined(path: string): Promise<Deno.FileInfo | undefined> {
  return await Deno.stat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
}

const EDGE_BYTES = 1 << 16;

/** The beginning and the end of a file's text; empty if there is no regular file. */
export async function beginAndEnd(path: string): Promise<string> {
  const info = await Deno.stat(path).catch(() => undefined);
  if (!info?.isFile) return "";
  using file = await Deno.open(path);
  const parts: Uint8Array[] = [];
  for (const from of new Set([0, Math.max(0, info.size - EDGE_BYTES)])) {
    await file.seek(from, Deno.SeekMode.Start);
    const bytes = new Uint8Array(EDGE_BYTES);
    parts.push(bytes.subarray(0, await file.read(bytes) ?? 0));
  }
  return parts.map((bytes) => new TextDecoder().decode(bytes)).join("");
}

const MOST_LINKS = 40;

/** The path that a chain of links leads to; the path itself if it is no link. */
export async function linkTarget(path: string): Promise<string> {
  let at = path;
  for (let link = 0; link < MOST_LINKS; link++) {
    const isLink = await Deno.lstat(at).then(({ isSymlink }) => isSymlink, () => false);
    if (!isLink) return at;
    at = resolve(dirname(at), await Deno.readLink(at));
  }
  return path;
}

/**
 * Makes a file beside a path and renames it once it is complete, so that a reader never sees half of it.
 * The file that a link leads to is replaced, not the link.
 */
export async function makeWhole(
  path: string,
  make: (beside: string) => Promise<void>,
): Promise<void> {
  const target = await linkTarget(path);
  const beside = join(dirname(target), `.${basename(target)}.${crypto.randomUUID().slice(0, 8)}`);
  await using _ = passingPath(beside);
  await make(beside);
  // What others may not read stays so.
  const { mode } = await statOrUndefined(target) ?? {};
  if (mode) await Deno.chmod(beside, mode & 0o777).catch(() => {});
  await Deno.rename(beside, target);
}

/** The system's error codes for a folder that can't be changed or a file that can't be replaced. */
const FIXED = ["EACCES", "EPERM", "EROFS", "EBUSY"];

/** Writes a file whole or not at all; a device, a pipe or a file that can't be replaced is written in place. */
export async function writeAtomically(path: string, text: string): Promise<void> {
  // A rename can't replace /dev/stdout or a pipe.
  const special = await Deno.stat(path).then(({ isFile }) => !isFile, () => false);
  if (special) return await Deno.writeTextFile(path, text);
  try {
    await makeWhole(path, (beside) => Deno.writeTextFile(beside, text, { createNew: true }));
  } catch (error) {
    // In a read-only folder, or if the file is a mount of its own, it can only be written in place.
    const isFixed = FIXED.includes((error as { readonly code?: string }).code ?? "");
    if (!isFixed || await statOrUndefined(path) === undefined) throw error;
    await Deno.writeTextFile(path, text);
  }
}

/** The folder in which `deno task` was called; the current one without `deno task`. */
export function userFolder(): string {
  // A program started without `deno task` may lack the permission to read the variable.
  return attempt(() => Deno.env.get("INIT_CWD")) || ".";
}

/** The absolute path of a typed one, from the user's folder: `deno task` runs in the project's folder. */
export function userPath(path: string, from: string = userFolder()): string {
  if (path.trim() === "") return path;
  return /[/\\]$/.test(path) ? `${resolve(from, path)}/` : resolve(from, path);
}

/** Stands for standard input where a file is read. */
export const STDIN = "-";

/** The path of a file to read. /dev/stdin becomes `-`: Deno opens files in /dev only with all permissions. */
export function inputPath(typed: string): string {
  return typed === STDIN || typed === "/dev/stdin" ? STDIN : userPath(typed);
}
