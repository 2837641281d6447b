/**
 * Runs a program to its end and keeps what it printed.
 *
 * @module
 */

import { fit, plain } from "../../../lib/text/plain.ts";
import type { Launch } from "./contest.ts";

/** How a program ended. */
export type Ended =
  | { readonly ok: true; readonly stdout: string }
  | { readonly ok: false; readonly reason: string };

const REASON_COLUMNS = 100;

/**
 * Says in one line why a program failed, by what it wrote on stderr.
 *
 * @param stderr All of it.
 * @returns The line that names an error, the last one if none does; safe to print.
 *
 * @example
 * ```ts
 * import { failureLine } from "./launch.ts";
 *
 * console.log(failureLine("warning: old\nerror: no such package\n  at x")); // error: no such package
 * ```
 */
export function failureLine(stderr: string): string {
  const lines = stderr.split("\n").map((line) => plain(line)).filter((line) => line !== "");
  const telling = lines.findLast((line) => /^(\w*Error|error)\b/.test(line)) ?? lines.at(-1);
  return fit(telling ?? "said nothing on stderr", REASON_COLUMNS);
}

/**
 * Runs a program to its end.
 *
 * @param launch The program and its arguments.
 * @param options How long it may take, and the signal that ends it early.
 * @returns What it printed on stdout, or why it failed. A missing program is a failure, too.
 *
 * @example
 * ```ts
 * import { runToEnd } from "./launch.ts";
 *
 * if (Deno.permissions.querySync({ name: "run" }).state === "granted") {
 *   const ended = await runToEnd({ program: Deno.execPath(), args: ["--version"] }, { timeoutMs: 9000 });
 *   console.log(ended.ok); // true
 * }
 * ```
 */
export async function runToEnd(
  { program, args }: Launch,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<Ended> {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return { ok: false, reason: `${program} can't be started` };
  }
  let stopped: string | undefined;
  const stop = (reason: string) => {
    stopped ??= reason;
    try {
      child.kill("SIGKILL");
    } catch {
      // It ended by itself meanwhile.
    }
  };
  const interrupted = () => stop("interrupted");
  const timer = setTimeout(() => stop(`took longer than ${timeoutMs / 1000} s`), timeoutMs);
  signal?.addEventListener("abort", interrupted, { once: true });
  if (signal?.aborted) interrupted();
  try {
    const { success, stdout, stderr } = await child.output();
    if (stopped !== undefined) return { ok: false, reason: stopped };
    const text = new TextDecoder();
    return success
      ? { ok: true, stdout: text.decode(stdout) }
      : { ok: false, reason: failureLine(text.decode(stderr)) };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", interrupted);
  }
}
