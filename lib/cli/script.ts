/** What all scripts have in common: how they end. Exit codes, errors in one line, Ctrl-C. */

import { setTimeout as delay } from "node:timers/promises";
import { serverFault } from "../children/model_arguments.ts";
import { TOLD_LATER_MS } from "../children/parent.ts";
import { isReading, userFolder } from "../files/user_files.ts";
import { attempt } from "../lanes/attempt.ts";
import { startDeno } from "../lanes/subprocess/start_deno.ts";
import { UsageError } from "../text/option_values.ts";
import { plain } from "../text/plain.ts";
import { printError, unprinted } from "../text/print.ts";
import { reachThisMachineDirectly } from "../timing/environment.ts";

export const INTERRUPTED = 130;
/** The exit code once the terminal was closed. */
export const HUNG_UP = 129;

function oneLine(text: string): string {
  return plain(text.replace(/\s*[\r\n]+\s*/g, " "));
}

/** Reading a property of what was thrown may itself throw. */
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
    // Help and version come as errors too, of which the text has been printed already.
    if (error.exitCode === 0) return { code: 0, line: undefined };
    const problem = oneLine(String(error.message)).replace(/^error: /, "").replace(/\.$/, "");
    return { code: 2, line: `${name}: ${problem}; see deno task ${name} --help` };
  }
  if (thrown instanceof Deno.errors.NotCapable) {
    // Deno's own advice names flags, which a task in deno.json has fixed.
    const what = oneLine(thrown.message).replace(/, run again with .*$/, "");
    return { code: 2, line: `${name}: ${what}, which deno task ${name} may not have` };
  }
  const said = [error.message, thrown instanceof Error && error.name, thrown];
  const text = said.find((text) => typeof text === "string" && text !== "") as string | undefined ??
    "failed without saying why";
  return { code: 1, line: `${name}: ${oneLine(text)}; add --debug for the place in the code` };
}

/** `deno task` passes Ctrl-C on, so it comes twice; nobody presses it twice within so long. */
const ECHO_MS = 150;

/** What is told of where `deno task` was called may be wrong, if it was set by hand. */
function requireUserFolder(): void {
  const folder = userFolder();
  const { state } = Deno.permissions.querySync({ name: "read", path: folder });
  if (folder === "." || state !== "granted") return;
  if (attempt(() => Deno.statSync(folder).isDirectory)) return;
  throw new UsageError("INIT_CWD", folder, "there is no such folder", "unset it, or name one");
}

/**
 * Has Ctrl-Z stop `deno task`, too. It hands the signal on, but doesn't stop itself, so its shell would have no
 * turn, and Ctrl-C reach nobody any more. Only a program that may run everything can stop another.
 */
function stopWithTask(): void {
  if (Deno.build.os === "windows" || userFolder() === ".") return;
  const stop = `for (const pid of [${Deno.ppid}, ${Deno.pid}]) Deno.kill(pid, "SIGSTOP")`;
  const silent = { stdin: "null", stdout: "null", stderr: "null" } as const;
  let stopper: Deno.ChildProcess | undefined;
  Deno.addSignalListener("SIGTSTP", () => {
    // It comes from the terminal, and once more from `deno task`.
    stopper ??= attempt(() => startDeno({ args: ["eval", "--no-lock", stop], ...silent }));
    void stopper?.status.then(() => stopper = undefined);
  });
}

/** Signals that end a script, and with which exit code. */
const ENDING: readonly (readonly [Deno.Signal, number])[] = Deno.build.os === "windows"
  ? [["SIGINT", INTERRUPTED]]
  : [["SIGINT", INTERRUPTED], ["SIGTERM", INTERRUPTED], ["SIGHUP", HUNG_UP]];

/** The names of errors by which what is stopped says so. */
const STOPPED: readonly unknown[] = ["AbortError", "CancelledError"];

/** Calls back with the exit code at each signal that ends; gives the function that stops listening. */
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
 * could not be printed; 130 after Ctrl-C or SIGTERM, 129 once the terminal was closed. The first of these
 * signals aborts main's, so that it can save what it has; a second one ends the process at once.
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
      // A closed terminal sends more than one signal, none of them from a person who can't wait.
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
    // Children may learn of a signal before this program does.
    if (STOPPED.includes(read(thrown).name)) await delay(TOLD_LATER_MS);
    // What fails because of the interruption needs no explanation; a real error does.
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
