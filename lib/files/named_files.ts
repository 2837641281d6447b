/** Checks the files that options name, before anything is measured, run or overwritten. */

import { basename, dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { httpUrl, UsageError, valueFault } from "../text/option_values.ts";
import {
  linkTarget,
  readText,
  statOrUndefined,
  STDIN,
  userPath,
  whyRefused,
} from "./user_files.ts";

/** A UsageError that says in plain words why the system refuses a file. */
function refused(option: string, path: string, error: unknown): UsageError {
  if (error instanceof UsageError) return error;
  const { NotCapable, NotFound, PermissionDenied } = Deno.errors;
  const fault = valueFault(option, path);
  if (error instanceof NotFound) return fault("there is no such file", "check the path", error);
  if (error instanceof PermissionDenied) {
    return fault("the system denies access", "choose another, or change its rights", error);
  }
  // No flag is advised: deno.json fixes them, and files in /proc or /dev would need all permissions.
  const isOurs = error instanceof NotCapable;
  const problem = isOurs ? "this program has no right to it" : whyRefused(error);
  return fault(problem, "choose another path", error);
}

/** Checks that a file can be written, without changing it; returns its path. */
export async function outputFile(option: string, path: string): Promise<string> {
  const fault = valueFault(option, path);
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
    // Opening changes nothing; a missing file is created and removed again. A pipe or a device isn't opened,
    // since that may wait for a reader or have effects.
    if (info === undefined || info.isFile) await letGo(await held(path, info));
  } catch (error) {
    throw refused(option, path, error);
  }
  return path;
}

/** Checks that a file can be read and has at most `maxBytes` bytes; returns its path. */
export async function inputFile(
  option: string,
  path: string,
  { maxBytes = Infinity }: { readonly maxBytes?: number } = {},
): Promise<string> {
  const fault = valueFault(option, path);
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

/** The URL of the module that a person named; throws a UsageError if there is no such local file. */
export async function jobModule(typed: string): Promise<string> {
  const fault = valueFault("module", typed);
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(typed)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "file") {
    throw fault("not a local file", "save it here, and give the file's path");
  }
  if (typed.trim() === "") throw fault("no file is named", "give the path of one");
  const url = scheme === undefined ? pathToFileURL(userPath(typed)) : URL.parse(typed);
  if (url === null || url.host !== "") {
    throw fault("not a local file", "write file:///path/to/job.ts");
  }
  const info = await Deno.stat(fileURLToPath(url)).catch((cause: Error) => {
    const isMissing = cause instanceof Deno.errors.NotFound ||
      cause instanceof Deno.errors.NotADirectory;
    const problem = isMissing ? "there is no such file" : `it can't be read (${cause.name})`;
    const remedy = "give the path of a module that exports a task and its items";
    throw fault(problem, remedy, cause);
  });
  if (info.isDirectory) throw fault("a folder", "name the module's file in it");
  return new URL(url.pathname, "file:").href;
}

/** A file open for writing, and its path if it didn't exist before; another program may have made it too. */
interface Held {
  readonly file: Deno.FsFile;
  readonly made?: string;
}

/** Opens a file for appending; a missing one is created, also where a link leads to a missing file. */
async function held(path: string, info: Deno.FileInfo | undefined): Promise<Held> {
  try {
    if (info !== undefined) return { file: await Deno.open(path, { append: true }) };
  } catch (error) {
    // Another program may have created the file only for a moment.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const made = await linkTarget(path);
  return { file: await Deno.open(made, { append: true, create: true }), made };
}

async function letGo({ file, made }: Held): Promise<void> {
  // A run that has begun to use the file meanwhile has locked it. Some file systems have no locks.
  if (made !== undefined && await file.tryLock(true).catch(() => true)) {
    if ((await file.stat()).size === 0) await Deno.remove(made).catch(() => {});
    await file.unlock().catch(() => {});
  }
  file.close();
}

/** A file, and the option or argument that names it. */
export interface NamedFile {
  readonly option: string;
  readonly path: string;
}

/** An id that is the same for a file however its path is spelled and whatever links lead to it. */
async function identityOf(path: string, { dev, ino }: Deno.FileInfo): Promise<string> {
  // Windows doesn't always give files a number.
  return ino === null ? await Deno.realPath(path) : `${dev}:${ino}`;
}

/**
 * Checks that no output would overwrite an input, that no two outputs are the same file, and that only one
 * option reads standard input. Outputs that don't exist are created for a moment, since only the file system
 * knows which spellings mean the same file.
 */
export async function requireDistinct(
  outputs: readonly NamedFile[],
  inputs: readonly NamedFile[],
): Promise<void> {
  const taken = new Map<string, string>();
  const refuseTaken = (id: string, option: string, path: string) => {
    const other = taken.get(id);
    if (other === undefined) return;
    throw valueFault(option, path)(`the same file as ${other}`, "give it a name of its own");
  };
  for (const { option, path } of inputs) {
    const told = `${option}, which is read`;
    if (path === STDIN) {
      // Standard input can be read only once.
      refuseTaken(path, option, path);
      taken.set(path, told);
      continue;
    }
    // A missing input is reported elsewhere, and writing to a pipe or terminal that is read loses nothing.
    const info = await Deno.stat(path).catch(() => undefined);
    if (info?.isFile) taken.set(await identityOf(path, info), told);
  }
  // Files stay open until all are compared, since a removed file's number may be given to the next one.
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

/** The largest file of addresses that is read, in bytes; a larger one is something else. */
const LARGEST_LIST_BYTES = 16 * 1024 * 1024;

/** Reads addresses from a file, one a line; blank lines and lines that begin with `#` are skipped. */
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
