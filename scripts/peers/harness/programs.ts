/**
 * The programs that are raced: how each kind is started, with what it needs and no more, and run to its
 * end; and what they need of the machine, a Python and a site of one page.
 */

import { attempt } from "../../../lib/lanes/attempt.ts";
import { fit, plain } from "../../../lib/text/plain.ts";
import type { Launch, Machine, Need, Python } from "./contest.ts";
import { fileURLToPath } from "node:url";

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
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
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
  const stop = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
  // It may have ended by itself meanwhile.
  const kill = () => attempt(() => child.kill("SIGKILL"));
  stop.addEventListener("abort", kill);
  if (stop.aborted) kill();
  const { success, stdout, stderr } = await child.output();
  stop.removeEventListener("abort", kill);
  if (stop.aborted) {
    const late = `took longer than ${timeoutMs / 1000} s`;
    return { ok: false, reason: signal?.aborted ? "interrupted" : late };
  }
  const text = new TextDecoder();
  return success
    ? { ok: true, stdout: text.decode(stdout) }
    : { ok: false, reason: failureLine(text.decode(stderr)) };
}

export type Words = readonly (string | number)[];

/** A file beside the harness, and what it is given. */
function fileWith(file: string, args: Words): string[] {
  return [fileURLToPath(new URL(`../${file}`, import.meta.url)), ...args.map(String)];
}

function deno(flags: readonly string[], file: string, args: Words): Launch {
  return {
    program: Deno.execPath(),
    args: ["run", "--no-prompt", ...flags, ...fileWith(file, args)],
  };
}

/** One of our own programs, or a bare one: with the project's configuration, on this machine only. */
export function own(file: string, ...args: Words): Launch {
  const flags = ["--allow-read", "--allow-write", "--allow-run", "--allow-net=127.0.0.1"];
  return deno(flags, file, args);
}

/** How a contender is started, and what that needs. */
interface Started {
  readonly launch: Launch;
  readonly need: Need;
}

/**
 * A program of ours with a package from npm, and how to see whether that is there. It runs without
 * the project's configuration and lock file, which don't know it.
 */
export function withPackage(specifier: string, file: string, ...args: Words): Started {
  const flags = ["--no-config", "--no-lock", "--node-modules-dir=none"];
  const probe = { program: Deno.execPath(), args: ["cache", "--quiet", ...flags, specifier] };
  flags.push("--allow-read", "--allow-env", "--allow-sys", "--allow-net=127.0.0.1");
  return {
    launch: deno(flags, file, args),
    need: { probe, get: `deno cache --no-config --no-lock ${specifier}` },
  };
}

/** A program that the machine may have, and the package of Debian that brings it. */
export function installed(program: string, from: string): Need {
  const look = `command -v ${program} || { echo "${program} isn't there" >&2; exit 1; }`;
  return {
    probe: { program: "sh", args: ["-c", look] },
    get: `install it, such as apt install ${from}`,
  };
}

/** One of our programs in Node. */
export function node(file: string, ...args: Words): Started {
  return {
    launch: { program: "node", args: fileWith(file, args) },
    need: installed("node", "nodejs"),
  };
}

/** How to get what programs in Python import beside its own modules. */
const MODULES: Readonly<Record<string, string>> = {
  aiohttp: "install aiohttp, such as apt install python3-aiohttp",
  requests: "install requests, such as apt install python3-requests",
  joblib: "install joblib for this Python, such as apt install python3-joblib for Debian's",
  "joblib, numpy":
    "install joblib and numpy for this Python, such as apt install python3-joblib python3-numpy " +
    "for Debian's",
  "concurrent.futures.interpreter": "it comes with Python 3.14",
};

/** A program in Python, and how to see whether Python and the module that it imports are there. */
export function python(
  program: string | undefined,
  module: string | undefined,
  file: string,
  ...args: Words
): Started {
  const started = program ?? "python3";
  return {
    launch: { program: started, args: fileWith(file, args) },
    need: {
      probe: { program: started, args: ["-c", `import ${module ?? "sys"}`] },
      get: module === undefined
        ? "install Python 3, such as apt install python3"
        : MODULES[module] ?? `install ${module}`,
    },
  };
}

/** Where the system's Python may be: its own comes with the modules that its packages bring. */
const SYSTEM_PYTHONS = ["python3", "/usr/bin/python3", "python"];
/** Builds to be raced beside it: without the lock on the interpreter, and with interpreters to share. */
const OTHER_PYTHONS = ["python3.14t", "python3.14", "python3.13t"];
const PYTHON_MS = 20_000;

/** Says its version and whether it has its lock, in a line. */
const INTRODUCTION = "import platform, sys; " +
  "print(platform.python_version(), getattr(sys, '_is_gil_enabled', lambda: True)())";

/** The Pythons of this machine. */
export interface Pythons {
  /** The one to race against: the first that has aiohttp and requests, else the first; if any. */
  readonly python: Python | undefined;
  /** Each kind once: the one above, then the others. */
  readonly pythons: readonly Python[];
  /** What was found and what wasn't, in a sentence. */
  readonly note: string;
}

/** Looks for the Pythons of this machine. */
export async function findPythons(
  signal?: AbortSignal,
  run: typeof runToEnd = runToEnd,
): Promise<Pythons> {
  const ask = (program: string, code: string) =>
    run({ program, args: ["-c", code] }, { timeoutMs: PYTHON_MS, ...(signal && { signal }) });
  const introduced = async (program: string): Promise<Python | undefined> => {
    const said = await ask(program, INTRODUCTION);
    const [version, gil] = said.ok ? said.stdout.trim().split(" ") : [];
    return version === undefined ? undefined : { program, version, gil: gil !== "False" };
  };
  const seen: Python[] = [];
  let python: Python | undefined;
  for (const program of SYSTEM_PYTHONS) {
    const found = python === undefined ? await introduced(program) : undefined;
    if (found === undefined) continue;
    seen.push(found);
    if ((await ask(program, "import aiohttp, requests")).ok) python = found;
  }
  python ??= seen[0];
  const missing: string[] = python === undefined ? ["python3"] : [];
  for (const program of OTHER_PYTHONS) {
    const found = await introduced(program);
    if (found === undefined) missing.push(program);
    else seen.push(found);
  }
  // That which a person calls python3 is named and raced too, whatever modules it lacks.
  const pythons: Python[] = [];
  for (const one of python === undefined ? seen : [python, ...seen]) {
    const same = ({ version, gil }: Python) => version === one.version && gil === one.gil;
    if (!pythons.some(same)) pythons.push(one);
  }
  const here = pythons.map((one) => `${one.program} is ${pythonName(one)}`);
  const absent = missing.length === 0 ? [] : [`not found: ${missing.join(", ")}`];
  return { python, pythons, note: `Pythons: ${[...here, ...absent].join("; ")}.` };
}

/** A Python by its version and what its threads do. */
export function pythonName({ version, gil }: Python): string {
  return `${version} ${gil ? "with its GIL" : "without a GIL"}`;
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
    page: { site: `http://127.0.0.1:${port}`, bytes },
    async [Symbol.asyncDispose]() {
      // The end of its stdin ends it, unless a contender that hung keeps a connection open.
      await child.stdin.close();
      const timer = setTimeout(() => child.kill("SIGKILL"), 2000);
      await Promise.all([child.status, lines.cancel()]);
      clearTimeout(timer);
    },
  };
}
