/**
 * The programs that are raced: how each kind is started, with what it needs and no more, and run to its
 * end; and what they need of the machine, a Python and a site of one page.
 *
 * @module
 */

import { fit, plain } from "../../../lib/text/plain.ts";
import type { Launch, Machine, Need } from "./contest.ts";
import { fromFileUrl } from "@std/path";

/** How a program ended. */
export type Ended =
  | { readonly ok: true; readonly stdout: string }
  | { readonly ok: false; readonly reason: string };

const REASON_COLUMNS = 100;

/** The line of a failed program's stderr that names an error, or its last line; safe to print. */
export function failureLine(stderr: string): string {
  const lines = stderr.split("\n").map((line) => plain(line)).filter((line) => line !== "");
  const telling = lines.findLast((line) => /^(\w*Error|error)\b/.test(line)) ?? lines.at(-1);
  return fit(telling ?? "said nothing on stderr", REASON_COLUMNS);
}

/** Runs a program to its end, and keeps what it printed. A missing program is a failure, too. */
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

const HERE = new URL("../", import.meta.url);

function deno(flags: readonly string[], file: string, args: readonly (string | number)[]): Launch {
  return {
    program: Deno.execPath(),
    args: ["run", "--no-prompt", ...flags, fromFileUrl(new URL(file, HERE)), ...args.map(String)],
  };
}

/** One of our own programs, or a bare one: with the project's configuration, on this machine only. */
export function own(file: string, ...args: (string | number)[]): Launch {
  const flags = ["--allow-read", "--allow-run", "--allow-net=127.0.0.1"];
  return deno(flags, file, args);
}

/**
 * A pool from npm on Deno: how to start it, and how to see whether the package is there. It runs
 * without the project's configuration and lock file, which don't know it.
 */
export function npmPool(
  name: string,
  specifier: string,
  ...args: (string | number)[]
): { launch: Launch; need: Need } {
  const flags = ["--no-config", "--no-lock", "--node-modules-dir=none"];
  flags.push("--allow-read", "--allow-env", "--allow-sys");
  return {
    launch: deno(flags, "npm_pools.ts", [name, ...args]),
    need: {
      probe: deno(flags, "npm_pools.ts", [name, "all", 10, 2]),
      get: `deno cache --no-config --no-lock ${specifier}`,
    },
  };
}

/**
 * A program in Python: how to start it, and how to see whether Python and the module are there.
 *
 * @param module The module that it imports beside Python's own, if any.
 */
export function python(
  machine: Machine,
  module: string | undefined,
  file: string,
  ...args: (string | number)[]
): { launch: Launch; need: Need } {
  const program = machine.python?.program ?? "python3";
  return {
    launch: { program, args: [fromFileUrl(new URL(file, HERE)), ...args.map(String)] },
    need: {
      probe: { program, args: ["-c", `import ${module ?? "sys"}`] },
      get: module === undefined
        ? "install Python 3, such as apt install python3"
        : `install ${module}, such as apt install python3-${module}`,
    },
  };
}

/** Where a Python may be. The system's own comes with the modules that its packages bring. */
const PYTHONS = ["python3", "/usr/bin/python3", "python"];
const PROBE_MS = 20_000;

/**
 * Looks for the Python to race against: the first that has aiohttp and requests, else the first.
 * Undefined if there is none.
 */
export async function findPython(signal?: AbortSignal): Promise<Machine["python"]> {
  const options = signal === undefined ? { timeoutMs: PROBE_MS } : { timeoutMs: PROBE_MS, signal };
  let first: Machine["python"];
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
interface PageSite extends AsyncDisposable {
  /** Where its page is, and how large. */
  readonly page: Machine["page"];
}

/** Starts the site in a process of its own, which ends when this is disposed. */
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
      // The end of its stdin ends it, unless a contender that hung keeps a connection open.
      await child.stdin.close();
      const timer = setTimeout(() => child.kill("SIGKILL"), 2000);
      await Promise.all([child.status, lines.cancel()]);
      clearTimeout(timer);
    },
  };
}
