/**
 * How each kind of program in the race is started, with only the permissions and packages it needs, and run to
 * its end; also what the race needs of the machine: a Python, and a site of one page.
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

/** Runs a program to its end and returns what it printed. A missing program counts as a failure. */
export async function runToEnd(
  { program, args }: Launch,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<Ended> {
  const stop = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
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
  // Not by the command's own signal: that sends SIGTERM, which a program that hangs may ignore.
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

function fileWith(file: string, args: Words): string[] {
  return [fileURLToPath(new URL(`../${file}`, import.meta.url)), ...args.map(String)];
}

function deno(flags: readonly string[], file: string, args: Words): Launch {
  return {
    program: Deno.execPath(),
    args: ["run", "--no-prompt", ...flags, ...fileWith(file, args)],
  };
}

/** One of this project's programs, run with the project's configuration and local network access only. */
export function own(file: string, ...args: Words): Launch {
  const flags = ["--allow-read", "--allow-write", "--allow-run", "--allow-net=127.0.0.1"];
  return deno(flags, file, args);
}

interface Started {
  readonly launch: Launch;
  readonly need: Need;
}

/**
 * One of this project's programs that imports an npm package, and how to check for the package. It runs without
 * the project's configuration and lock file, because they don't list the package.
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

/** A program that the machine may have, and the Debian package that contains it. */
export function installed(program: string, from: string): Need {
  const look = `command -v ${program} || { echo "${program} isn't there" >&2; exit 1; }`;
  return {
    probe: { program: "sh", args: ["-c", look] },
    get: `install it, such as apt install ${from}`,
  };
}

export function node(file: string, ...args: Words): Started {
  return {
    launch: { program: "node", args: fileWith(file, args) },
    need: installed("node", "nodejs"),
  };
}

/** How to get the modules that the Python programs import, if they don't come with Python. */
const MODULES: Readonly<Record<string, string>> = {
  aiohttp: "install aiohttp, such as apt install python3-aiohttp",
  requests: "install requests, such as apt install python3-requests",
  joblib: "install joblib for this Python, such as apt install python3-joblib for Debian's",
  "joblib, numpy":
    "install joblib and numpy for this Python, such as apt install python3-joblib python3-numpy " +
    "for Debian's",
  "concurrent.futures.interpreter": "it comes with Python 3.14",
};

/** A Python program, and how to check that Python and the module it imports are there. */
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

/** Where the system's Python may be; that one has the modules of the system's packages. */
const SYSTEM_PYTHONS = ["python3", "/usr/bin/python3", "python"];
/** Other Pythons to race: free-threaded builds, and versions with subinterpreters. */
const OTHER_PYTHONS = ["python3.14t", "python3.14", "python3.13t"];
const PYTHON_MS = 20_000;

/** Prints the Python's version and whether it has its GIL, in one line. */
const INTRODUCTION = "import platform, sys; " +
  "print(platform.python_version(), getattr(sys, '_is_gil_enabled', lambda: True)())";

export interface Pythons {
  /** The Python to race against: the first that has aiohttp and requests, else the first found. */
  readonly python: Python | undefined;
  /** One Python of each version and kind: the one above first, then the others. */
  readonly pythons: readonly Python[];
  /** Says in a sentence which Pythons were found and which weren't. */
  readonly note: string;
}

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
  // The Python that `python3` means is listed and raced too, even if it lacks modules.
  const pythons: Python[] = [];
  for (const one of python === undefined ? seen : [python, ...seen]) {
    const same = ({ version, gil }: Python) => version === one.version && gil === one.gil;
    if (!pythons.some(same)) pythons.push(one);
  }
  const here = pythons.map((one) => `${one.program} is ${pythonName(one)}`);
  const absent = missing.length === 0 ? [] : [`not found: ${missing.join(", ")}`];
  return { python, pythons, note: `Pythons: ${[...here, ...absent].join("; ")}.` };
}

/** A Python's name: its version, and whether it has a GIL. */
export function pythonName({ version, gil }: Python): string {
  return `${version} ${gil ? "with its GIL" : "without a GIL"}`;
}

interface PageSite extends AsyncDisposable {
  /** The site's address, and the size of its page. */
  readonly page: Machine["page"];
}

/** Starts the site in a separate process, which ends when the result is disposed. */
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
      // The site ends when its stdin does, unless a contender that hung keeps a connection open.
      await child.stdin.close();
      const timer = setTimeout(() => child.kill("SIGKILL"), 2000);
      await Promise.all([child.status, lines.cancel()]);
      clearTimeout(timer);
    },
  };
}
