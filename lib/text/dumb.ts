/**
 * Terminals that print and nothing else.
 *
 * @module
 */

/** Whether the terminal can neither colour nor move its cursor, as far as the environment may be asked. */
export function isDumb(): boolean {
  const { state } = Deno.permissions.querySync({ name: "env", variable: "TERM" });
  return state === "granted" && Deno.env.get("TERM") === "dumb";
}
