/** `deno task compare`: says what changed from one result file to another. */

import { command } from "../lib/cli/command.ts";
import { inputPath } from "../lib/files/user_files.ts";
import { shareOption } from "../lib/text/option_values.ts";
import { requireDistinct } from "../lib/files/named_files.ts";
import { print } from "../lib/text/print.ts";
import { styleOfStdout } from "../lib/report/terminal.ts";
import { script } from "../lib/cli/script.ts";

const compare = command(
  "compare",
  `
Says what changed from one result file to another, job by job and model by model, and exits with 3
when a model is detectably slower, and by more than allowed. Jobs of other options, and models of
other lanes or slots, aren't compared. Made for CI.`.trim(),
)
  .argument("<old.json>", "the result file to compare with; - is standard input")
  .argument("<new.json>", "the result file in question")
  .option("--max-slowdown <share>", "how much slower is allowed (default: 10%)")
  .addHelpText(
    "after",
    `
Examples:
  deno task io --json before.json                     … and after a change:
  deno task io --json after.json
  deno task compare before.json after.json --max-slowdown 5%

Exit codes: 0 nothing is slower than allowed, 1 more items fail than before (in every round, or by more than
chance), or models' results differ now, 2 bad option or file, or nothing in common, 3 slower than allowed.`,
  );

await script("compare", async (_signal, args) => {
  compare.parse(args, { from: "user" });
  const [older, newer] = compare.processedArgs;
  const maxSlowdown = shareOption("--max-slowdown", compare.opts().maxSlowdown ?? "10%", Infinity);
  await requireDistinct([], [
    { option: "old.json", path: inputPath(older) },
    { option: "new.json", path: inputPath(newer) },
  ]);
  const { requireCommon, resultOption } = await import("../lib/cli/result_files.ts");
  const { compareResults } = await import("../lib/timing/compare_results.ts");
  const { renderChanges } = await import("../lib/report/comparison/changes_report.ts");
  const then = await resultOption("old.json", older);
  const now = await resultOption("new.json", newer);
  const changes = compareResults(then, now, { maxSlowdown });
  requireCommon(changes, "new.json", newer, then, now);
  print(renderChanges(changes, maxSlowdown, styleOfStdout()));
  return changes.isWorse ? 1 : changes.tooSlow ? 3 : 0;
});
