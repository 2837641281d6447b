/** Runs a script's main function and ends the process: exit codes, errors in one line, Ctrl-C. */

import { setTimeout as delay } from "node:timers/promises";
import { serverFault } from "../children/model_arguments.ts";
import { TOLD_LATER_MS } from "../children/parent.ts";
import { isReading, userFolder } from "../files/user_files.ts";
import { attempt } from "../lanes/attempt.ts";
import { startDeno } from "../lanes/subprocess/child.ts";
import { UsageError } from "../text/option_values.ts";
import { plain } from "../text/plain.ts";
import { printError, unprinted } from "../text/print.ts";
import { reachThisMachineDirectly } from "../timing/environment.ts";

export const INTERRUPTED = 130;
/** The exit code after the terminal was closed. */
export const HUNG_UP = 129;

function oneLine(text: string): string {
  return plain(text.replace(/\s*[\r\n]+\s*/g, " "));
}

/** Reads the properties of a thrown value; gives none if reading one throws. */
function read(thrown: unknown): Readonly<Record<string, unknown>> {
  return attempt(() => {
    const { name, message, code, exitCode } = thrown as Record<string, unknown>;
    return { name, message, code, exitCode };
  }, {});
}

/** How a script ends: its exit code and, unless all went well, a line for stderr. */
export function endOf(name: string, thrown: unknown): { code: number; line: string | undefined } {
  const error = read(thrown);
  const fault = serverFault(String(error.message));
  if (fault !== undefined) return { code: 2, line: `${name}: ${fault.message}` };
  if (thrown instanceof UsageError) return { code: 2, line: `${name}: ${oneLine(thrown.message)}` };
  if (typeof error.code === "string" && error.code.startsWith("commander.")) {
    // --help and --version come as errors too; their text has been printed already.
    if (error.exitCode === 0) return { code: 0, line: undefined };
    const problem = oneLine(String(error.message)).replace(/^error: /, "").replace(/\.$/, "");
    return { code: 2, line: `${name}: ${problem}; see deno task ${name} --help` };
  }
  if (thrown instanceof Deno.errors.NotCapable) {
    // Deno advises to add flags, but the task in deno.json fixes them.
    const what = oneLine(thrown.message).replace(/, run again with .*$/, "");
    return { code: 2, line: `${name}: ${what}, which deno task ${name} may not have` };
  }
  const said = [error.message, thrown instanceof Error && error.name, thrown];
  const text = said.find((text) => typeof text === "string" && text !== "") as string | undefined ??
    "failed without saying why";
  return { code: 1, line: `${name}: ${oneLine(text)}; add --debug for the place in the code` };
}

/** A second Ctrl-C within this time, in milliseconds, is passed on by `deno task`, not a key press. */
const ECHO_MS = 150;

/** Throws a UsageError if INIT_CWD, normally set by `deno task`, names no folder, as when set by hand. */
function requireUserFolder(): void {
  const folder = userFolder();
  const { state } = Deno.permissions.querySync({ name: "read", path: folder });
  if (folder === "." || state !== "granted") return;
  if (attempt(() => Deno.statSync(folder).isDirectory)) return;
  throw new UsageError("INIT_CWD", folder, "there is no such folder", "unset it, or name one");
}

/**
 * Makes Ctrl-Z stop `deno task`, too. It passes the signal on but doesn't stop, so its shell would not get the
 * terminal back. A subprocess sends the stop, since only a program that may run everything can stop another.
 */
function stopWithTask(): void {
  if (Deno.build.os === "windows" || userFolder() === ".") return;
  const stop = `for (const pid of [${Deno.ppid}, ${Deno.pid}]) Deno.kill(pid, "SIGSTOP")`;
  const silent = { stdin: "null", stdout: "null", stderr: "null" } as const;
  let stopper: Deno.ChildProcess | undefined;
  Deno.addSignalListener("SIGTSTP", () => {
    // The signal comes from the terminal, and once more from `deno task`.
    stopper ??= attempt(() => startDeno({ args: ["eval", "--no-lock", stop], ...silent }));
    void stopper?.status.then(() => stopper = undefined);
  });
}

/** The signals that end a script, with their exit codes. */
const ENDING: readonly (readonly [Deno.Signal, number])[] = Deno.build.os === "windows"
  ? [["SIGINT", INTERRUPTED]]
  : [["SIGINT", INTERRUPTED], ["SIGTERM", INTERRUPTED], ["SIGHUP", HUNG_UP]];

/** The names of the errors that stopped work rejects with. */
const STOPPED: readonly unknown[] = ["AbortError", "CancelledError"];

/** Calls back with the exit code at each of these signals; returns a function that stops listening. */
function onInterrupt(callback: (code: number) => void): () => void {
  const listeners = ENDING.map(([signal, code]) => [signal, () => callback(code)] as const);
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
  };
}

/**
 * Runs a script's main function and ends the process with the right exit code: main's own; 2 with one line
 * on stderr for a usage error; 1 with one line for another (and its stack with `--debug`), or if the report
 * could not be printed; 130 after Ctrl-C or SIGTERM, 129 after the terminal was closed. The first of these
 * signals aborts main's signal, so that it can save its results; a second one ends the process at once.
 */
export async function script(
  name: string,
  main: (signal: AbortSignal, args: string[]) => Promise<number>,
): Promise<never> {
  reachThisMachineDirectly();
  stopWithTask();
  const interruption = new AbortController();
  let firstMs = NaN;
  let interruptedWith = INTERRUPTED;
  const stopListening = onInterrupt((code) => {
    if (isReading()) Deno.exit(code);
    const nowMs = performance.now();
    if (interruption.signal.aborted) {
      // A closed terminal sends several signals; none of them is a request to end at once.
      if (code !== HUNG_UP && nowMs - firstMs >= ECHO_MS) Deno.exit(interruptedWith);
      return;
    }
    firstMs = nowMs;
    interruptedWith = code;
    interruption.abort(new DOMException("Interrupted", "AbortError"));
  });
  let code: number;
  try {
    requireUserFolder();
    code = await main(interruption.signal, [...Deno.args]);
  } catch (thrown) {
    const end = endOf(name, thrown);
    code = end.code;
    // Children may receive the signal before this program does, so it gets time to arrive.
    if (STOPPED.includes(read(thrown).name)) await delay(TOLD_LATER_MS);
    // An error that the interruption caused needs no explanation; any other does.
    const expected = interruption.signal.aborted && STOPPED.includes(read(thrown).name);
    if (end.line !== undefined && !expected) printError(end.line);
    if (Deno.args.includes("--debug") && code !== 0) printError(Deno.inspect(thrown));
  }
  stopListening();
  const why = unprinted();
  if (why !== undefined) {
    printError(`${name}: the report could not be printed: ${why}; print it to another place`);
    code ||= 1;
  }
  Deno.exit(interruption.signal.aborted ? interruptedWith : code);
}
