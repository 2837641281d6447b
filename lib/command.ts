/**
 * The command line of a script: commander, set up as all scripts want it.
 *
 * @module
 */

import { Command } from "@commander-js/extra-typings";
import { quoted } from "./options/usage_error.ts";

/** A terminal may be narrower or wider; help is written for the most common width. */
const HELP_COLUMNS = 100;

// Its own function so that the public type is this function's: commander's types aren't documented here.
function made(name: string, description: string) {
  const command = new Command(`deno task ${name}`)
    .description(description)
    .option("--debug", "show the stack trace of an error")
    .helpOption("--help", "show this help")
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      outputError: () => {},
      // Asking about colour would need env permissions, and there is no colour in the help.
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      getOutHelpWidth: () => HELP_COLUMNS,
      getErrHelpWidth: () => HELP_COLUMNS,
    });
  // Of arguments too many, commander says how many there are, but not which.
  const error = command.error.bind(command);
  command.error = (message, options) => {
    const unexpected = command.args[command.registeredArguments.length];
    const excess = options?.code === "commander.excessArguments" && unexpected !== undefined;
    return error(excess ? `argument ${quoted(unexpected)}: not expected` : message, options);
  };
  return command;
}

/**
 * Makes a script's command. Its errors are thrown instead of printed, so that `script()` prints them
 * in one line and chooses the exit code; arguments that nobody asked for are errors.
 *
 * @param name The script's name as in `deno task <name>`.
 * @param description What it does, the first lines of its help.
 * @ignore Its type is commander's, whose documentation is commander's too.
 * @returns The command, to be given options.
 *
 * @example
 * ```ts
 * import { command } from "./command.ts";
 *
 * const options = command("site", "Starts the test site.")
 *   .option("--port <n>", "the port", "0")
 *   .parse(["--port", "8000"], { from: "user" })
 *   .opts();
 * console.log(options.port); // "8000"
 * ```
 */
export function command(name: string, description: string): ReturnType<typeof made> {
  return made(name, description);
}
