/**
 * How the programs beside this folder are started: each kind with what it needs and no more.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import type { Ground, Launch, Need } from "./contest.ts";

const HERE = new URL("../", import.meta.url);

function deno(flags: readonly string[], file: string, args: readonly (string | number)[]): Launch {
  return {
    program: Deno.execPath(),
    args: ["run", "--no-prompt", ...flags, fromFileUrl(new URL(file, HERE)), ...args.map(String)],
  };
}

/**
 * One of our own programs, or a bare one: with the project's configuration, on this machine only.
 *
 * @param file Its name in scripts/peers.
 * @param args Its arguments.
 * @returns How to start it.
 *
 * @example
 * ```ts
 * import { own } from "./programs.ts";
 *
 * console.log(own("bare_loop.ts", "busy", 10).args.at(-1)); // "10"
 * ```
 */
export function own(file: string, ...args: (string | number)[]): Launch {
  const flags = ["--allow-read", "--allow-run", "--allow-net=127.0.0.1"];
  return deno(flags, file, args);
}

/** An npm pool's program, without the project's configuration and lock file: these don't know it. */
function npm(file: string, args: readonly (string | number)[]): Launch {
  const apart = ["--no-config", "--no-lock", "--node-modules-dir=none"];
  return deno([...apart, "--allow-read", "--allow-env", "--allow-sys"], file, args);
}

/**
 * A pool from npm on Deno.
 *
 * @param file Its program's name in scripts/peers.
 * @param specifier The package, such as `npm:piscina@5.3.2`.
 * @param args The program's arguments.
 * @returns How to start it, and how to see whether the package is there.
 *
 * @example
 * ```ts
 * import { npmPool } from "./programs.ts";
 *
 * console.log(npmPool("piscina.ts", "npm:piscina@5.3.2", "one", 10).need.get);
 * ```
 */
export function npmPool(
  file: string,
  specifier: string,
  ...args: (string | number)[]
): { launch: Launch; need: Need } {
  return {
    launch: npm(file, args),
    need: {
      probe: npm(file, ["all", 10, 2]),
      get: `deno cache --no-config --no-lock ${specifier}`,
    },
  };
}

/**
 * A program in Python.
 *
 * @param ground Which Python there is.
 * @param module The module that it imports beside Python's own, if any.
 * @param file Its name in scripts/peers.
 * @param args Its arguments.
 * @returns How to start it, and how to see whether Python and the module are there.
 *
 * @example
 * ```ts
 * import { python } from "./programs.ts";
 *
 * const page = { fastUrl: "", slowUrl: "", bytes: 0 };
 * const { need } = python({ python: undefined, page }, "aiohttp", "python_aiohttp.py");
 * console.log(need.get); // "install aiohttp, such as apt install python3-aiohttp"
 * ```
 */
export function python(
  ground: Ground,
  module: string | undefined,
  file: string,
  ...args: (string | number)[]
): { launch: Launch; need: Need } {
  const program = ground.python?.program ?? "python3";
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
