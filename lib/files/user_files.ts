/** Files as people name them, read as text, and written whole or not at all. */

import { basename, dirname, join, resolve } from "node:path";
import { attempt } from "../lanes/attempt.ts";
import { formatBytes } from "../text/format.ts";
import { firstLine, printError } from "../text/print.ts";

/** What the system says of a file, without its path, which may be long and is told with it. */
export function whyRefused(error: unknown): string {
  return firstLine(error).replace(/: \w+ '.*$/, "");
}

let reading = 0;

/** Whether a file is being read before anything is measured or run: it may be a pipe that says nothing. */
export function isReading(): boolean {
  return reading > 0;
}

/** Reads a file before anything is measured or run: the first signal ends the program meanwhile. */
export async function whileReading<T>(read: () => Promise<T>): Promise<T> {
  reading++;
  try {
    return await read();
  } finally {
    reading--;
  }
}

/** What is removed where the program ends at once, as after a second Ctrl-C. */
const passing = new Set<string>();
addEventListener("unload", () => {
  // One that isn't there yet, or no more, harms nobody.
  for (const path of passing) attempt(() => Deno.removeSync(path, { recursive: true }));
});

/** Holds a file or folder that is of no use once the program has ended; leaving the block removes it. */
export function passingPath(path: string): AsyncDisposable {
  passing.add(path);
  return {
    async [Symbol.asyncDispose]() {
      await Deno.remove(path, { recursive: true }).catch(() => {});
      passing.delete(path);
    },
  };
}

/** Standard input, to be read: at a terminal nothing would show that it is waited for. */
export function standardInput(): typeof Deno.stdin {
  if (Deno.stdin.isTerminal()) {
    const end = Deno.build.os === "windows" ? "Ctrl-Z and Enter end" : "Ctrl-D ends";
    printError(`Reads standard input, which here is what you type; ${end} it …`);
  }
  return Deno.stdin;
}

/**
 * Reads a text file, or standard input; its byte order mark says how it is encoded, and isn't part of the text.
 *
 * @throws {RangeError} If it has more bytes than are wanted, as a device may give without end.
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

/** Text of bytes: UTF-8, or what a byte order mark says. */
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

/** The begin and the end of a file's text; none of what isn't there, or is no file. */
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

/** The path at the end of a path's links; the path itself if it is none. */
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
 * Has a file made beside a path, and renamed to it once it is whole: a reader never sees half of it. The
 * file that a link leads to is replaced, not the link.
 */
export async function makeWhole(
  path: string,
  make: (beside: string) => Promise<void>,
): Promise<void> {
  const target = await linkTarget(path);
  const beside = join(dirname(target), `.${basename(target)}.${crypto.randomUUID().slice(0, 8)}`);
  await using _ = passingPath(beside);
  await make(beside);
  await Deno.rename(beside, target);
}

/** By which codes the system says that a folder can't be changed, or a file not be replaced. */
const FIXED = ["EACCES", "EPERM", "EROFS", "EBUSY"];

/** Writes a file whole or not at all, unless it is none, or can't be replaced. */
export async function writeAtomically(path: string, text: string): Promise<void> {
  // /dev/stdout and pipes can't be renamed over.
  const special = await Deno.stat(path).then(({ isFile }) => !isFile, () => false);
  if (special) return await Deno.writeTextFile(path, text);
  try {
    await makeWhole(path, (beside) => Deno.writeTextFile(beside, text, { createNew: true }));
  } catch (error) {
    // Where nothing may be made beside it, or it is mounted alone, only the file itself can be written.
    const isFixed = FIXED.includes((error as { readonly code?: string }).code ?? "");
    if (!isFixed || await statOrUndefined(path) === undefined) throw error;
    await Deno.writeTextFile(path, text);
  }
}

/** The folder in which `deno task` was called; the current one without `deno task`. */
export function userFolder(): string {
  // What isn't run by `deno task` may not be allowed to ask.
  return attempt(() => Deno.env.get("INIT_CWD")) || ".";
}

/** A path that was typed, as an absolute one: `deno task` itself runs in the project's folder. */
export function userPath(path: string, from: string = userFolder()): string {
  if (path.trim() === "") return path;
  return /[/\\]$/.test(path) ? `${resolve(from, path)}/` : resolve(from, path);
}

/** Stands for standard input where a file is read. */
export const STDIN = "-";

/** The path of a file to read; Deno opens what lies in /dev only to programs with all permissions. */
export function inputPath(typed: string): string {
  return typed === STDIN || typed === "/dev/stdin" ? STDIN : userPath(typed);
}
