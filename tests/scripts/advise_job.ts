/** Runs `deno task advise` on made-up jobs. */

import { runTask, type ScriptRun } from "./run_script.ts";

/**
 * Runs advise on a module of this code, from the module's folder. By default it is JavaScript, because type
 * checking takes a second.
 */
export async function advise(
  code: string,
  args: readonly string[] = [],
  name = "job.js",
): Promise<ScriptRun> {
  const cwd = await Deno.makeTempDir({ prefix: "lanes-advise-" });
  try {
    await Deno.writeTextFile(`${cwd}/${name}`, code);
    return await runTask("advise", [name, ...args], { cwd });
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

/** The start of a job whose tasks wait. */
export const WAITING = `export const items = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const wait = () => new Promise((resolve) => setTimeout(resolve, 12));
`;
