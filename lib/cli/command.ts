/**
 * The command line of a script: commander, set up as all scripts want it.
 *
 * @module
 */

import { Command } from "@commander-js/extra-typings";
import { fitHelp } from "./help_text.ts";
import { quoted, UsageError } from "../options.ts";
import { print } from "../text/print.ts";
import { styleOfStdout } from "../report/terminal/style.ts";

/** Longer lines are hard to read, however wide the terminal. */
const MOST_COLUMNS = 100;
/** Commander wraps some parts of the help and not others, so none is left to it. */
const UNWRAPPED = 10_000;

// Its own function so that the public type is this function's: commander's types aren't documented here.
function made(name: string, description: string, repeatable: readonly string[]) {
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
      getOutHelpWidth: () => UNWRAPPED,
      getErrHelpWidth: () => UNWRAPPED,
      writeOut: (text) => {
        const columns = Math.min(MOST_COLUMNS, styleOfStdout().columns);
        print(fitHelp(text.replace(/\n$/, ""), columns));
      },
    });
  // Of an option given twice commander takes the last without a word.
  const addOption = command.addOption.bind(command);
  command.addOption = (option) => {
    let given = false;
    command.on(`option:${option.name()}`, (value: string) => {
      if (given && !option.isBoolean() && !repeatable.includes(option.name())) {
        throw new UsageError(`--${option.name()}`, value, "it is there twice", "give it once");
      }
      given = true;
    });
    return addOption(option);
  };
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
 * @ignore Its type is commander's, whose documentation is commander's too.
 */
export function command(
  name: string,
  description: string,
  { repeatable = [] }: { readonly repeatable?: readonly string[] } = {},
): ReturnType<typeof made> {
  return made(name, description, repeatable);
}
