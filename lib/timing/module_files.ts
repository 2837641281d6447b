/**
 * Which files a module is made of, so that a process that loads it need not be allowed more.
 *
 * @module
 */

import { dirname, fromFileUrl } from "@std/path";

const known = new Map<string, Promise<readonly string[]>>();

/**
 * The local files that a module and all its imports are made of. A dynamic import needs leave to read
 * each of them.
 *
 * @param module The module's URL.
 * @returns Paths; none for a `data:` module, the module's folder if they can't be found out.
 *
 * @example
 * ```ts
 * import { moduleFiles } from "./module_files.ts";
 *
 * console.log(await moduleFiles("data:text/javascript,export default 1")); // []
 * ```
 */
export function moduleFiles(module: string): Promise<readonly string[]> {
  if (!module.startsWith("file:")) return Promise.resolve([]);
  let files = known.get(module);
  if (files === undefined) known.set(module, files = findFiles(module));
  return files;
}

async function findFiles(module: string): Promise<readonly string[]> {
  const fallback = [dirname(fromFileUrl(module))];
  try {
    const { success, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--quiet", module],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).output();
    if (!success) return fallback;
    const { modules }: { modules: { local?: string; specifier: string }[] } = JSON.parse(
      new TextDecoder().decode(stdout),
    );
    const files = modules.flatMap(({ specifier }) =>
      specifier.startsWith("file:") ? [fromFileUrl(specifier)] : []
    );
    return files.length > 0 ? files : fallback;
  } catch {
    return fallback;
  }
}
