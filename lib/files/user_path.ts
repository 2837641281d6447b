/** Paths as their users mean them: from the folder where the command was typed. */

import { resolve } from "@std/path";

/** The folder in which `deno task` was called; the current one without `deno task`. */
export function userFolder(): string {
  try {
    return Deno.env.get("INIT_CWD") ?? ".";
  } catch {
    // Not run by deno task, and not allowed to ask.
    return ".";
  }
}

/** A path that was typed, as an absolute one: `deno task` itself runs in the project's folder. */
export function userPath(path: string, from: string = userFolder()): string {
  if (path.trim() === "") return path;
  return /[/\\]$/.test(path) ? `${resolve(from, path)}/` : resolve(from, path);
}
