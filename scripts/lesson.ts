/** `deno task lesson`: teaches the ideas of concurrency in order, each with what this machine just measured. */

import { command } from "../lib/cli/command.ts";
import { MOST_ROUNDS } from "../lib/cli/comparison_options.ts";
import { script } from "../lib/cli/script.ts";
import { checkOutputFiles } from "../lib/files/output_files.ts";
import { oneOf, positiveInteger, seedOption } from "../lib/text/option_values.ts";
import { LANGUAGES } from "../lib/report/speaker.ts";

const ROUNDS = "3";

const lesson = command(
  "lesson",
  `
Teaches when concurrency pays: the ideas in their order, from what differs between concurrency and
parallelism to which model to take, each with what this machine did a moment ago and the command that
shows more. It measures for about a minute, prints the ideas with their figures, and writes a page with
pictures that opens without a network.`.trim(),
)
  .option("--language <name>", `of text and page: ${LANGUAGES.join(", ")} (default: en)`)
  .option("--html <file>", "where the page goes", "lesson.html")
  .option("--markdown <file>", "write the ideas with their figures for an issue")
  .option("--json <file>", "write all figures; deno task report makes the page of it again")
  .option("--rounds <n>", "how often each model is measured", ROUNDS)
  .option("--seed <n>", "order of the trials (default: drawn, and printed)")
  .addHelpText(
    "after",
    `
Examples:
  deno task lesson                                    the lesson, and lesson.html
  deno task lesson --language ko --html lesson.ko.html
  deno task lesson --json lesson.json                 and later, without measuring again:
  deno task report lesson.json --html lesson.html

Exit codes: 0 done, 1 a task failed or a file could not be written, 2 bad option, 130 interrupted.`,
  );

await script("lesson", async (signal, args) => {
  lesson.parse(args, { from: "user" });
  const raw = lesson.opts();
  const language = oneOf("--language", raw.language ?? "en", LANGUAGES);
  const seed = seedOption(raw.seed);
  const rounds = positiveInteger("--rounds", raw.rounds, { max: MOST_ROUNDS });
  const files = await checkOutputFiles(raw);
  const { teach } = await import("./lesson/teach.ts");
  return await teach({ language, rounds, seed, files, signal });
});
