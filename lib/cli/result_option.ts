/**
 * Result files as options and arguments.
 *
 * @module
 */

import { UsageError } from "../options.ts";
import type { ResultFile } from "../timing/result.ts";
import { readResultFile } from "../timing/result_file.ts";
import { ResultFileError } from "../timing/written_file.ts";
import { userPath } from "../files/user_path.ts";

/**
 * Reads a file that was named on the command line.
 *
 * @throws {UsageError} If it is missing, too large, truncated, of another version or kind, or nonsense.
 */
export async function fileOption<T>(
  option: string,
  path: string,
  read: (path: string) => Promise<T>,
): Promise<T> {
  if (path.trim() === "") {
    throw new UsageError(option, path, "no file is named", "give the path of one");
  }
  try {
    return await read(userPath(path));
  } catch (error) {
    if (!(error instanceof ResultFileError)) throw error;
    // Its message names the file, which the usage error names too.
    const text = error.message.slice(error.message.indexOf('": ') + 3);
    const cut = text.lastIndexOf("; ");
    throw new UsageError(option, path, text.slice(0, cut), text.slice(cut + 2), { cause: error });
  }
}

/**
 * Reads a result file of comparisons that was named on the command line.
 *
 * @throws {UsageError} If it is missing, too large, truncated, of another version or kind, or nonsense.
 */
export async function resultOption(option: string, path: string): Promise<ResultFile> {
  return await fileOption(option, path, readResultFile);
}
