/**
 * Result files as options and arguments.
 *
 * @module
 */

import { UsageError } from "../options.ts";
import type { ResultFile } from "../timing/result.ts";
import { readResultFile } from "../timing/result_file.ts";
import { ResultFileError } from "../timing/written_file.ts";
import { userPath } from "./output_files.ts";

/**
 * Reads a result file that was named on the command line.
 *
 * @param option The option's or argument's name, for the error.
 * @param path What was typed.
 * @returns What the file holds.
 * @throws {UsageError} If it is missing, too large, truncated, of another version, or nonsense.
 *
 * @example
 * ```ts
 * import { resultOption } from "./result_option.ts";
 *
 * const error = await resultOption("--baseline", "/no/such/file.json").catch((error) => error);
 * console.log(error.name); // "UsageError"
 * ```
 */
export async function resultOption(option: string, path: string): Promise<ResultFile> {
  if (path.trim() === "") {
    throw new UsageError(option, path, "no file is named", "give the path of one");
  }
  try {
    return await readResultFile(userPath(path));
  } catch (error) {
    if (!(error instanceof ResultFileError)) throw error;
    // Its message names the file, which the usage error names too.
    const text = error.message.slice(error.message.indexOf('": ') + 3);
    const cut = text.lastIndexOf("; ");
    throw new UsageError(option, path, text.slice(0, cut), text.slice(cut + 2), { cause: error });
  }
}
