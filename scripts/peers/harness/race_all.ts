/** Runs `deno task peers` after its options are read: races the chosen families, and reports. */

import { printReport } from "../../../lib/cli/result_files.ts";
import type { OutputFiles } from "../../../lib/files/output_files.ts";
import { ProgressLine } from "../../../lib/progress/progress.ts";
import { asReport, type PeersFile, peersReport } from "./peers_report.ts";
import { styleOfStdout } from "../../../lib/report/terminal.ts";
import { counted } from "../../../lib/text/format.ts";
import { printError } from "../../../lib/text/print.ts";
import { describeMachine } from "../../../lib/timing/environment.ts";
import { startMeter } from "../../../lib/timing/meter/meter.ts";
import type { Family } from "./contest.ts";
import { contestsOf } from "./contests.ts";
import { findPythons, startPageSite } from "./programs.ts";
import { createAttempts, race, rowsOf } from "./race.ts";

interface Request {
  readonly only: readonly Family[];
  readonly rounds: number;
  readonly seed: number;
  readonly files: OutputFiles;
  readonly signal: AbortSignal;
  readonly short?: true | undefined;
  readonly aims?: true | undefined;
}

/** Returns the exit code. */
export async function raceAll(request: Request): Promise<number> {
  const { only, rounds, seed, files, signal } = request;
  await using meter = await startMeter(signal);
  const described = await describeMachine(meter);
  const { python, pythons, note } = await findPythons(signal);
  const environment = { ...described, seed, notes: [...described.notes ?? [], note] };
  await using site = await startPageSite();
  const contests = contestsOf(only, { python, pythons, page: site.page });
  printError(note);
  const runs = contests.reduce((sum, { peers }) => sum + (1 + peers.length) * rounds, 0);
  printError(`${counted(runs, "run")} in ${counted(rounds, "round")}, seed ${seed} …`);
  const line = new ProgressLine("starting");
  let [run, told] = [0, -1];
  const raced = await race(contests, {
    rounds,
    seed,
    signal,
    attempt: createAttempts({ signal }),
    onRun: ({ family }, { name }, round) => {
      run++;
      line.show(run / runs, `${run}/${runs} round ${round + 1}: ${family}, ${name}`);
      if (!line.moves && round !== told) line.say(`round ${round + 1} of ${rounds} …`);
      told = round;
    },
  }).finally(() => line.end());

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
  const text = peersReport(file, request).text(styleOfStdout());
  const wrote = await printReport("peers", [asReport(file)], files, partial, text);
  // A missed aim is a finding; only trouble with the library's own contender is a failure.
  return !wrote || rows.some((row) => row.ours && row.trouble !== null) ? 1 : 0;
}
