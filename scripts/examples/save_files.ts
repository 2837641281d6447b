/**
 * Saves 600 files and waits for the disk each time: slots pay, unless the disk is in memory.
 *
 * Run it with `--allow-read --allow-write`; the files go to a folder below the current one, removed at the end.
 */

import saveFile from "../../lib/tasks/save_file.ts";

/** The job's name in reports. */
export const title = "save 600 files";

let folder = "";

/** Makes the folder, which is removed at the end. */
export async function prepare(): Promise<AsyncDisposable> {
  folder = await Deno.makeTempDir({ dir: Deno.cwd(), prefix: ".save-files-" });
  return { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

/** The files' paths; this is a function because the folder is known only after `prepare`. */
export function items(): string[] {
  return Array.from({ length: 600 }, (_, at) => `${folder}/${at}.bin`);
}

export default saveFile;
