/**
 * The modules that a machine's operator allows to run there: files below given folders, with exactly the job's
 * content, and code in `data:` URLs only if that is allowed explicitly.
 */

import { pathToFileURL } from "node:url";
import { moduleDigest } from "./module_digest.ts";

export interface AllowedModules {
  /** Absolute paths of folders, or of single files. */
  readonly roots: readonly string[];
  /** Whether code in `data:` URLs is run, no matter where it comes from. */
  readonly data: boolean;
}

/** The module's URL on this machine, or why it is refused. */
export type FoundModule = { readonly local: string } | { readonly refused: string };

/** Folders with third-party code aren't searched. */
const SKIPPED = new Set(["node_modules", ".git"]);
/** How many characters of a digest are shown. */
const SHOWN = 12;

/**
 * Finds the file with a module's name and content, anywhere below the folders. If several projects have it,
 * their packages may differ, so the file whose path ends most like the module's is taken.
 */
export async function findAllowed(
  { roots, data }: AllowedModules,
  module: string,
  digest: string,
): Promise<FoundModule> {
  if (module.startsWith("data:")) {
    if (data) return { local: module };
    return { refused: `code in a data: URL (sha256 ${short(digest)}) is not allowed there` };
  }
  const name = module.slice(module.lastIndexOf("/") + 1);
  const where = roots.length === 0 ? "no module is allowed there" : `below ${roots.join(", ")}`;
  const others = new Set<string>();
  const same: string[] = [];
  for (const root of roots) {
    for await (const file of filesNamed(root, name)) {
      const found = await moduleDigest(file).catch(() => undefined);
      if (found === digest) same.push(file);
      else if (found !== undefined) others.add(`${file} has sha256 ${short(found)}`);
    }
  }
  const [local] = same.sort((a, b) => sharedEnd(b, module) - sharedEnd(a, module));
  if (local !== undefined) return { local };
  const has = others.size > 0
    ? `: ${[...others].join(", ")}`
    : roots.length === 0
    ? ""
    : " there is no such file";
  return { refused: `${name} with sha256 ${short(digest)} is not allowed; ${where}${has}` };
}

/** How many parts at the end of two paths are equal. */
function sharedEnd(path: string, other: string): number {
  const [one, two] = [path, other].map((path) => path.split("/").reverse());
  const end = one!.findIndex((part, at) => part !== two![at]);
  return end < 0 ? one!.length : end;
}

const short = (digest: string) => digest.slice(0, SHOWN);

/** URLs of the files with this name at a path or below it; links aren't followed. */
async function* filesNamed(root: string, name: string): AsyncGenerator<string> {
  const isNamed = (path: string) => pathToFileURL(path).href.endsWith(`/${name}`);
  const info = await Deno.lstat(root).catch(() => undefined);
  if (info?.isFile && isNamed(root)) yield pathToFileURL(root).href;
  const folders = info?.isDirectory ? [root] : [];
  for (const folder of folders) {
    const entries = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
    for (const entry of entries) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory && !SKIPPED.has(entry.name)) folders.push(path);
      else if (entry.isFile && isNamed(path)) yield pathToFileURL(path).href;
    }
  }
}
