/**
 * Task: saves one file, and waits until the disk has it. Writing alone only fills memory, from which the
 * system writes some time later; what must outlast a power cut has to be waited for.
 *
 * @module
 */

const CONTENT = new Uint8Array(16 * 1024);

/**
 * Saves 16 KiB; under `processes` it needs `write` permission for the file.
 *
 * @param path Where; what is there is written over.
 * @returns How many bytes were saved.
 * @throws {Error} If the file can't be written.
 *
 * @example
 * ```ts ignore
 * import saveFile from "./save_file.ts";
 *
 * console.log(await saveFile("saved.bin")); // 16384
 * ```
 */
export default async function saveFile(path: string): Promise<number> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  let saved = 0;
  while (saved < CONTENT.length) saved += await file.write(CONTENT.subarray(saved));
  await file.syncData();
  return saved;
}
