/**
 * `deno task report`: prints a result file's report again, or writes it in other formats.
 *
 * @module
 */

import { command } from "../lib/command.ts";
import { comparisonRenderers } from "../lib/reporting/comparison_files.ts";
import { checkOutputFiles, writeOutputFiles } from "../lib/reporting/output_files.ts";
import { resultOption } from "../lib/reporting/result_option.ts";
import { styleOfStdout } from "../lib/reporting/style.ts";
import { renderText } from "../lib/reporting/text.ts";
import { script } from "../lib/script.ts";

const report = command(
  "report",
  `
Prints the report of a result file that --json wrote, and writes it in other formats. Nothing is
measured: every report is made from the file alone.`.trim(),
)
  .argument("<result.json>", "a result file")
  .option("--csv <file>", "write a table of all rounds")
  .option("--markdown <file>", "write a table for an issue or a pull request")
  .option("--html <file>", "write one page with charts; it opens without a network")
  .option("--trace <file>", "write every task for ui.perfetto.dev or chrome://tracing")
  .addHelpText(
    "after",
    `
Examples:
  deno task io --json io.json
  deno task report io.json
  deno task report io.json --html io.html --trace io.trace.json`,
  );

await script("report", async (_signal, args) => {
  report.parse(args, { from: "user" });
  const [path] = report.processedArgs;
  const files = await checkOutputFiles(report.opts());
  const result = await resultOption("result.json", path);
  console.log(renderText(result, styleOfStdout()).trimEnd());
  const { lines, errors } = await writeOutputFiles(comparisonRenderers(result), files, {
    partial: result.partial,
  });
  if (lines.length > 0) console.log(`\n${lines.join("\n")}`);
  for (const error of errors) console.error(error);
  return errors.length > 0 ? 1 : 0;
});
