/**
 * `deno task peers`: races the library against Python's pools and HTTP clients, against the pools on
 * npm, and against the barest programs that do the same, all on this machine and in turn.
 *
 * @module
 */

import { command } from "../lib/command.ts";
import { listOf, nonNegativeInteger, outputFile, positiveInteger } from "../lib/options.ts";
import { userPath } from "../lib/reporting/output_files.ts";
import { script } from "../lib/script.ts";
import { chooseSeed } from "../lib/timing/random.ts";
import { contestsOf } from "./peers/families/all.ts";
import { createAttempts } from "./peers/harness/attempt.ts";
import { FAMILIES } from "./peers/harness/contest.ts";
import { findPython, startPageSite } from "./peers/harness/ground.ts";
import { raceProgress } from "./peers/harness/progress.ts";
import { race } from "./peers/harness/race.ts";
import { rowsOf } from "./peers/harness/result.ts";
import { renderRows } from "./peers/harness/table.ts";

const GREATEST_ROUNDS = 1000;

async function main(signal: AbortSignal, args: string[]): Promise<number> {
  const options = command(
    "peers",
    "Races the library against its peers: Python's pools, aiohttp and requests, the pools on npm\n" +
      "(downloaded on first use), and bare programs that do the same with nothing around it.\n" +
      "Every run is a process of its own, and counts only if its results are right.",
  )
    .option("--only <families>", `which families to race: ${FAMILIES.join(", ")}`)
    .option("--rounds <n>", "how often each contender runs", "3")
    .option("--seed <n>", "repeats the order of an earlier race; chosen and printed unless given")
    .option("--json <file>", "writes all figures of all rounds to a file")
    .parse(args, { from: "user" })
    .opts();
  const only = options.only === undefined ? FAMILIES : listOf("--only", options.only, FAMILIES);
  const rounds = positiveInteger("--rounds", options.rounds, { max: GREATEST_ROUNDS });
  const seed = options.seed === undefined
    ? chooseSeed()
    : nonNegativeInteger("--seed", options.seed);
  const json = options.json && await outputFile("--json", userPath(options.json));

  const environment = {
    deno: Deno.version.deno,
    os: Deno.build.os,
    arch: Deno.build.arch,
    cpus: navigator.hardwareConcurrency,
    startedAt: new Date().toISOString(),
  };
  await using site = await startPageSite();
  const contests = contestsOf(only, { python: await findPython(signal), page: site.page });
  console.log(
    `Deno ${environment.deno} on ${environment.os} ${environment.arch}, ${environment.cpus} CPUs; ` +
      `rounds ${rounds}, seed ${seed}`,
  );
  const runs = contests.reduce((sum, { peers }) => sum + (1 + peers.length) * rounds, 0);
  const progress = raceProgress(runs, rounds);
  const raced = await race(contests, {
    rounds,
    seed,
    signal,
    attempt: createAttempts({ signal }),
    onRun: progress.onRun,
  }).finally(() => progress[Symbol.dispose]());

  const rows = rowsOf(raced, seed);
  console.log(`\n${renderRows(rows)}`);
  if (json) {
    const result = { environment: { ...environment, seed }, rounds, partial: signal.aborted, rows };
    await Deno.writeTextFile(json, JSON.stringify(result, null, 2) + "\n");
    console.log(`\nWrote ${json}`);
  }
  // A missed aim is a finding; only our own failure is one of this run.
  return rows.some((row) => row.ours && row.trouble !== null) ? 1 : 0;
}

if (import.meta.main) await script("peers", main);
