/** Runs `deno task peers` after its options are read: races the chosen families, and reports. */

import { printReport } from "../../../lib/cli/result_files.ts";
import type { OutputFiles } from "../../../lib/files/output_files.ts";
import { ProgressLine } from "../../../lib/progress/progress.ts";
import type { Family } from "./families.ts";
import { asReport, type PeersFile, peersReport } from "./peers_report.ts";
import { styleOfStdout } from "../../../lib/report/terminal.ts";
import { counted } from "../../../lib/text/format.ts";
import { printError } from "../../../lib/text/print.ts";
import { describeMachine } from "../../../lib/timing/environment.ts";
import { startMeter } from "../../../lib/timing/meter/meter.ts";
import type { Contender, Contest } from "./contest.ts";
import { contestsOf } from "./contests.ts";
import { findPythons, startPageSite } from "./programs.ts";
import { createAttempts, race } from "./race.ts";
import { rowsOf } from "./result.ts";

/** Shows the race's progress: a line that is updated on a terminal, or one plain line per round in a pipe. */
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
  const text = peersReport(file, request).text(styleOfStdout());
  const wrote = await printReport("peers", [asReport(file)], files, partial, text);
  // A missed aim is a finding; only trouble with the library's own contender is a failure.
  return !wrote || rows.some((row) => row.ours && row.trouble !== null) ? 1 : 0;
}
