/** Prints for scripts. A full disk or a closed pipe ends no script: script() reports it at the end. */

import { attempt } from "../lanes/attempt.ts";

let lost: string | undefined;

/** The first line of an error's message. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0]!;
}

export function print(text: string): void {
  try {
    console.log(text);
  } catch (error) {
    lost ??= firstLine(error);
  }
}

export function printError(line: string): void {
  // If this fails, there is nowhere left to report it.
  attempt(() => console.error(line));
}

/** The first error of printing to standard output, if there was one. */
export function unprinted(): string | undefined {
  return lost;
}

/** Whether the terminal is "dumb", without colours and cursor, as far as the environment may be read. */
export function isDumb(): boolean {
  const { state } = Deno.permissions.querySync({ name: "env", variable: "TERM" });
  return state === "granted" && Deno.env.get("TERM") === "dumb";
}
