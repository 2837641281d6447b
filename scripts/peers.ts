/**
 * `deno task peers`: races the library in turn against Python's pools and HTTP clients, the pools on npm, and
 * the barest programs that do the same, all on this machine.
 */

import { command } from "../lib/cli/command.ts";
import { script } from "../lib/cli/script.ts";
import { checkOutputFiles } from "../lib/files/output_files.ts";
import { listOf, positiveInteger, seedOption, UsageError } from "../lib/text/option_values.ts";
import { FAMILIES, familySentence, LONG_FAMILY } from "./peers/harness/contest.ts";

const GREATEST_ROUNDS = 1000;

async function main(signal: AbortSignal, args: string[]): Promise<number> {
  const options = command(
    "peers",
    "Says how fast this library is beside others on your machine: Python's pools, pools and limits on npm\n" +
      "(downloaded on first use), HTTP clients, and bare programs that do the same with nothing around it.\n" +
      "Every run is a process of its own, and counts only if its results are right.",
  )
    .option(
      "--only <families>",
      `which contests: ${FAMILIES.join(", ")} (default: all but ${LONG_FAMILY})`,
    )
    .option("--rounds <n>", "how often each contender runs", "3")
    .option(
      "--seed <n>",
      "the seed of an earlier race, to repeat its order; drawn and printed by default",
    )
    .option("--short", "print a line a contest, with the best of the others alone")
    .option("--aims", "also tell what figure the project aims at")
    .option("--json <file>", "write all figures of all rounds; deno task report makes pages of it")
    .addHelpText(
      "after",
      `
Contests:
${FAMILIES.map((family) => `  ${family.padEnd(7)} ${familySentence(family)}`).join("\n")}

Examples:
  deno task peers --only pools,io
  deno task peers --only python                       what the GIL of each Python here lets compute
  deno task peers --only load --rounds 1              HTTP clients under load; six minutes a round
  deno task peers --json peers.json
  deno task report peers.json --html peers.html

Exit codes: 0 done, 1 a run of this library failed, 2 bad option, 130 interrupted.`,
    )
    .parse(args, { from: "user" })
    .opts();
  const only = options.only === undefined
    ? FAMILIES.filter((family) => family !== LONG_FAMILY)
    : listOf("--only", options.only, FAMILIES);
  const rounds = positiveInteger("--rounds", options.rounds, { max: GREATEST_ROUNDS });
  const seed = seedOption(options.seed);
  if (options.short && options.aims) {
    throw new UsageError("--aims", true, "a line of --short has no room for aims", "leave one out");
  }
  const files = await checkOutputFiles({ json: options.json });
  const { raceAll } = await import("./peers/harness/race.ts");
  return await raceAll({ ...options, only, rounds, seed, files, signal });
}

if (import.meta.main) await script("peers", main);
