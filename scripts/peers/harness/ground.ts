/**
 * What the contests stand on: the Python that there is, and a site of one page.
 *
 * @module
 */

import type { Ground } from "./contest.ts";
import { runToEnd } from "./launch.ts";
import { own } from "./programs.ts";

/** Where a Python may be. The system's own comes with the modules that its packages bring. */
const PYTHONS = ["python3", "/usr/bin/python3", "python"];
const PROBE_MS = 20_000;

/**
 * Looks for the Python to race against: the first that has aiohttp and requests, else the first.
 *
 * @param signal Ends the search.
 * @returns How to start it and its version, such as "3.11.2"; undefined if there is none.
 *
 * @example
 * ```ts
 * import { findPython } from "./ground.ts";
 *
 * if (Deno.permissions.querySync({ name: "run" }).state === "granted") {
 *   console.log((await findPython())?.version);
 * }
 * ```
 */
export async function findPython(signal?: AbortSignal): Promise<Ground["python"]> {
  const options = signal === undefined ? { timeoutMs: PROBE_MS } : { timeoutMs: PROBE_MS, signal };
  let first: Ground["python"];
  for (const program of PYTHONS) {
    const version = "import platform; print(platform.python_version())";
    const found = await runToEnd({ program, args: ["-c", version] }, options);
    if (!found.ok) continue;
    const python = { program, version: found.stdout.trim() };
    const modules = await runToEnd({ program, args: ["-c", "import aiohttp, requests"] }, options);
    if (modules.ok) return python;
    first ??= python;
  }
  return first;
}

/** The site's process and its addresses. */
export interface PageSite extends AsyncDisposable {
  /** Where its page is, and how large. */
  readonly page: Ground["page"];
}

/**
 * Starts the site in a process of its own.
 *
 * @returns Its addresses; disposing of it ends the process.
 * @throws {Error} If it can't be started.
 *
 * @example
 * ```ts
 * import { startPageSite } from "./ground.ts";
 *
 * if (Deno.permissions.querySync({ name: "run" }).state === "granted") {
 *   await using site = await startPageSite();
 *   console.log(site.page.bytes); // 2000
 * }
 * ```
 */
export async function startPageSite(): Promise<PageSite> {
  const { program, args } = own("page_site.ts");
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await lines.read();
  const [port, bytes] = (value ?? "").trim().split(" ").map(Number);
  if (!port || !bytes) throw new Error("Cannot start the site: it told no port");
  return {
    page: {
      fastUrl: `http://127.0.0.1:${port}/fast`,
      slowUrl: `http://127.0.0.1:${port}/slow`,
      bytes,
    },
    async [Symbol.asyncDispose]() {
      // The end of its stdin ends it; connections kept alive by a contender that hung don't.
      await child.stdin.close();
      const timer = setTimeout(() => child.kill("SIGKILL"), 2000);
      await Promise.all([child.status, lines.cancel()]);
      clearTimeout(timer);
    },
  };
}
