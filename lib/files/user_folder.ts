/**
 * Where the person is who typed the command.
 *
 * @module
 */

/** The folder in which `deno task` was called; the current one without `deno task`. */
export function userFolder(): string {
  try {
    return Deno.env.get("INIT_CWD") ?? ".";
  } catch {
    // Not run by deno task, and not allowed to ask.
    return ".";
  }
}
