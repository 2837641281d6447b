/**
 * Saves 600 files and waits for the disk each time: waiting, so slots pay, unless the disk is memory.
 *
 * Run it with `--allow-read --allow-write`; the files lie in a folder of their own in yours, until the end.
 */

import saveFile from "../../lib/tasks/save_file.ts";

/** What reports call it. */
export const title = "save 600 files";

let folder = "";

/** Makes the folder, which is removed at the end. */
export async function prepare(): Promise<AsyncDisposable> {
  folder = await Deno.makeTempDir({ dir: Deno.cwd(), prefix: ".save-files-" });
  return { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

/** Where the files go; a function, because the folder is known only when it was made. */
export function items(): string[] {
  return Array.from({ length: 600 }, (_, at) => `${folder}/${at}.bin`);
}

export default saveFile;
