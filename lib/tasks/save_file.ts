/** Task: saves one file, and waits until the disk has it, as whatever must outlast a power cut. */

const CONTENT = new Uint8Array(16 * 1024);

/** Saves 16 KiB, over what is there; under `processes` it needs `write` permission for the file. */
export default async function saveFile(path: string): Promise<number> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  let saved = 0;
  while (saved < CONTENT.length) saved += await file.write(CONTENT.subarray(saved));
  await file.syncData();
  return saved;
}
