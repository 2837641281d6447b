/**
 * Runs a script as people do, in a process of its own, for the tests.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { granted } from "../granted.ts";

/** What a script printed and how it ended. */
export interface ScriptRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The project's folder. */
export const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** Whether this process may run scripts, and read and write their files. */
export const mayRunScripts = granted("run", "read", "write", "net");

/** Runs `deno task <task>` with the rights that the task has, from a folder. */
export async function runTask(
  task: string,
  args: readonly string[],
  { cwd = ROOT, signal }: { readonly cwd?: string; readonly signal?: AbortSignal } = {},
): Promise<ScriptRun> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "--config", `${ROOT}deno.json`, task, ...args],
    cwd,
    // These tests may run under a task themselves, whose own folder must not be taken for the user's.
    env: { NO_COLOR: "1", INIT_CWD: cwd },
    stdin: "null",
    signal,
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
