/** `deno task report`: prints the reports of saved results again, or writes them in other formats. */

import { command } from "../lib/cli/command.ts";
import { checkOutputFiles } from "../lib/files/output_files.ts";
import { inputPath } from "../lib/files/user_files.ts";
import { script } from "../lib/cli/script.ts";
import type { ReportFile } from "../lib/report/kinds.ts";

const report = command(
  "report",
  `
Prints the reports of files that --json of io, cpu, advise, sweep, peers, switch, run or lesson wrote,
and writes them in other formats. Several files, of any kinds, go into one page: comparisons first,
then advice, scaling, switching, runs and races. A lesson is a page of its own.
Nothing is measured: every report is made from the files alone.`.trim(),
)
  .argument("<result.json...>", "files that --json wrote; - is standard input")
  .option(
    "--csv <file>",
    "write a table of all rounds, of comparisons, or of one sweep or race",
  )
  .option("--markdown <file>", "write tables for an issue or a pull request")
  .option("--html <file>", "write one page with charts; it opens without a network")
  .option(
    "--trace <file>",
    "write every task of comparisons or runs for ui.perfetto.dev or chrome://tracing",
  )
  .addHelpText(
    "after",
    `
Examples:
  deno task io --json io.json
  deno task report io.json
  deno task report io.json --html io.html --trace io.trace.json
  deno task report io.json advice.json sweep.json --html all.html

Exit codes: 0 done, 1 a file could not be written, 2 bad option or file.`,
  );

await script("report", async (_signal, args) => {
  report.parse(args, { from: "user" });
  const [paths] = report.processedArgs;
  const formats = report.opts();
  const files = await checkOutputFiles(
    formats,
    paths.map((path) => ({ option: "result.json", path: inputPath(path) })),
  );
  const { fileOption, printReport } = await import("../lib/cli/result_files.ts");
  const { checkFormats, isPartial, readReportFile } = await import("../lib/report/kinds.ts");
  // This import adds races to the kinds of files.
  await import("./peers/harness/peers_report.ts");
  const measured: ReportFile[] = [];
  for (const path of paths) measured.push(await fileOption("result.json", path, readReportFile));
  checkFormats(measured, formats);
  return await printReport("report", measured, files, measured.some(isPartial)) ? 0 : 1;
});
