/** Output files: checked before measuring, written after; content that can't be written is saved elsewhere. */

import { basename } from "node:path";
import { UsageError } from "../text/option_values.ts";
import { type NamedFile, outputFile, requireDistinct } from "./named_files.ts";
import { firstLine, print as printOut } from "../text/print.ts";
import { beginAndEnd, userPath, writeAtomically } from "./user_files.ts";

export const FORMATS = ["json", "csv", "markdown", "html", "trace"] as const;

export type Format = typeof FORMATS[number];

/** How the files that this program writes begin and end; an existing file that differs isn't overwritten. */
const WRITTEN: Readonly<Record<Format | "picture", RegExp>> = {
  json: /^\s*\{\s*"schemaVersion":\s*\d+,\s*"(?:environment|kind)":/,
  csv:
    /^\ufeff?(?:job,task,items,model|axis,size,lanes|ratePerSecond,durationMs|family,contest,contender),/,
  markdown: /^(?:#{2,3} |This library )[^]*\n<sub>[^\n]*\bDeno [^\n]*<\/sub>\s*$/,
  html: /^\s*<!doctype html>[^]*<meta name="generator" content="Lanes">/,
  trace: /^\{"traceEvents":\[[^]*\],"displayTimeUnit":"ms","otherData":\{"deno":/,
  picture: /^\ufffdPNG\r\n[^]{0,99}tEXtSoftware\0Lanes/,
};

/** The absolute path of the file of each format that was asked for. */
export type OutputFiles = Readonly<Partial<Record<Format, string>>>;

export type Renderers = Readonly<Partial<Record<Format, () => string | Promise<string>>>>;

export interface WriteOptions {
  /** Whether the run was interrupted, which the line for each file then says; default false. */
  readonly partial?: boolean | undefined;
  /** Writes a file; by default whole or not at all. */
  readonly write?: (path: string, text: string) => Promise<void>;
  /** Prints content that can't be written to any file; by default to standard output. */
  readonly print?: (text: string) => void;
}

export interface Written {
  /** A line for each file that was written, such as "Wrote result.json". */
  readonly lines: readonly string[];
  /** A line for each file that failed, with where its content is now, if it could be made. */
  readonly errors: readonly string[];
}

/**
 * Checks that a file can be written. An existing file must be of the same kind, since any other may be part
 * of the job or read by it.
 *
 * @returns Its absolute path.
 */
export async function replaceableFile(
  option: string,
  typed: string,
  kind: keyof typeof WRITTEN,
): Promise<string> {
  const path = await outputFile(option, userPath(typed));
  const there = await beginAndEnd(path).catch(() => "what can't be read");
  if (there !== "" && !WRITTEN[kind].test(there)) {
    const problem = `it exists, and isn't what ${option} writes`;
    throw new UsageError(option, typed, problem, "name another file, or remove it first");
  }
  return path;
}

/** Checks that the file of each option can be written, and that no file is named twice. */
export async function checkOutputFiles(
  options: Readonly<Partial<Record<Format, string | undefined>>>,
  inputs: readonly NamedFile[] = [],
): Promise<OutputFiles> {
  const files: Partial<Record<Format, string>> = {};
  for (const format of FORMATS) {
    const path = options[format];
    if (path === undefined) continue;
    files[format] = await replaceableFile(`--${format}`, path, format);
  }
  await requireDistinct(namedFiles(files), inputs);
  return files;
}

export function namedFiles(files: OutputFiles): NamedFile[] {
  return FORMATS.flatMap((format) => {
    const path = files[format];
    return path === undefined ? [] : [{ option: `--${format}`, path }];
  });
}

/** Writes the files; content that can't be written goes to the folder for temporary files, else is printed. */
export async function writeOutputFiles(
  renderers: Renderers,
  files: OutputFiles,
  { partial = false, write = writeAtomically, print = printOut }: WriteOptions = {},
): Promise<Written> {
  const lines: string[] = [];
  const errors: string[] = [];
  for (const format of FORMATS) {
    const path = files[format];
    if (path === undefined) continue;
    const render = renderers[format];
    if (render === undefined) throw new TypeError(`Cannot write --${format}: nothing makes it`);
    let text: string;
    try {
      text = await render();
    } catch (error) {
      errors.push(`--${format} could not be made: ${firstLine(error)}`);
      continue;
    }
    try {
      await write(path, text);
      lines.push(`Wrote ${path}${partial ? " (partial)" : ""}`);
    } catch (error) {
      const why = `--${format} could not be written: ${firstLine(error)}`;
      errors.push(`${why}; ${await saveElsewhere(path, text, write, print)}`);
    }
  }
  return { lines, errors };
}

async function saveElsewhere(
  path: string,
  text: string,
  write: (path: string, text: string) => Promise<void>,
  print: (text: string) => void,
): Promise<string> {
  let beside: string | undefined;
  try {
    beside = await Deno.makeTempFile({ prefix: "lanes-", suffix: `-${basename(path)}` });
    await write(beside, text);
    return `it is in ${beside}`;
  } catch {
    // Don't leave an empty file behind.
    if (beside !== undefined) await Deno.remove(beside).catch(() => {});
    print(text);
    return "it was printed instead";
  }
}
