/** What scripts print. A full disk or a closed pipe ends none: script() tells of it in the end. */

import { attempt } from "../lanes/attempt.ts";

let lost: string | undefined;

/** As much of an error as is told in a line. */
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
  // If it fails, there is nowhere left to say so.
  attempt(() => console.error(line));
}

/** Why standard output could not be printed to, if so. */
export function unprinted(): string | undefined {
  return lost;
}

/** Whether the terminal is a "dumb" one, without colours and cursor, as far as the environment may be asked. */
export function isDumb(): boolean {
  const { state } = Deno.permissions.querySync({ name: "env", variable: "TERM" });
  return state === "granted" && Deno.env.get("TERM") === "dumb";
}
