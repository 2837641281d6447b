/**
 * Text that people give: editors and shells of some systems begin it with a byte order mark, or write
 * UTF-16.
 *
 * @module
 */

/** Reads a text file; its byte order mark says how it is encoded, and isn't part of the text. */
export async function readText(path: string): Promise<string> {
  return decoded(await Deno.readFile(path));
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
