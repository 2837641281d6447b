/** Runs a program of this folder in a separate process, as a user would. */

import { grantedAll } from "../../granted.ts";

/** Whether this test run may start programs and read `/proc`. */
export const MAY_RUN: boolean = grantedAll();

/** The arguments that run a program, with additional flags for Deno. */
export function denoArgs(
  program: string,
  args: readonly string[],
  flags: readonly string[] = [],
): string[] {
  const path = new URL(program, import.meta.url).pathname;
  const always = ["--quiet", "--no-check", "--no-prompt", "-A"];
  return ["run", ...always, ...flags, path, ...args];
}

export function start(program: string, args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: denoArgs(program, args),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** After how many milliseconds a program is killed; only a safety net. */
const MOST_MS = 180_000;

/** Runs a program to its end. */
export async function run(
  program: string,
  args: readonly string[],
  shell = "",
  flags: readonly string[] = [],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const words = [Deno.execPath(), ...denoArgs(program, args, flags)];
  const child = new Deno.Command("sh", {
    args: ["-c", `${shell} exec "$@"`, "sh", ...words],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const killed = setTimeout(() => child.kill("SIGKILL"), MOST_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(killed);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
