/**
 * One digest of a task module's content: equal on two machines if the module's text is equal, and so is every
 * file that it names by a relative path, or by a name that its deno.json maps to such a path.
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
