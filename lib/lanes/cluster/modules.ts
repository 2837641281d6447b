/**
 * Task modules on other machines: one digest of a module's content, and the modules that a machine's operator
 * allows to run there: files below given folders, with exactly the job's content, and code in `data:` URLs only
 * if that is allowed explicitly.
 *
 * A digest is equal on two machines if the module's text is equal, and so is every file that it names by a
 * relative path, or by a name that its deno.json maps to such a path.
 */

import { attempt } from "../attempt.ts";
import { nearestConfig } from "../project.ts";

/** Text without effect: lines of comments, and type-only imports. */
const IDLE =
  /^\s*\/\*[\s\S]*?\*\/|^\s*\/\/.*$|^\s*(?:import|export)\s+type\s[^"'`;=]*\bfrom\s*["'][^"'\n]*["']/gm;
const ESCAPED = /\\(?:x([\da-f]{2})|u([\da-f]{4})|u\{0*([\da-f]{1,5})\})/gi;
/** Any quoted relative path: `import`, `require`, `new URL` and others may load such a file. */
const PATH = /["'`](\.{1,2}\/[^"'`\n]+)["'`]/g;

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** The refusal of a module whose exact content another machine can't have. */
export const notRunnable = (module: string) => `${module} is neither a file nor a data: URL`;

/**
 * The digest of a module's content.
 *
 * @throws If it can't be read, or is neither a file nor code in a `data:` URL.
 */
export async function moduleDigest(module: string): Promise<string> {
  if (module.startsWith("data:")) return await sha256(new TextEncoder().encode(module));
  if (!module.startsWith("file:")) throw new TypeError(notRunnable(module));
  const named = await mappedNames(module);
  const digests = new Map([[module, await digestOf(module)]]);
  // Iterating over a Map includes entries that are added meanwhile.
  for (const [file, { text }] of digests) {
    const code = text.replaceAll(IDLE, "").replaceAll(
      ESCAPED,
      (_, ...codes) => String.fromCodePoint(parseInt(codes.find(Boolean), 16)),
    );
    const paths = code.matchAll(PATH).map(([, path]) => new URL(path!, file).href);
    for (const url of [...paths, ...named(code)]) {
      if (digests.has(url)) continue;
      try {
        digests.set(url, await digestOf(url));
      } catch (error) {
        // A path without a file only looks like an import, so it is ignored.
        if (error instanceof Deno.errors.NotCapable) throw error;
      }
    }
  }
  // Paths are relative, so it doesn't matter where the project is.
  const lines = [...digests].map(([file, { digest }]) => `${relative(module, file)} ${digest}`);
  return await sha256(new TextEncoder().encode(lines.sort().join("\n")));
}

/** Returns a function that finds the names in a text that deno.json maps to files, and returns the URLs. */
async function mappedNames(module: string): Promise<(code: string) => string[]> {
  const { pathToFileURL } = await import("node:url");
  const config = nearestConfig(module);
  const text = config && attempt(() => Deno.readTextFileSync(config), "");
  const { imports } = attempt(() => JSON.parse(plainJson(text!)), {});
  const mapped = Object.entries(imports || {}).filter(([, to]) => /^\.{1,2}\//.test(String(to)));
  return (code) =>
    mapped.flatMap(([name, to]) => {
      const rest = name.endsWith("/") ? "([^\"'`\\n]*)" : "()";
      const quoted = new RegExp(`["'\`]${RegExp.escape(name)}${rest}["'\`]`, "g");
      return Array.from(
        code.matchAll(quoted),
        ([, rest]) => new URL(`${to}${rest}`, pathToFileURL(config!)).href,
      );
    });
}

/** Removes comments and trailing commas from JSON. */
function plainJson(text: string): string {
  const withoutComments = text.replaceAll(/("(?:\\.|[^"\\])*")|\/\/.*|\/\*[\s\S]*?\*\//g, "$1");
  return withoutComments.replaceAll(/("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g, "$1");
}

async function digestOf(file: string): Promise<{ text: string; digest: string }> {
  const bytes = await Deno.readFile(new URL(file));
  return { text: new TextDecoder().decode(bytes), digest: await sha256(bytes) };
}

function relative(from: string, to: string): string {
  const [here, there] = [from, to].map((url) => new URL(url).pathname.split("/"));
  let same = 0;
  while (same < here!.length - 1 && here![same] === there![same]) same++;
  return "../".repeat(here!.length - 1 - same) + there!.slice(same).join("/");
}

/** The modules that a machine's operator allows to run there. */
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
  const { pathToFileURL } = await import("node:url");
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
