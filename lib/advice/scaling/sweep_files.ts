/**
 * Writes a sweep's files, without losing what was measured.
 *
 * @module
 */

import { basename } from "@std/path";
import type { OutputFiles, Written } from "../../reporting/output_files.ts";
import { sweepCsv } from "./sweep_csv.ts";
import type { SweepResult } from "./sweep_result.ts";

const FORMATS = ["json", "csv", "html"] as const;

async function render(result: SweepResult, format: typeof FORMATS[number]): Promise<string> {
  switch (format) {
    case "json":
      return JSON.stringify(result, null, 1) + "\n";
    case "csv":
      return sweepCsv(result);
    case "html":
      // The page brings a chart library along: only who wants it waits for it.
      return (await import("./sweep_page.ts")).sweepPage(result);
  }
}

/**
 * Writes a sweep in every format asked for. A file that can't be written goes to the folder for
 * temporary files.
 *
 * @param result The sweep.
 * @param files Where to, by format.
 * @returns What to tell the user.
 *
 * @example
 * ```ts
 * import { writeSweepFiles } from "./sweep_files.ts";
 *
 * console.log(writeSweepFiles.length); // 2
 * ```
 */
export async function writeSweepFiles(result: SweepResult, files: OutputFiles): Promise<Written> {
  const lines: string[] = [];
  const errors: string[] = [];
  for (const format of FORMATS) {
    const path = files[format];
    if (path === undefined) continue;
    const text = await render(result, format);
    try {
      await Deno.writeTextFile(path, text);
      lines.push(`Wrote ${path}${result.partial ? " (partial)" : ""}`);
    } catch (error) {
      const why = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
      const beside = await Deno.makeTempFile({ prefix: "lanes-", suffix: `-${basename(path)}` });
      await Deno.writeTextFile(beside, text);
      errors.push(`--${format} could not be written: ${why}; it is in ${beside}`);
    }
  }
  return { lines, errors };
}
