/**
 * `deno task peers`: races the library against Python's pools and HTTP clients, against the pools on
 * npm, and against the barest programs that do the same, all on this machine and in turn.
 */

import { command } from "../lib/cli/command.ts";
import { listOf, positiveInteger, seedOption, UsageError } from "../lib/options.ts";
import { counted } from "../lib/text/format.ts";
import { printError } from "../lib/text/print.ts";
import { checkOutputFiles } from "../lib/files/output_files.ts";
import { familySentence, type PeersFile, peersReport } from "../lib/report/peers/peers_report.ts";
import { printReport } from "../lib/cli/result_files.ts";
import { styleOfStdout } from "../lib/report/terminal.ts";
import { script } from "../lib/cli/script.ts";
import { ProgressLine } from "../lib/progress/progress.ts";
import { describeMachine } from "../lib/timing/environment.ts";
import { contestsOf } from "./peers/harness/contests.ts";
import { createAttempts, race } from "./peers/harness/race.ts";
import { type Contender, type Contest, FAMILIES, LONG_FAMILY } from "./peers/harness/contest.ts";
import { findPythons, startPageSite } from "./peers/harness/programs.ts";
import { rowsOf } from "./peers/harness/result.ts";

const GREATEST_ROUNDS = 1000;

/** Tells how far the race is: a line that moves on a terminal, a plain line a round in a pipe. */
function raceProgress(runs: number, rounds: number) {
  const line = new ProgressLine("starting");
  let run = 0;
  let told = -1;
  return {
    onRun(contest: Contest, contender: Contender, round: number) {
      run++;
      const what = `round ${round + 1}: ${contest.family}, ${contender.name}`;
      line.show(run / runs, `${run}/${runs} ${what}`);
      if (!line.moves && round !== told) line.say(`round ${round + 1} of ${rounds} …`);
      told = round;
    },
    end: () => line.end(),
  };
}

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
    .option("--seed <n>", "repeats the order of an earlier race; chosen and printed unless given")
    .option("--short", "print a line a contest, with the best of the others alone")
    .option("--aims", "tell what the project wants of each figure, too")
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

  const described = await describeMachine();
  const { python, pythons, note } = await findPythons(signal);
  const environment = { ...described, seed, notes: [...described.notes ?? [], note] };
  await using site = await startPageSite();
  const contests = contestsOf(only, { python, pythons, page: site.page });
  printError(note);
  const runs = contests.reduce((sum, { peers }) => sum + (1 + peers.length) * rounds, 0);
  printError(`${counted(runs, "run")} in ${counted(rounds, "round")}, seed ${seed} …`);
  const progress = raceProgress(runs, rounds);
  const raced = await race(contests, {
    rounds,
    seed,
    signal,
    attempt: createAttempts({ signal }),
    onRun: progress.onRun,
  }).finally(() => progress.end());

  const rows = rowsOf(raced);
  const partial = signal.aborted;
  const file: PeersFile = {
    schemaVersion: 1,
    kind: "peers",
    environment,
    rounds,
    ...(partial && { partial }),
    rows,
  };
  const text = peersReport(file, options).text(styleOfStdout());
  const wrote = await printReport("peers", [file], files, partial, text);
  // A missed aim is a finding; only our own failure is one of this run.
  return !wrote || rows.some((row) => row.ours && row.trouble !== null) ? 1 : 0;
}

if (import.meta.main) await script("peers", main);
