/** Runs `deno task switch` after its options are read: runs the experiments in turn, and reports. */

import { printReport } from "../../lib/cli/result_files.ts";
import type { OutputFiles } from "../../lib/files/output_files.ts";
import { QUESTIONS } from "../../lib/report/switching/switch_report.ts";
import { inTurn } from "../../lib/switching/experiments.ts";
import { whoIsServed } from "../../lib/switching/who_is_served.ts";
import { whoseSession } from "../../lib/switching/whose_session.ts";
import { whoseTurn } from "../../lib/switching/whose_turn.ts";
import { whoLetsGo } from "../../lib/switching/who_lets_go.ts";
import type { Experiments, SwitchFile } from "../../lib/switching/switch_result.ts";
import { printError } from "../../lib/text/print.ts";
import { describeMachine } from "../../lib/timing/environment.ts";
import { startMeter } from "../../lib/timing/meter/meter.ts";

const EXPERIMENTS = {
  ticks: ["whoLetsGo", whoLetsGo],
  counter: ["whoseTurn", whoseTurn],
  sessions: ["whoseSession", whoseSession],
  server: ["whoIsServed", whoIsServed],
} as const;

/** Returns the exit code. */
export async function watchSwitching(
  parts: readonly (keyof typeof EXPERIMENTS)[],
  files: OutputFiles,
  signal: AbortSignal,
): Promise<number> {
  await using meter = await startMeter(signal);
  const environment = await describeMachine(meter);
  const chosen = Object.fromEntries(parts.map((part) => EXPERIMENTS[part]));
  const { found, failure } = await inTurn(chosen, signal, (name) => {
    printError(`${QUESTIONS[name as keyof Experiments].title} …`);
  });
  const experiments = found as Experiments;
  const file: SwitchFile = { schemaVersion: 1, kind: "switch", environment, ...experiments };
  const isEmpty = Object.keys(found).length === 0;
  const partial = signal.aborted || failure !== undefined;
  const wrote = !isEmpty && await printReport("switch", [file], files, partial);
  if (failure !== undefined) throw failure.error;
  const { whoseSession: sessions, whoIsServed: server } = file;
  const missing = sessions?.rows.some(({ pages }) => pages < sessions.asked) ||
    server?.rows.some(({ answered }) => answered < server.clients);
  return wrote && !missing ? 0 : 1;
}
