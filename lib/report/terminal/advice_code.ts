/**
 * The code that advice gives, as it may be shown: a file that holds advice may have been edited.
 *
 * @module
 */

import { plain } from "../../text/plain.ts";
import type { Advice } from "../../advice/advice.ts";

/** The lines of the program. */
export function codeLines({ code }: Pick<Advice, "code">): string[] {
  return code.trimEnd().split("\n").map((line) => /^ */.exec(line)![0] + plain(line));
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The command that runs the program. */
export function commandLine({ flags }: Pick<Advice, "flags">): string {
  return ["deno run", ...flags.map((flag) => shellWord(plain(flag))), "job_run.ts"].join(" ");
}
