/** Task: saves one file and waits until it is on the disk, where it outlasts a power failure. */

const CONTENT = new Uint8Array(16 * 1024);

/** Writes 16 KiB over the file; under `processes` it needs `write` permission for it. */
export default async function saveFile(path: string): Promise<number> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  let saved = 0;
  while (saved < CONTENT.length) saved += await file.write(CONTENT.subarray(saved));
  await file.syncData();
  return saved;
}
