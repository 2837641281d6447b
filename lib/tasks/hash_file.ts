/**
 * Task: the SHA-256 of one file. It waits to read the file and computes its digest; under `processes` it needs
 * `read` permission for the files.
 *
 * @module
 */

/**
 * Digests a file.
 *
 * @param path The file's path or `file:` URL; that as text travels to every lane.
 * @returns The digest in hex.
 * @throws {Error} If the file can't be read.
 *
 * @example
 * ```ts ignore
 * import hashFile from "./hash_file.ts";
 *
 * console.log(await hashFile("README.md"));
 * ```
 */
export default async function hashFile(path: string | URL): Promise<string> {
  const isAddress = typeof path === "string" && path.startsWith("file://");
  const bytes = await Deno.readFile(isAddress ? new URL(path) : path);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
