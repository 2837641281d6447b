/**
 * Finds the deno.json that a task's imports go by. Deno itself looks beside the program that is run,
 * which in a subprocess is this library and not the task.
 *
 * @module
 */

const NAMES = ["deno.json", "deno.jsonc"];
const found = new Map<string, string | undefined>();

/**
 * The deno.json in the folder of a module or in the nearest folder above it.
 *
 * @param module The module's URL.
 * @returns Its path; undefined if there is none, if it is not to be told because this program may not
 * read there, or if the module isn't a file.
 *
 * @example
 * ```ts
 * import { nearestConfig } from "./nearest_config.ts";
 *
 * console.log(nearestConfig("https://example.com/task.ts")); // undefined
 * ```
 */
export function nearestConfig(module: string): string | undefined {
  if (!module.startsWith("file:")) return undefined;
  if (!found.has(module)) found.set(module, search(new URL(".", module)));
  return found.get(module);
}

function search(folder: URL): string | undefined {
  for (const name of NAMES) {
    const file = new URL(name, folder);
    try {
      if (Deno.statSync(file).isFile) return decodeURIComponent(file.pathname);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) return undefined;
    }
  }
  const above = new URL("..", folder);
  return above.href === folder.href ? undefined : search(above);
}
