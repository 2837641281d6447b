/** The command line of a script, by commander, with help that fits the terminal. */

import stringWidth from "fast-string-width";
import { Command } from "@commander-js/extra-typings";
import { wrap } from "../text/plain.ts";
import { quoted, UsageError } from "../text/option_values.ts";
import { print } from "../text/print.ts";
import { styleOfStdout } from "../report/terminal.ts";

/** A line of help at least this wide continues in the next line: it was wrapped to be read in the source. */
const BROKEN_FROM = 70;
/** A second column is moved below the first if less than this share of the width would be left for it. */
const LEAST_SHARE = 0.4;
const FURTHER = 4;
const COLUMNS = /^(\s*\S.*?\s{2,})(\S.*)$/;

/** Wraps a command with a backslash at the end of each line, so that it can still be copied. */
function wrappedCommand(line: string, columns: number, indent: string): string {
  const lines = wrap(line.trim(), columns - indent.length - 2, " ".repeat(FURTHER)).split("\n");
  return lines.map((part, at) => indent + part + (at < lines.length - 1 ? " \\" : "")).join("\n");
}

/** Wraps a text after a first column; its further lines start where its first line does. */
function hanging(before: string, text: string, columns: number): string {
  const indent = " ".repeat(stringWidth(before));
  return before +
    wrap(text, columns - indent.length).split("\n").map((line) => line.trimEnd())
      .join(`\n${indent}`);
}

function fitted(line: string, columns: number): string {
  if (stringWidth(line) <= columns) return line;
  const indent = /^\s*/.exec(line)![0];
  const [, first, second] = COLUMNS.exec(line) ?? [];
  if (first === undefined || second === undefined) {
    return /^\s+(?:\S.* \| )?deno /.test(line)
      ? wrappedCommand(line, columns, indent)
      : hanging(indent, line.trim(), columns);
  }
  if (stringWidth(first) <= columns * (1 - LEAST_SHARE)) return hanging(first, second, columns);
  const below = fitted(`${indent}${" ".repeat(FURTHER)}${second}`, columns);
  return `${fitted(first.trimEnd(), columns)}\n${below}`;
}

/** Joins lines of a paragraph or a column that were wrapped in the source. */
function joined(lines: readonly string[]): string[] {
  const whole: string[] = [];
  // The indent at which the previous line continues, if it was wrapped.
  let indent: number | undefined;
  for (const line of lines) {
    const own = line.length - line.trimStart().length;
    const plain = !/\S\s{2,}/.test(line);
    const goesOn = indent === own && plain && line !== "";
    if (goesOn) whole.push(`${whole.pop()} ${line.trim()}`);
    else whole.push(line);
    const broken = stringWidth(line) >= BROKEN_FROM;
    const column = COLUMNS.exec(line)?.[1]?.length;
    if (!broken) indent = undefined;
    else if (!goesOn) indent = column ?? (own === 0 ? 0 : undefined);
  }
  return whole;
}

/** Fits help to a width: wraps paragraphs, columns below their start, and commands with a backslash. */
export function fitHelp(text: string, columns: number): string {
  return joined(text.split("\n")).map((line) => fitted(line, columns)).join("\n");
}

/** The widest that help is written, in columns: longer lines are hard to read. */
const MOST_COLUMNS = 100;
/** A width at which commander wraps nothing: it would wrap only some parts of the help. */
const UNWRAPPED = 10_000;

/**
 * Makes a script's command. Its errors are thrown instead of printed, so that `script()` prints them in
 * one line and chooses the exit code. Unexpected arguments are errors, and so are options given twice
 * unless they are repeatable.
 */
export function command(
  name: string,
  description: string,
  { repeatable = [] }: { readonly repeatable?: readonly string[] } = {},
) {
  const command = new Command(`deno task ${name}`)
    .description(description)
    .option("--debug", "show the stack trace of an error")
    .helpOption("--help", "show this help")
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      outputError: () => {},
      // Commander's check for colours would need env permissions, and the help has no colours.
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      getOutHelpWidth: () => UNWRAPPED,
      getErrHelpWidth: () => UNWRAPPED,
      writeOut: (text) => {
        const columns = Math.min(MOST_COLUMNS, styleOfStdout().columns);
        print(fitHelp(text.trimEnd(), columns));
      },
    });
  // If an option is given twice, commander silently takes the last value.
  const addOption = command.addOption.bind(command);
  command.addOption = (option) => {
    // Without a description, commander shows the default in quotation marks.
    if (typeof option.defaultValue === "string") {
      option.defaultValueDescription = option.defaultValue;
    }
    let given = false;
    command.on(`option:${option.name()}`, (value: string) => {
      if (given && !option.isBoolean() && !repeatable.includes(option.name())) {
        throw new UsageError(`--${option.name()}`, value, "it is there twice", "give it once");
      }
      given = true;
    });
    return addOption(option);
  };
  // Commander's message counts unexpected arguments, but doesn't name them.
  const error = command.error.bind(command);
  command.error = (message, options) => {
    const unexpected = command.args[command.registeredArguments.length];
    const excess = options?.code === "commander.excessArguments" && unexpected !== undefined;
    return error(excess ? `argument ${quoted(unexpected)}: not expected` : message, options);
  };
  return command;
}
