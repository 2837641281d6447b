/**
 * Hashes every file of this project's library: the tasks are tiny and mostly compute.
 *
 * Run it with `--allow-read=lib`.
 */

/** The job's name in reports. */
export const title = "hash a folder";

async function* filesBelow(folder: URL): AsyncGenerator<string> {
  const entries = (await Array.fromAsync(Deno.readDir(folder)))
    .sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isDirectory } of entries) {
    if (isDirectory) yield* filesBelow(new URL(`${name}/`, folder));
    else yield new URL(name, folder).href;
  }
}

/** The files' addresses, in the order of their names. */
export function items(): AsyncGenerator<string> {
  return filesBelow(new URL("../../lib/", import.meta.url));
}

/** Returns a file's SHA-256 in hex. */
export default async function hash(file: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(new URL(file)));
  return new Uint8Array(digest).toHex();
}
