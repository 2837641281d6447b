/**
 * What a task module is made of, as one digest: the same on two machines if its text is, and that of
 * every file that it imports by a relative path.
 */

/** What has no part in what it does: comments, and imports of types alone. */
const IDLE = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$|^\s*(?:import|export)\s+type\b[^;]*;/gm;
const IMPORTS =
  /(?:\bfrom|\bimport)\s*\(?\s*["'](\.{1,2}\/[^"'\n]+)["']|new URL\(\s*["'](\.{1,2}\/[^"'\n]+)["']\s*,\s*import\.meta\.url/g;

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/**
 * The digest of a module's content.
 *
 * @throws If it can't be read, or is neither a file nor code in a `data:` URL.
 */
export async function moduleDigest(module: string): Promise<string> {
  if (module.startsWith("data:")) return await sha256(new TextEncoder().encode(module));
  if (!module.startsWith("file:")) {
    throw new TypeError(`${module} is neither a file nor a data: URL`);
  }
  const digests = new Map([[module, await digestOf(module)]]);
  // A Map's iteration goes on over what is added meanwhile.
  for (const [file, { text }] of digests) {
    for (const [, imported, named] of text.replaceAll(IDLE, "").matchAll(IMPORTS)) {
      const url = new URL(imported ?? named!, file).href;
      if (digests.has(url)) continue;
      try {
        digests.set(url, await digestOf(url));
      } catch (error) {
        // What isn't there isn't imported: it only looks so.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  }
  // Where it lies doesn't matter, only how its files lie to each other.
  const lines = [...digests].map(([file, { digest }]) => `${relative(module, file)} ${digest}`);
  return await sha256(new TextEncoder().encode(lines.sort().join("\n")));
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
