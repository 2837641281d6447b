/** Finds the job module that was named on a command line. */

import { fileURLToPath, pathToFileURL } from "node:url";
import { UsageError } from "../../text/option_values.ts";

/** The URL of the module that a person named; throws a UsageError if there is no such local file. */
export async function jobModule(typed: string, path: (typed: string) => string): Promise<string> {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(typed)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "file") {
    const remedy = "save it here, and give the file's path";
    throw new UsageError("module", typed, "not a local file", remedy);
  }
  if (typed.trim() === "") {
    throw new UsageError("module", typed, "no file is named", "give the path of one");
  }
  const url = scheme === undefined ? pathToFileURL(path(typed)) : URL.parse(typed);
  if (url === null || url.host !== "") {
    throw new UsageError("module", typed, "not a local file", "write file:///path/to/job.ts");
  }
  const info = await Deno.stat(fileURLToPath(url)).catch((cause: Error) => {
    const isMissing = cause instanceof Deno.errors.NotFound ||
      cause instanceof Deno.errors.NotADirectory;
    const problem = isMissing ? "there is no such file" : `it can't be read (${cause.name})`;
    const remedy = "give the path of a module that exports a task and its items";
    throw new UsageError("module", typed, problem, remedy, { cause });
  });
  if (info.isDirectory) {
    throw new UsageError("module", typed, "a folder", "name the module's file in it");
  }
  return new URL(url.pathname, "file:").href;
}
