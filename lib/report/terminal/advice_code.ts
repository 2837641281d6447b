/**
 * The code that advice gives, as it may be shown: a file that holds advice may have been edited.
 *
 * @module
 */

import { plain } from "../../text/plain.ts";
import type { Advice } from "../../advice/advice.ts";

/**
 * The lines of the program.
 *
 * @param advice The advice.
 * @returns Each without anything that a terminal would obey, indented as it was.
 *
 * @example
 * ```ts
 * import { codeLines } from "./advice_code.ts";
 *
 * console.log(codeLines({ code: "if (true) {\n  run();\n}\n" })); // ["if (true) {", "  run();", "}"]
 * ```
 */
export function codeLines({ code }: Pick<Advice, "code">): string[] {
  return code.trimEnd().split("\n").map((line) => /^ */.exec(line)![0] + plain(line));
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * The command that runs the program.
 *
 * @param advice The advice.
 * @returns Such as "deno run --allow-net=example.org job_run.ts", quoted for a shell.
 *
 * @example
 * ```ts
 * import { commandLine } from "./advice_code.ts";
 *
 * console.log(commandLine({ flags: ["--allow-net=127.0.0.1"] })); // "deno run --allow-net=127.0.0.1 job_run.ts"
 * ```
 */
export function commandLine({ flags }: Pick<Advice, "flags">): string {
  return ["deno run", ...flags.map((flag) => shellWord(plain(flag))), "job_run.ts"].join(" ");
}
