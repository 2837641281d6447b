/**
 * How this program was started.
 *
 * @module
 */

let flags: readonly string[] | undefined | null = null;

/** `deno` commands that take flags before the program's file. */
const COMMANDS = new Set(["run", "test", "bench", "serve", "eval", "x"]);

/**
 * The flags that Deno itself was given, before the program's file: what Deno calls to its programs by
 * no name. Undefined where it isn't known: only Linux tells, and only a program that has all
 * permissions.
 */
export function programFlags(): readonly string[] | undefined {
  if (flags === null) flags = readFlags();
  return flags;
}

function readFlags(): string[] | undefined {
  // Asking must not prompt.
  if (Deno.permissions.querySync({ name: "read" }).state !== "granted") return undefined;
  let words: string[];
  try {
    words = Deno.readTextFileSync("/proc/self/cmdline").split("\0");
  } catch {
    return undefined;
  }
  const found: string[] = [];
  let at = 1;
  if (COMMANDS.has(words[at] ?? "")) at++;
  for (; at < words.length && words[at]!.startsWith("-"); at++) {
    const word = words[at]!;
    if (WITH_VALUE.has(word)) found.push(`${LONG[word] ?? word}=${words[++at] ?? ""}`);
    else found.push(word);
  }
  return found;
}

/** Flags whose value may be a word of its own. */
const WITH_VALUE = new Set([
  "-c",
  "--config",
  "--import-map",
  "--location",
  "--preload",
  "--require",
  "--conditions",
  "--log-level",
  "-L",
  "--min-dep-age",
  "--node-modules-linker",
  "--ext",
  "--seed",
  "--cert",
]);
const LONG: Readonly<Record<string, string>> = { "-c": "--config" };
