/** How a script that has measured ends: its files are written, then its report is printed. */

import { type OutputFiles, writeOutputFiles } from "../files/output_files.ts";
import { type ReportFile, reportRenderers, reportText } from "../report/kinds.ts";
import { styleOfStdout } from "../report/terminal.ts";
import { print, printError } from "../text/print.ts";

/** Writes and prints; gives whether all files were written. The text is that of the files unless given. */
export async function printReport(
  script: string,
  measured: readonly ReportFile[],
  files: OutputFiles,
  partial = false,
  text?: string,
): Promise<boolean> {
  const { lines, errors } = await writeOutputFiles(reportRenderers(measured), files, { partial });
  const style = styleOfStdout();
  print(text ?? measured.map((file) => reportText(file, style)).join("\n\n"));
  if (lines.length > 0) print(`\n${lines.join("\n")}`);
  for (const error of errors) printError(`${script}: ${error}`);
  return errors.length === 0;
}
